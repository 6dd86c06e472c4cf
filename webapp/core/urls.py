from django.urls import path

from webapp.core import views

app_name = "core"
urlpatterns = [
    path("healthz", views.live, name="live"),
    path("readyz", views.ready, name="ready"),
    path("help/", views.help_page, name="help"),
    path("theme/", views.choose_theme, name="theme"),
    path("words.js", views.words, name="words"),
]
