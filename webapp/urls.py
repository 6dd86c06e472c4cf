"""Every address, in the order of reading. A team's pages live under /t/<team>/; names at the root come last."""

from django.urls import include, path

urlpatterns = [
    path("", include("webapp.core.urls")),  # /healthz /readyz /help/
    path("account/", include("webapp.accounts.sign_in_urls")),
    path("", include("webapp.dashboard.urls")),  # / and /t/<team>/, search, trash
    path("", include("webapp.accounts.urls")),  # /setup/… /join/… /t/<team>/team/…
    path("", include("webapp.notices.urls")),
    path("t/<slug:team>/workers/", include("webapp.fleet.urls")),
    path("t/<slug:team>/uploads/", include("webapp.artifacts.urls")),
    path("t/<slug:team>/models/", include("webapp.basemodels.urls")),
    path("t/<slug:team>/datasets/", include("webapp.datasets.urls")),
    path("", include("webapp.storekeeper.urls")),  # /storage/ and /t/<team>/team/storage/
    path("t/<slug:team>/", include("webapp.runs.urls")),  # runs/ and recipes/
    path("t/<slug:team>/adapters/reports/", include("webapp.evaluation.urls")),  # a place of the catalog
    path("t/<slug:team>/adapters/", include("webapp.adapters.urls")),
    path("links/", include("webapp.adapters.link_urls")),  # signed, for who has no session
    path("t/<slug:team>/lineage/", include("webapp.lineage.urls")),
    path("api/v1/", include("webapp.api.urls")),
]

handler400 = "webapp.core.errors.bad_request"
handler403 = "webapp.core.errors.permission_denied"
handler404 = "webapp.core.errors.page_not_found"
handler500 = "webapp.core.errors.server_error"
