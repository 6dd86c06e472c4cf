import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.accounts import actions
from webapp.accounts.models import Membership, SetupLink, Team, User
from webapp.core.faults import UserFault

PERSON = {"email": "Ada@Example.org", "name": "Ada", "password": "copper-and-steel-7", "team_title": "Customer support"}

pytestmark = pytest.mark.django_db


def test_the_first_administrator_owns_the_first_team(client):
    answer = client.post(actions.make_setup_link(), PERSON)
    assert (answer.status_code, answer.url) == (302, "/")
    user = User.objects.get()
    assert user.is_administrator
    assert user.email == "ada@example.org"
    assert Membership.objects.get(user=user, role="owner").team.slug == "customer-support"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_set_up_link_works_once(client):
    path = actions.make_setup_link()
    assert client.get(path).status_code == 200
    client.post(path, PERSON)
    assert client.get(path).status_code == 404
    assert client.post(path, PERSON | {"email": "eve@example.org"}).status_code == 404
    assert User.objects.count() == 1


def test_two_who_press_the_button_at_once_do_not_both_get_in():
    path = actions.make_setup_link()
    link = SetupLink.objects.get()
    actions.use_setup_link(link=link, email="a@b.org", password=PERSON["password"], name="", team_title="A")
    with pytest.raises(UserFault) as caught:
        actions.use_setup_link(link=link, email="c@d.org", password=PERSON["password"], name="", team_title="B")
    assert caught.value.code == "already_set_up"
    assert path.startswith("/setup/")
    assert Team.objects.count() == 1


def test_a_set_up_link_ends_after_a_day_and_when_a_newer_one_is_made(client):
    old = actions.make_setup_link()
    new = actions.make_setup_link()
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200
    SetupLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert client.get(new).status_code == 404


def test_no_set_up_once_there_are_people(owner, client):
    with pytest.raises(UserFault):
        actions.make_setup_link()
    with pytest.raises(UserFault):
        actions.create_first_administrator(email="eve@example.org", password=PERSON["password"])
    SetupLink.objects.create(secret_sha256="0" * 64, expires_at=timezone.now() + dt.timedelta(hours=1))
    assert client.get(reverse("accounts:setup", args=["guessed"])).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [({"password": "short"}, "password"), ({"password": "1234567890123"}, "password"), ({"email": "ada"}, "email")],
)
def test_what_is_wrong_is_said_at_its_field_and_the_link_still_works(client, change, field):
    path = actions.make_setup_link()
    answer = client.post(path, PERSON | change)
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert not User.objects.exists()
    assert client.post(path, PERSON).status_code == 302


def test_the_address_of_the_first_team_is_made_from_any_title(client):
    client.post(actions.make_setup_link(), PERSON | {"team_title": "客服 — Team"})
    assert Team.objects.get().slug == "team-2"  # "team" itself is kept
    assert Team.objects.get().title == "客服 — Team"


def test_only_the_hash_of_the_secret_is_kept():
    secret = actions.make_setup_link().split("/")[2]
    assert secret not in str(SetupLink.objects.values().get())
