from django.core.cache import cache

from webapp.accounts.models import User
from webapp.audit.models import Event

PASSWORD = "copper-and-steel-7"


def sign_in(client, email, password=PASSWORD, **extra):
    return client.post("/account/login/", {"login": email, "password": password}, **extra)


def test_a_person_signs_in_and_it_is_written_down(client, owner):
    assert sign_in(client, "OWNER@acme.test").status_code == 302
    event = Event.objects.get(verb="person.signed_in")
    assert (event.actor_id, event.ip) == (owner.public_id, "127.0.0.1")


def test_a_wrong_password_is_seen_on_the_account_page_of_its_owner(client, client_as, owner):
    sign_in(client, owner.email, "wrong")
    sign_in(client, "nobody@acme.test", "my-secret-by-mistake")
    assert Event.objects.filter(verb="person.sign_in_failed").count() == 1
    assert "my-secret-by-mistake" not in str(list(Event.objects.values()))
    assert "Wrong password from 127.0.0.1" in client_as(owner).get("/me/").content.decode()


def test_the_account_page_shows_only_ones_own(client_as, owner, viewer, stranger, client):
    sign_in(client, stranger.email, "wrong")
    page = client_as(viewer).get("/me/").content.decode()
    assert "Wrong password" not in page
    assert "Acme Support" in page
    assert "Globex" not in page


def test_a_name_is_changed_and_nothing_else(client_as, viewer):
    client_as(viewer).post("/me/", {"name": " Vera\n V. ", "is_administrator": "on", "email": "x@y.org"})
    user = User.objects.get(pk=viewer.pk)
    assert (user.name, user.email, user.is_administrator) == ("Vera V.", viewer.email, False)


def test_a_person_without_a_team_has_an_account_page(client_as, stranger):
    stranger.memberships.all().delete()
    answer = client_as(stranger).get("/me/")
    assert answer.status_code == 200
    assert "in no team" in answer.content.decode()


def test_changing_the_password_ends_other_sessions(client_as, client, owner):
    other = client_as(owner)
    sign_in(client, owner.email)
    changed = client.post(
        "/account/password/change/",
        {"oldpassword": PASSWORD, "password1": "bronze-and-plum-8", "password2": "bronze-and-plum-8"},
    )
    assert changed.status_code == 302
    assert other.get("/me/").status_code == 302
    cache.clear()
    assert sign_in(other, owner.email).status_code == 200
    assert sign_in(other, owner.email, "bronze-and-plum-8").status_code == 302
