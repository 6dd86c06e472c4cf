"""The real web process for download.py, with one signed-in person, one adapter version and the peer's view beside ours.

Prints where and how as one line of JSON. The second process on the same state finds what the first one made.
"""

import hashlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import FileResponse  # noqa: E402
from django.urls import path  # noqa: E402

from webapp import urls  # noqa: E402
from webapp.accounts.access import Permission, team_view  # noqa: E402
from webapp.accounts.models import Membership, Team, User  # noqa: E402
from webapp.adapters.models import Adapter, AdapterVersion  # noqa: E402
from webapp.adapters.views import find  # noqa: E402
from webapp.artifacts import actions, storage  # noqa: E402
from webapp.basemodels.models import PretrainedModel  # noqa: E402
from webapp.core.request import Request  # noqa: E402

FILE = "adapter_model.safetensors"


@team_view(Permission.DOWNLOAD)
def by_file_response(request: Request, adapter_id: str) -> FileResponse:
    """As a Django project does it that thinks no further: the same rights, the same row, FileResponse."""
    version = find.version(request, adapter_id, 1)
    return FileResponse(storage.path_of(version.sha256).open("rb"), as_attachment=True, filename=FILE)


def make(size_bytes: int) -> AdapterVersion:
    call_command("migrate", verbosity=0)
    known = AdapterVersion.objects.select_related("adapter").first()
    if known is not None:
        return known
    user = User.objects.create_user("trainer@acme.test", "copper-and-steel-7")
    team = Team.objects.create(slug="acme", title="Acme")
    Membership.objects.create(team=team, user=user, role="trainer")
    weights = Path(os.environ["TUNESMITH_STATE"]) / FILE
    with weights.open("wb") as file:
        for number in range(0, size_bytes, 1_000_000):
            piece = hashlib.shake_128(number.to_bytes(8, "big")).digest(min(1_000_000, size_bytes - number))
            file.write(piece)
    bundle = actions.make_bundle(team=team, kind="adapter", files={FILE: weights})
    base = PretrainedModel.objects.create(name="tunesmith/base", source="starter", config={})
    return AdapterVersion.objects.create(
        adapter=Adapter.objects.create(team=team, name="tone", created_by=user),
        number=1,
        base_model=base,
        bundle=bundle,
        sha256=bundle.files.get().blob.sha256,
        created_by=user,
    )


def sign_in() -> str:
    user, session = User.objects.get(), SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def facts(version: AdapterVersion, port: int) -> dict[str, Any]:
    adapter = version.adapter.public_id
    return {
        "port": port,
        "cookie": sign_in(),
        "path": f"/t/acme/adapters/{adapter}/v1/files/{FILE}",
        "peer": f"/t/acme/peer/{adapter}/",
        "key": storage.key(version.sha256),
        "stored": str(storage.path_of(version.sha256)),
        "sha256": version.sha256,
    }


if __name__ == "__main__":
    urls.urlpatterns.insert(0, path("t/<slug:team>/peer/<str:adapter_id>/", by_file_response))
    made = make(int(sys.argv[1]))
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(json.dumps(facts(made, listening.getsockname()[1])) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config("webapp.asgi:application", lifespan="off", log_level="critical", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])
