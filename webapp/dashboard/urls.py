from django.urls import path

from webapp.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.root, name="root"),
    path("t/<slug:team>/", views.home, name="home"),
    path("t/<slug:team>/trash/", views.trash, name="trash"),
    path("t/<slug:team>/jump/", views.jump, name="jump"),
]
