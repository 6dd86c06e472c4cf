from django.urls import path

from webapp.datasets.views import changes, downloads, lists, reading, single

app_name = "datasets"
VERSION = "<str:dataset>/v<int:number>"
urlpatterns = [
    path("", lists.list_datasets, name="list"),
    path("new/", lists.new, name="new"),
    path("sample/", lists.sample, name="sample"),
    path("<str:dataset>/", reading.newest, name="detail"),
    path("<str:dataset>/add/", lists.add_version, name="add_version"),
    path("<str:dataset>/edit/", changes.edit, name="edit"),
    path("<str:dataset>/delete/", changes.delete, name="delete"),
    path("<str:dataset>/restore/", changes.restore, name="restore"),
    path(f"{VERSION}/", reading.version, name="version"),
    path(f"{VERSION}/status/", reading.status, name="status"),
    path(f"{VERSION}/columns/", reading.columns, name="columns"),
    path(f"{VERSION}/columns/map/", changes.map_columns, name="map_columns"),
    path(f"{VERSION}/problems/", reading.problems, name="problems"),
    path(f"{VERSION}/versions/", reading.versions, name="versions"),
    path(f"{VERSION}/used-by/", reading.used_by, name="used_by"),
    path(f"{VERSION}/read-again/", changes.read_again, name="read_again"),
    path(f"{VERSION}/cancel/", changes.cancel, name="cancel"),
    path(f"{VERSION}/delete/", single.delete, name="delete_version"),
    path(f"{VERSION}/restore/", single.restore, name="restore_version"),
    path(f"{VERSION}/original", downloads.original, name="original"),
    path(f"{VERSION}/rows.jsonl", downloads.conversations, name="conversations"),
    path(f"{VERSION}/problems.csv", downloads.problem_table, name="problem_table"),
]
