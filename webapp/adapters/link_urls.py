"""Addresses that need no session: the signature in them is the key, and the rights behind it are asked for again."""

from django.urls import path

from webapp.adapters.views import downloads

app_name = "links"
urlpatterns = [path("<str:token>/<str:file_name>", downloads.by_link, name="download")]
