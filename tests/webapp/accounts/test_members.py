import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse

from webapp.accounts import actions, tokens
from webapp.accounts.models import Membership
from webapp.audit.models import Event
from webapp.core.faults import UserFault


def of(user):
    return Membership.objects.get(user=user)


def test_the_last_owner_can_neither_leave_nor_step_down(owner, maintainer):
    with pytest.raises(UserFault, match="last owner"):
        actions.remove_member(by=owner, membership=of(owner))
    with pytest.raises(UserFault, match="last owner"):
        actions.set_role(by=owner, membership=of(owner), role="viewer")
    actions.set_role(by=owner, membership=of(maintainer), role="owner")
    actions.remove_member(by=owner, membership=of(owner))
    assert not Membership.objects.filter(user=owner).exists()


def test_a_maintainer_changes_roles_but_makes_and_unmakes_no_owners(owner, maintainer, trainer, viewer):
    actions.set_role(by=maintainer, membership=of(viewer), role="trainer")
    assert of(viewer).role == "trainer"
    for membership, role in ((of(trainer), "owner"), (of(owner), "viewer"), (of(maintainer), "owner")):
        with pytest.raises(PermissionDenied):
            actions.set_role(by=maintainer, membership=membership, role=role)
    with pytest.raises(PermissionDenied):
        actions.remove_member(by=maintainer, membership=of(owner))


def test_others_change_no_roles_and_take_nobody_out(trainer, viewer, stranger):
    for by, refusal in ((trainer, PermissionDenied), (viewer, PermissionDenied), (stranger, Http404)):
        target = of(viewer) if by is not viewer else of(trainer)
        with pytest.raises(refusal):
            actions.set_role(by=by, membership=target, role="maintainer")
        with pytest.raises(refusal):
            actions.remove_member(by=by, membership=target)


def test_everybody_may_leave_and_their_tokens_end(team, owner, trainer):
    _token, plain = actions.create_token(by=trainer, team=team, name="x", scopes=["read"])
    actions.remove_member(by=trainer, membership=of(trainer))
    assert tokens.authenticate(plain) is None
    Membership.objects.create(team=team, user=trainer, role="trainer")
    assert tokens.authenticate(plain) is None  # coming back does not wake an old key


def test_taking_out_asks_first_and_is_written_down(client_as, owner, viewer, team):
    client, url = client_as(owner), reverse("accounts:remove", args=[team.slug, viewer.public_id])
    assert "Vera Viewer" in client.get(url).content.decode()
    assert Membership.objects.filter(user=viewer).exists()
    assert client.post(url).status_code == 302
    assert not Membership.objects.filter(user=viewer).exists()
    event = Event.objects.get(verb="member.removed")
    assert (event.actor_id, event.object_id, event.team_id) == (owner.public_id, viewer.public_id, team.public_id)


def test_the_last_owner_is_told_so_on_the_page(client_as, owner, team):
    client = client_as(owner)
    answer = client.post(reverse("accounts:remove", args=[team.slug, owner.public_id]), follow=True)
    assert "last owner" in answer.content.decode()
    assert Membership.objects.filter(user=owner).exists()


def test_a_role_is_changed_on_its_page(client_as, owner, viewer, team):
    url = reverse("accounts:role", args=[team.slug, viewer.public_id])
    client = client_as(owner)
    assert client.get(url).status_code == 200
    assert client.post(url, {"role": "king"}).status_code == 422
    client.post(url, {"role": "reviewer"})
    assert of(viewer).role == "reviewer"


def test_members_of_other_teams_are_not_found(client_as, owner, stranger, team):
    for name in ("accounts:role", "accounts:remove"):
        assert client_as(owner).get(reverse(name, args=[team.slug, stranger.public_id])).status_code == 404


def test_a_viewer_sees_who_is_in_the_team_but_no_way_to_change_it(client_as, owner, viewer, team):
    page = client_as(viewer).get(reverse("accounts:members", args=[team.slug])).content.decode()
    assert owner.email in page
    assert "/role/" not in page
    assert "Invite somebody" not in page
