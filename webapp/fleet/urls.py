from django.urls import path

from webapp.fleet import views

app_name = "fleet"
urlpatterns = [
    path("", views.list_workers, name="list"),
    path("<slug:worker_id>/", views.detail, name="detail"),
    path("<slug:worker_id>/drain/", views.drain, name="drain"),
    path("<slug:worker_id>/undrain/", views.undrain, name="undrain"),
]
