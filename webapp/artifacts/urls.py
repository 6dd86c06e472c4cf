from django.urls import URLPattern

app_name = "artifacts"
urlpatterns: list[URLPattern] = []
