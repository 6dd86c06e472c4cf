from django.urls import path

from webapp.evaluation import views

app_name = "evaluation"
urlpatterns = [
    path("of/<str:version_id>/", views.start, name="start"),
    path("<str:report_id>/", views.report, name="report"),
    path("<str:report_id>/delete/", views.delete, name="delete"),
    path("<str:report_id>/restore/", views.restore, name="restore"),
]
