"""A program with a token. The rows around a run are made as in the tests of runs and of adapters."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.webapp.adapters.conftest import finished_run, make_adapter_version, version  # noqa: F401
from tests.webapp.runs.conftest import bundle_of, make_base, make_run, make_version  # noqa: F401
from webapp.accounts import actions as accounts
from webapp.accounts.models import Team

ALL = ("read", "write", "train")


class Program:
    """Speaks to /api/v1 with one token; answers are (status, document)."""

    def __init__(self, token: str) -> None:
        self._client = Client(headers={"authorization": f"Bearer {token}"} if token else {})

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body) if body is not None else b""
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        response = self._client.generic(method, f"/api/v1{path}", data, content_type=kind, headers=headers)
        self.headers = response.headers
        content = b"".join(response) if response.streaming else response.content
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status_code, json.loads(content) if is_json and content else content


@pytest.fixture
def program(team: Team) -> Callable[..., Program]:
    """`program(trainer)` is a program with a token of that person; `program(None)` has none."""

    def make(user: Any, scopes: tuple[str, ...] = ALL) -> Program:
        if user is None:
            return Program("")
        membership = user.memberships.get()
        _row, plain = accounts.create_token(by=user, team=membership.team, name="test", scopes=list(scopes))
        return Program(plain)

    return make
