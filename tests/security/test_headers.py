import pytest
from django.test import Client

POLICY = {
    "default-src 'self'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}


@pytest.fixture(params=["/account/login/", "/me/", "/t/acme/team/people/", "/nothing-here", "/healthz", "/words.js"])
def answer(request, client_as, owner):
    return client_as(owner).get(request.param)


def test_every_answer_bears_the_one_policy(answer):
    found = {part.strip() for part in answer.headers["Content-Security-Policy"].split(";")}
    assert found == POLICY


def test_every_answer_bears_the_other_guards(answer):
    expected = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected


def test_a_crash_bears_them_too_and_shows_no_trace(client_as, owner, monkeypatch, settings):
    monkeypatch.setattr("webapp.accounts.queries.memberships_of", lambda user: 1 / 0)
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    client = client_as(owner, raise_request_exception=False)
    answer = client.get("/me/")
    assert answer.status_code == 500
    assert {part.strip() for part in answer.headers["Content-Security-Policy"].split(";")} == POLICY
    assert "ZeroDivisionError" not in answer.content.decode()
    assert answer.headers["X-Request-ID"] in answer.content.decode()


@pytest.mark.row("S15")
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1@evil", ""])
@pytest.mark.parametrize("path", ["/account/login/", "/api/v1/runs", "/healthz"])
def test_a_foreign_host_name_is_refused_before_anything_else(db, settings, host, path):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    answer = Client(headers={"Host": host}).get(path)
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_a_forwarded_host_is_not_believed(db, settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    answer = Client(headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"}).get("/account/login/")
    assert answer.status_code == 200
    assert "evil" not in answer.content.decode()


def test_where_to_go_after_signing_in_stays_here(client, owner):
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        answer = client.post(
            "/account/login/", {"login": owner.email, "password": "copper-and-steel-7", "next": target}
        )
        assert answer.status_code == 302
        assert "evil" not in answer.headers["Location"]
        assert "javascript" not in answer.headers["Location"]
        client.post("/account/logout/")
