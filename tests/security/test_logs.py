import logging

import pytest

from webapp.accounts import actions, tokens
from webapp.core import logs


@pytest.fixture
def written(settings, capsys):
    """Everything that reaches the log, through the filter of the real handler."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keep()
    handler.addFilter(logs.HideSecrets())
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    root = logging.getLogger()
    level, root.level = root.level, logging.DEBUG
    root.addHandler(handler)
    yield lambda: "\n".join([*lines, *capsys.readouterr()])
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.row("S26")
def test_no_key_reaches_the_log(client, client_as, written, team, owner, trainer):
    _invitation, path = actions.invite(by=owner, team=team, email="nia@example.org", role="viewer")
    client.get(path)
    client.post(path, {"name": "Nia", "password": "bronze-and-plum-8"})
    client.get(path)  # used: "not found" is logged with its address
    _token, plain = actions.create_token(by=trainer, team=team, name="x", scopes=["read"])
    client_as(None).get("/api/v1/runs", headers={"Authorization": f"Bearer {plain}"})
    client_as(None).get(f"/help/?token={plain}")
    client_as(None).post("/account/login/", {"login": owner.email, "password": "not-the-password"})
    found = written()
    assert "request_finished" in found
    assert "/join/[hidden]" in found
    for secret in (path.split("/")[2], plain, plain.rsplit("_", 1)[1], "bronze-and-plum-8", "not-the-password"):
        assert secret not in found


@pytest.mark.row("S26")
def test_a_trace_shows_no_local_variables(client_as, written, team, trainer, monkeypatch):
    def crash(token):
        secret = "canary-" + "in-a-local-variable"
        raise RuntimeError(len(secret))

    monkeypatch.setattr(tokens, "_note_use", crash)
    _token, plain = actions.create_token(by=trainer, team=team, name="x", scopes=["read"])
    client = client_as(None, raise_request_exception=False)
    assert client.get("/api/v1/runs", headers={"Authorization": f"Bearer {plain}"}).status_code == 500
    found = written()
    assert "RuntimeError" in found
    assert "canary-in-a-local-variable" not in found
    assert plain.rsplit("_", 1)[1] not in found


def test_what_is_hidden_is_only_the_key():
    assert logs.hide("GET /join/abcDEF-12_34567890/") == "GET /join/[hidden]/"
    assert logs.hide("/account/password/reset/key/1-cx3d-8f7a9b/") == "/account/password/reset/key/1-[hidden]/"
    assert logs.hide("/t/acme/runs/run_01jd3x7c5k8z0m2vqhtw/") == "/t/acme/runs/run_01jd3x7c5k8z0m2vqhtw/"
