from django.urls import path

from webapp.runs.views import new, recipes, runs

app_name = "runs"
urlpatterns = [
    path("runs/", runs.list_runs, name="list"),
    path("runs/new/", new.new, name="new"),
    path("runs/<str:run_id>/", runs.detail, name="detail"),
    path("runs/<str:run_id>/status/", runs.status, name="status"),
    path("runs/<str:run_id>/metrics/", runs.metrics, name="metrics"),
    path("runs/<str:run_id>/log/", runs.log, name="log"),
    path("runs/<str:run_id>/pause/", runs.steer, {"verb": "pause"}, name="pause"),
    path("runs/<str:run_id>/resume/", runs.steer, {"verb": "resume"}, name="resume"),
    path("runs/<str:run_id>/stop/", runs.steer, {"verb": "stop"}, name="stop"),
    path("runs/<str:run_id>/retry/", runs.steer, {"verb": "retry"}, name="retry"),
    path("runs/<str:run_id>/cancel/", runs.cancel, name="cancel"),
    path("runs/<str:run_id>/rename/", runs.rename, name="rename"),
    path("runs/<str:run_id>/delete/", runs.delete, name="delete"),
    path("runs/<str:run_id>/restore/", runs.restore, name="restore"),
    path("runs/<str:run_id>/checkpoints/restore/", runs.restore_checkpoints, name="restore_checkpoints"),
    path("recipes/", recipes.list_recipes, name="recipes"),
    path("recipes/new/", recipes.new, name="recipe_new"),
    path("recipes/<str:recipe_id>/", recipes.detail, name="recipe"),
    path("recipes/<str:recipe_id>/edit/", recipes.edit, name="recipe_edit"),
    path("recipes/<str:recipe_id>/delete/", recipes.delete, name="recipe_delete"),
    path("recipes/<str:recipe_id>/restore/", recipes.restore, name="recipe_restore"),
]
