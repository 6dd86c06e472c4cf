import pytest
from django.conf import settings
from django.contrib.auth import get_user

PASSWORD = "copper-and-steel-7"


def sign_in(client, email, password=PASSWORD, **extra):
    return client.post("/account/login/", {"login": email, "password": password}, **extra)


@pytest.mark.row("W5")
def test_the_sixth_try_in_a_minute_is_refused_even_with_the_right_password(client, owner):
    for _ in range(5):
        assert "Too many" not in sign_in(client, owner.email, "wrong").content.decode()
    answer = sign_in(client, owner.email)
    assert not get_user(client).is_authenticated
    assert "Too many" in answer.content.decode()


@pytest.mark.row("W5")
def test_other_people_at_other_addresses_are_not_locked_out_by_it(client, client_as, owner, viewer):
    for _ in range(6):
        sign_in(client, owner.email, "wrong")
    other = client_as(None)
    assert sign_in(other, viewer.email, REMOTE_ADDR="192.0.2.50").status_code == 302


@pytest.mark.row("W5")
def test_one_address_cannot_try_one_password_on_everybody(client, owner, viewer, trainer):
    for number in range(5):
        sign_in(client, f"person{number}@acme.test", "summer-2025")
    assert "Too many" in sign_in(client, viewer.email).content.decode()


@pytest.mark.row("W5")
def test_behind_a_proxy_people_are_told_apart_by_the_address_that_the_proxy_saw(client_as, owner, viewer, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(6):
        invented = f"198.51.100.{number}, 192.0.2.50"
        answer = sign_in(client_as(None), f"person{number}@acme.test", "wrong", HTTP_X_FORWARDED_FOR=invented)
    assert "Too many" in answer.content.decode()
    other = sign_in(client_as(None), viewer.email, HTTP_X_FORWARDED_FOR="198.51.100.0, 192.0.2.51")
    assert other.status_code == 302


@pytest.mark.row("W5")
def test_without_a_proxy_an_invented_address_does_not_get_round_the_limit(client_as, owner):
    for number in range(6):
        invented = f"198.51.100.{number}"
        answer = sign_in(client_as(None), f"person{number}@acme.test", "wrong", HTTP_X_FORWARDED_FOR=invented)
    assert "Too many" in answer.content.decode()


@pytest.mark.row("W5")
def test_nothing_tells_whether_an_account_exists(client_as, owner):
    answers = [sign_in(client_as(None), email, "wrong") for email in (owner.email, "nobody@acme.test")]
    texts = [answer.content.decode() for answer in answers]
    assert texts[0].replace(owner.email, "")[:500] == texts[1].replace("nobody@acme.test", "")[:500]
    assert answers[0].context["form"].errors == answers[1].context["form"].errors
    resets = [client_as(None).post("/account/password/reset/", {"email": e}) for e in (owner.email, "no@acme.test")]
    assert (resets[0].status_code, resets[0].url) == (resets[1].status_code, resets[1].url)


def test_signing_in_changes_the_session_and_the_form_token(client, owner):
    client.get("/account/login/")
    client.session["marker"] = "set before"
    session = client.session
    session["marker"] = "set before"
    session.save()
    before = client.cookies[settings.SESSION_COOKIE_NAME].value
    sign_in(client, owner.email)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != before


def test_signing_out_ends_the_session_on_the_server(client, client_as, owner):
    sign_in(client, owner.email)
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/account/logout/")
    thief = client_as(None)
    thief.cookies[settings.SESSION_COOKIE_NAME] = kept
    assert thief.get("/me/").status_code == 302


def test_looking_at_the_way_out_does_not_sign_out(client, owner):
    sign_in(client, owner.email)
    client.get("/account/logout/")
    assert client.get("/me/").status_code == 200


def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(client, owner):
    cookie = sign_in(client, owner.email).cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["domain"]


def test_nobody_signs_up_alone(client, db):
    client.get("/account/signup/")
    client.post("/account/signup/", {"email": "eve@evil.example", "password1": PASSWORD, "password2": PASSWORD})
    assert not get_user(client).is_authenticated
    from webapp.accounts.models import User

    assert not User.objects.exists()


def test_a_reset_link_works_once_and_leads_here(client, client_as, owner, mailoutbox):
    client.post("/account/password/reset/", {"email": owner.email})
    link = next(word for word in mailoutbox[0].body.split() if "/password/reset/key/" in word)
    assert link.startswith("http://testserver/account/password/reset/key/")
    first = client.get(link, follow=True)
    assert first.status_code == 200
    where = first.redirect_chain[-1][0]
    client.post(where, {"password1": "bronze-and-plum-8", "password2": "bronze-and-plum-8"})
    assert sign_in(client_as(None), owner.email, "bronze-and-plum-8").status_code == 302
    again = client_as(None).get(link, follow=True)
    assert 'type="password"' not in again.content.decode()
