from django.urls import URLPattern

app_name = "basemodels"
urlpatterns: list[URLPattern] = []
