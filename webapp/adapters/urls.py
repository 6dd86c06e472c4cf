from django.urls import path

from webapp.adapters import views

app_name = "adapters"
urlpatterns = [
    path("", views.list_adapters, name="list"),
    path("<str:adapter_id>/", views.newest, name="detail"),
    path("<str:adapter_id>/rename/", views.rename, name="rename"),
    path("<str:adapter_id>/delete/", views.delete, name="delete"),
    path("<str:adapter_id>/restore/", views.restore, name="restore"),
    path("<str:adapter_id>/v<int:number>/", views.version, name="version"),
    path("<str:adapter_id>/v<int:number>/card/", views.edit_card, name="card"),
    path("<str:adapter_id>/v<int:number>/download/", views.download_zip, name="zip"),
    path("<str:adapter_id>/v<int:number>/files/<path:file_path>", views.download_file, name="file"),
]
