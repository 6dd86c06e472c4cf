"""`python serve.py`: the real web process on a free port with one signed-in person; prints where and how, as JSON."""

import json
import os
import socket
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402

from webapp.accounts.models import Membership, Team, User  # noqa: E402


def sign_in() -> str:
    user = User.objects.create_user("trainer@acme.test", "copper-and-steel-7")
    Membership.objects.create(team=Team.objects.create(slug="acme", title="Acme"), user=user, role="trainer")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    session_key = sign_in()
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    names = {"session_name": settings.SESSION_COOKIE_NAME, "csrf_name": settings.CSRF_COOKIE_NAME}
    sys.stdout.write(json.dumps({"url": url, "session": session_key, **names}) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config("webapp.asgi:application", lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])
