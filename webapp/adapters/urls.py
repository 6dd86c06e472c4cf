from django.urls import path

from webapp.adapters.views import anatomy, card, catalog, downloads, gates, imports, links, stages, trash, version

app_name = "adapters"
urlpatterns = [
    path("", catalog.list_adapters, name="list"),
    path("gates/", gates.list_gates, name="gates"),
    path("gates/<str:gate_id>/", gates.edit_gate, name="gate"),
    path("gates/<str:gate_id>/remove/", gates.remove_gate, name="remove_gate"),
    path("import/", imports.new, name="new_import"),
    path("import/hub/", imports.from_hub, name="import_hub"),
    path("import/<str:import_id>/", imports.show, name="import"),
    path("import/<str:import_id>/cancel/", imports.cancel, name="cancel_import"),
    path("import/<str:import_id>/retry/", imports.retry, name="retry_import"),
    path("<str:adapter_id>/", version.newest, name="detail"),
    path("<str:adapter_id>/rename/", version.rename, name="rename"),
    path("<str:adapter_id>/delete/", trash.delete, name="delete"),
    path("<str:adapter_id>/restore/", trash.restore, name="restore"),
    path("<str:adapter_id>/rollback/", stages.rollback, name="rollback"),
    path("<str:adapter_id>/v<int:number>/", version.show, name="version"),
    path("<str:adapter_id>/v<int:number>/stage/<str:stage>/", stages.move, name="move"),
    path("<str:adapter_id>/v<int:number>/history/", stages.history, name="history"),
    path("<str:adapter_id>/v<int:number>/review/", stages.ask_review, name="ask_review"),
    path("<str:adapter_id>/v<int:number>/review/<str:review_id>/", stages.answer_review, name="answer_review"),
    path("<str:adapter_id>/v<int:number>/card/", card.show, name="card"),
    path("<str:adapter_id>/v<int:number>/card/edit/", card.edit, name="edit_card"),
    path("<str:adapter_id>/v<int:number>/card/reset/", card.reset, name="reset_card"),
    path("<str:adapter_id>/v<int:number>/anatomy/", anatomy.show, name="anatomy"),
    path("<str:adapter_id>/v<int:number>/anatomy/look/", anatomy.inspect, name="inspect"),
    path("<str:adapter_id>/v<int:number>/anatomy/compress/", anatomy.compress, name="compress"),
    path("<str:adapter_id>/v<int:number>/download/", downloads.download_zip, name="zip"),
    path("<str:adapter_id>/v<int:number>/delete/", trash.delete_version, name="delete_version"),
    path("<str:adapter_id>/v<int:number>/restore/", trash.restore_version, name="restore_version"),
    path("<str:adapter_id>/v<int:number>/link/", links.make, name="link"),
    path("<str:adapter_id>/v<int:number>/SHA256SUMS", downloads.checksums, name="checksums"),
    path("<str:adapter_id>/v<int:number>/files/<path:file_path>", downloads.download_file, name="file"),
]
