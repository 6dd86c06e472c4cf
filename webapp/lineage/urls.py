from django.urls import path

from webapp.lineage import views

app_name = "lineage"
urlpatterns = [
    path("<str:thing_id>/", views.show, name="show"),
    path("<str:thing_id>/withdraw/", views.withdraw, name="withdraw"),
    path("<str:thing_id>/reinstate/", views.reinstate, name="reinstate"),
]
