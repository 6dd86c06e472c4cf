from django.urls import path

from webapp.notices import views

app_name = "notices"
urlpatterns = [
    path("notices/", views.list_notices, name="list"),
    path("notices/read/", views.read_all, name="read_all"),
    path("notices/count/", views.count, name="count"),
    path("notices/<slug:notice_id>/", views.open_notice, name="open"),
]
