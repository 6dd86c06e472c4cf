from django.urls import path

from webapp.storekeeper import views

app_name = "storekeeper"
urlpatterns = [
    path("storage/", views.installation, name="installation"),
    path("t/<slug:team>/team/storage/", views.team, name="team"),
    path("t/<slug:team>/team/storage/free/", views.free, name="free"),
    path("t/<slug:team>/team/storage/rules/", views.rules, name="rules"),
]
