from django.urls import path

from webapp.basemodels import views

app_name = "basemodels"
urlpatterns = [
    path("", views.list_models, name="list"),
    path("add/", views.add, name="add"),
    path("add/folder/", views.add_folder, name="add_folder"),
    path("token/", views.set_token, name="token"),
    path("token/forget/", views.forget_token, name="forget_token"),
    path("<str:model_id>/", views.detail, name="detail"),
    path("<str:model_id>/download/", views.download_zip, name="zip"),
    path("<str:model_id>/retry/", views.retry, name="retry"),
    path("<str:model_id>/delete/", views.delete, name="delete"),
    path("<str:model_id>/restore/", views.restore, name="restore"),
]
