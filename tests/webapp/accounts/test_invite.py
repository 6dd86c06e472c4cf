import datetime as dt

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from webapp.accounts import actions
from webapp.accounts.models import Invitation, Membership, User
from webapp.core.faults import UserFault
from webapp.notices.models import Notice

NEW = {"name": "Nia New", "password": "copper-and-steel-7"}


@pytest.fixture
def invited(team, owner):
    return actions.invite(by=owner, team=team, email=" Nia@Example.org", role="trainer")


def test_a_new_person_comes_in_by_the_link_with_the_role(client, invited, team):
    answer = client.post(invited[1], NEW)
    assert answer.url == "/t/acme/"
    user = User.objects.get(email="nia@example.org")
    assert Membership.objects.get(user=user).role == "trainer"
    assert client.get(reverse("accounts:members", args=[team.slug])).status_code == 200


def test_the_link_works_once(client, invited, client_as):
    client.post(invited[1], NEW)
    assert client_as(None).get(invited[1]).status_code == 404
    assert client_as(None).post(invited[1], NEW).status_code == 404


def test_somebody_with_an_account_signs_in_first_and_then_joins(client_as, team, owner, stranger):
    _invitation, path = actions.invite(by=owner, team=team, email=stranger.email, role="reviewer")
    answer = client_as(None).get(path)
    assert answer.status_code == 302
    assert answer.url.startswith("/account/login/?next=%2Fjoin%2F")
    assert client_as(None).post(path, NEW).status_code == 302
    assert not Membership.objects.filter(user=stranger, team=team).exists()
    client = client_as(stranger)
    assert stranger.email in client.get(path).content.decode()
    client.post(path)
    assert Membership.objects.get(user=stranger, team=team).role == "reviewer"


def test_looking_at_the_link_does_not_use_it_up(client_as, invited, stranger):
    assert client_as(None).get(invited[1]).status_code == 200
    assert client_as(stranger).get(invited[1]).status_code == 200
    assert Invitation.objects.get().accepted_at is None


def test_an_invitation_ends_after_a_week_when_taken_back_and_by_a_newer_one(client, team, owner, invited):
    _newer, path = actions.invite(by=owner, team=team, email="nia@example.org", role="viewer")
    assert client.get(invited[1]).status_code == 404
    Invitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert client.get(path).status_code == 404
    fresh, path = actions.invite(by=owner, team=team, email="nia@example.org", role="viewer")
    actions.revoke_invitation(by=owner, invitation=fresh)
    assert client.get(path).status_code == 404


def test_a_member_who_opens_a_link_keeps_the_role(team, owner, viewer):
    invitation, _path = actions.invite(by=owner, team=team, email="other@example.org", role="maintainer")
    actions.accept_invitation(by=viewer, invitation=invitation)
    assert Membership.objects.get(user=viewer).role == "viewer"


def test_who_may_invite_whom(team, maintainer, trainer, stranger, viewer, owner):
    with pytest.raises(PermissionDenied):
        actions.invite(by=maintainer, team=team, email="x@example.org", role="owner")
    actions.invite(by=maintainer, team=team, email="x@example.org", role="maintainer")
    with pytest.raises(PermissionDenied):
        actions.invite(by=trainer, team=team, email="x@example.org", role="viewer")
    with pytest.raises(Http404):
        actions.invite(by=stranger, team=team, email="x@example.org", role="viewer")
    with pytest.raises(UserFault, match="already"):
        actions.invite(by=owner, team=team, email=viewer.email, role="viewer")


def test_the_link_is_shown_once_and_only_its_hash_is_kept(client_as, owner, team):
    client, url = client_as(owner), reverse("accounts:members", args=[team.slug])
    answer = client.post(url, {"email": "nia@example.org", "role": "viewer"}, follow=True)
    link = answer.context["new"]["link"]
    assert link in answer.content.decode()
    secret = link.rstrip("/").rsplit("/", 1)[1]
    assert secret not in client.get(url).content.decode()
    assert secret not in str(Invitation.objects.values().get())


def test_the_inviter_hears_of_it(client, invited, owner):
    client.post(invited[1], NEW)
    notice = Notice.objects.get(user=owner)
    assert notice.sentence == "Nia New accepted your invitation."
    assert notice.url == "/t/acme/team/people/"


def test_the_link_goes_by_mail_only_when_mail_is_set_up(
    team, owner, settings, django_capture_on_commit_callbacks, invited
):
    assert mail.outbox == []
    settings.EMAIL_CONFIG, settings.PUBLIC_URL = "mail.example.org", "https://tune.example.org"
    team.title = "Acme\nBcc: all@example.org"
    with django_capture_on_commit_callbacks(execute=True):
        _invitation, path = actions.invite(by=owner, team=team, email="max@example.org", role="viewer")
    assert mail.outbox[0].to == ["max@example.org"]
    assert mail.outbox[0].bcc == []
    assert f"https://tune.example.org{path}" in mail.outbox[0].body


@pytest.mark.parametrize("password", ["short", "nia@example.org", "1234567890123"])
def test_a_weak_password_is_refused_and_the_link_stays_good(client, invited, password):
    answer = client.post(invited[1], NEW | {"password": password})
    assert answer.status_code == 422
    assert answer.context["form"].errors["password"]
    assert client.post(invited[1], NEW).status_code == 302
