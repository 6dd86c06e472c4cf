import datetime as dt

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from webapp.accounts import actions, shown_once, tokens
from webapp.accounts.access import Permission
from webapp.accounts.models import ApiToken, Membership
from webapp.core.faults import UserFault


@pytest.fixture
def made(team, trainer):
    return actions.create_token(by=trainer, team=team, name="nightly", scopes=["read", "train"])


def test_a_token_opens_what_it_was_made_for_and_its_secret_is_not_kept(made, trainer, team):
    token, plain = made
    assert plain.startswith(f"ts_{token.public_id.removeprefix('tok_')}_")
    found = tokens.authenticate(plain)
    assert (found.user, found.team) == (trainer, team)
    secret = plain.rsplit("_", 1)[1]
    assert len(secret) >= 40
    assert secret not in str(ApiToken.objects.filter(pk=token.pk).values().get())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain[:-1] + ("0" if plain[-1] != "0" else "1"),
        lambda plain: plain.replace("ts_", "xx_", 1),
        lambda plain: plain.rsplit("_", 1)[0] + "_",
        lambda plain: "",
        lambda plain: "ts__",
        lambda plain: "ts_\0_" + "0" * 40,
        lambda plain: plain.upper(),
        lambda plain: "tok_" + plain,
    ],
)
def test_what_is_not_exactly_the_token_opens_nothing(made, spoil):
    assert tokens.authenticate(spoil(made[1])) is None


def test_a_revoked_token_opens_nothing(made, trainer):
    actions.revoke_token(by=trainer, token=made[0])
    assert tokens.authenticate(made[1]) is None


def test_an_expired_token_opens_nothing(made):
    ApiToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert tokens.authenticate(made[1]) is None


def test_the_token_of_a_locked_account_opens_nothing(made, trainer):
    trainer.is_active = False
    trainer.save(update_fields=["is_active"])
    assert tokens.authenticate(made[1]) is None


def test_a_token_ends_with_the_membership_and_with_a_role_that_may_not_use_the_api(made, trainer):
    Membership.objects.filter(user=trainer).update(role="viewer")
    assert tokens.authenticate(made[1]) is None
    Membership.objects.filter(user=trainer).delete()
    assert tokens.authenticate(made[1]) is None


def test_use_is_noted_at_most_once_a_minute(made, django_assert_num_queries):
    first = tokens.authenticate(made[1])
    noted = ApiToken.objects.get(pk=first.pk).last_used_at
    with django_assert_num_queries(2):
        tokens.authenticate(made[1])
    assert ApiToken.objects.get(pk=first.pk).last_used_at == noted
    ApiToken.objects.update(last_used_at=noted - dt.timedelta(minutes=2))
    tokens.authenticate(made[1])
    assert ApiToken.objects.get(pk=first.pk).last_used_at > noted - dt.timedelta(minutes=1)


def test_a_token_does_no_more_than_its_scopes_nor_than_its_owners_role(made, team, trainer):
    token = tokens.authenticate(made[1])
    tokens.require(token=token, permission=Permission.TRAIN)
    with pytest.raises(PermissionDenied, match="scope “write”"):
        tokens.require(token=token, permission=Permission.UPLOAD)
    Membership.objects.filter(user=trainer).update(role="reviewer")
    with pytest.raises(PermissionDenied):
        tokens.require(token=token, permission=Permission.TRAIN)


@pytest.mark.parametrize("scopes", [[], ["root"], ["read", "admin"], ["promote"]])
def test_a_token_cannot_be_made_with_scopes_that_its_owner_could_not_use(team, trainer, scopes):
    with pytest.raises(UserFault, match=r"read, write, train"):
        actions.create_token(by=trainer, team=team, name="x", scopes=scopes)


def test_a_viewer_and_a_stranger_get_no_token(team, viewer, stranger):
    for user, refusal in ((viewer, PermissionDenied), (stranger, Http404)):
        with pytest.raises(refusal):
            actions.create_token(by=user, team=team, name="x", scopes=["read"])
    assert not ApiToken.objects.exists()


def test_the_page_shows_a_new_token_once(client_as, trainer, team):
    client, url = client_as(trainer), reverse("accounts:tokens", args=[team.slug])
    answer = client.post(url, {"name": "ci", "scopes": ["read", "train"], "days": "30"}, follow=True)
    token = ApiToken.objects.get()
    plain = answer.context["new"]["token"]
    assert tokens.authenticate(plain) == token
    assert plain in answer.content.decode()
    assert plain not in str(list(Session.objects.values()))
    assert dt.timedelta(days=29) < token.expires_at - timezone.now() <= dt.timedelta(days=30)
    again = client.get(url).content.decode()
    assert plain not in again
    assert "ci" in again


def test_everybody_revokes_their_own_and_who_manages_the_team_all(client_as, team, made, reviewer, owner, trainer):
    url = reverse("accounts:revoke_token", args=[team.slug, made[0].public_id])
    assert client_as(reviewer).post(url).status_code == 404
    assert tokens.authenticate(made[1])
    assert client_as(owner).post(url).status_code == 302
    assert tokens.authenticate(made[1]) is None
    with pytest.raises(PermissionDenied):
        actions.revoke_token(by=reviewer, token=made[0])


def test_a_token_whose_day_is_over_cannot_be_made(team, trainer):
    with pytest.raises(UserFault):
        actions.create_token(
            by=trainer, team=team, name="x", scopes=["read"], expires_at=timezone.now() - dt.timedelta(days=1)
        )


def test_what_is_shown_once_is_shown_only_as_we_wrote_it(client_as, trainer, team):
    client, url = client_as(trainer), reverse("accounts:tokens", args=[team.slug])
    client.cookies[shown_once.COOKIE] = signing.dumps({"token": "ts_forged"}, salt=shown_once.COOKIE, key="x" * 50)
    answer = client.get(url)
    assert "ts_forged" not in answer.content.decode()
    assert answer.cookies[shown_once.COOKIE]["max-age"] == 0
