import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Role


def test_a_viewer_only_looks():
    assert access.RIGHTS[Role.VIEWER] == {Permission.VIEW}


def test_only_an_owner_decides_about_owners():
    assert access.roles_with(Permission.OWN_TEAM) == [Role.OWNER]


def test_a_trainer_cannot_change_what_others_made_nor_move_stages():
    assert not access.role_can("trainer", Permission.MANAGE)
    assert not access.role_can("trainer", Permission.REVIEW)
    assert access.role_can("trainer", Permission.TRAIN)


def test_every_role_and_every_right_has_its_words():
    assert set(access.RIGHTS) == set(access.ROLE_WORDS) == set(Role)
    assert set(access.WORDS) == set(Permission)


def test_a_stranger_learns_nothing_and_a_member_learns_which_role_is_needed(team, stranger, viewer):
    with pytest.raises(Http404):
        access.require(by=stranger, team=team, permission=Permission.VIEW)
    with pytest.raises(PermissionDenied, match="owner, maintainer or trainer"):
        access.require(by=viewer, team=team, permission=Permission.TRAIN)
    access.require(by=None, team=team, permission=Permission.OWN_TEAM)


def test_a_locked_account_has_no_rights_left(team, owner):
    owner.is_active = False
    owner.save(update_fields=["is_active"])
    with pytest.raises(Http404):
        access.require(by=owner, team=team, permission=Permission.VIEW)


def test_what_one_made_needs_the_smaller_right(team, trainer, maintainer):
    access.require_change(by=trainer, team=team, made_by_id=trainer.pk, permission=Permission.TRAIN)
    with pytest.raises(PermissionDenied):
        access.require_change(by=trainer, team=team, made_by_id=maintainer.pk, permission=Permission.TRAIN)
    access.require_change(by=maintainer, team=team, made_by_id=trainer.pk, permission=Permission.TRAIN)


@access.team_view(Permission.VIEW, unsafe=Permission.TRAIN)
def sync_page(request, run_id):
    return HttpResponse(f"{request.team.slug} {request.membership.role} {run_id}")


@access.team_view(Permission.VIEW, unsafe=Permission.TRAIN)
async def async_page(request, run_id):
    return HttpResponse(f"{request.team.slug} {request.membership.role} {run_id}")


def visit(page, user, method="GET", team="acme"):
    request = RequestFactory().generic(method, "/")
    request.user, request.session = user, {}
    view = async_to_sync(page) if page is async_page else page
    return view(request, team=team, run_id="run_1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", [sync_page, async_page])
def test_the_gate_lets_in_members_by_their_rights_and_nobody_else(page, viewer, trainer, stranger):
    assert visit(page, viewer).content == b"acme viewer run_1"
    assert visit(page, trainer, "POST").content == b"acme trainer run_1"
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
        with pytest.raises(PermissionDenied):
            visit(page, viewer, method)
    for user, team in ((stranger, "acme"), (viewer, "globex"), (viewer, "nowhere"), (AnonymousUser(), "acme")):
        with pytest.raises(Http404):
            visit(page, user, team=team)


def test_a_page_of_nobodys_team_and_of_anothers_team_answer_the_same(client_as, stranger, team):
    client = client_as(stranger)
    theirs, nobodys = client.get("/t/acme/team/people/"), client.get("/t/nowhere/team/people/")
    assert theirs.status_code == nobodys.status_code == 404
    assert len(theirs.content) == len(nobodys.content)
