from django.urls import path

from webapp.artifacts import views

app_name = "artifacts"
urlpatterns = [
    path("", views.open_upload, name="uploads"),
    path("<str:upload>", views.upload, name="upload"),
    path("<str:upload>/finish", views.finish_upload, name="finish_upload"),
]
