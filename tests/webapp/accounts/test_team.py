import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import reverse

from webapp.accounts import actions
from webapp.accounts.models import Membership, Name, Team
from webapp.core.faults import UserFault
from webapp.datasets.models import Dataset


def test_who_makes_a_team_owns_it(owner):
    made = actions.create_team(by=owner, title="  Claims \n desk ")
    assert (made.title, made.slug) == ("Claims desk", "claims-desk")
    assert Membership.objects.get(team=made).user == owner
    assert Membership.objects.get(team=made).role == "owner"


def test_two_teams_of_one_title_get_two_addresses(owner):
    slugs = [actions.create_team(by=owner, title="Claims").slug for _ in range(3)]
    assert slugs == ["claims", "claims-2", "claims-3"]


def test_guests_make_no_teams(trainer, viewer, maintainer, administrator, client_as):
    for user in (trainer, viewer):
        with pytest.raises(UserFault):
            actions.create_team(by=user, title="Mine")
        assert client_as(user).get("/teams/new/").context["may_create"] is False
    actions.create_team(by=maintainer, title="Mine")
    Membership.objects.filter(user=administrator).delete()
    actions.create_team(by=administrator, title="Ours")


@pytest.mark.parametrize("slug", ["A", "-a", "a-", "a b", "a/b", "..", "a" * 61, "ä-team", "a_b"])
def test_a_malformed_address_is_refused_with_the_rule(owner, slug, client_as):
    with pytest.raises(UserFault, match="letters a–z"):
        actions.create_team(by=owner, title="Team", slug=slug)
    assert Team.objects.count() == 1


def test_a_taken_address_is_refused_whatever_its_case(owner):
    Name.objects.create(key="huggingfacetb", kind=Name.Kind.ORGANISATION)
    for taken in ("ACME", "acme", "HuggingFaceTB"):
        with pytest.raises(UserFault) as caught:
            actions.create_team(by=owner, title="Team", slug=taken)
        assert caught.value.code == "name_taken"


def test_the_page_for_a_new_team_shows_the_fault_at_the_field(client_as, owner):
    answer = client_as(owner).post("/teams/new/", {"title": "Acme", "slug": "acme"})
    assert answer.status_code == 422
    assert "taken" in answer.context["form"].errors["slug"][0]
    answer = client_as(owner).post("/teams/new/", {"title": "Acme", "slug": ""})
    assert answer.url == "/t/acme-2/"


def test_renaming_keeps_the_address(client_as, owner, team, viewer):
    url = reverse("accounts:settings", args=[team.slug])
    client_as(owner).post(url, {"title": "Acme Care"})
    team.refresh_from_db()
    assert (team.title, team.slug) == ("Acme Care", "acme")
    assert client_as(viewer).post(url, {"title": "Mine"}).status_code == 403
    assert client_as(owner).post(url, {"title": " "}).status_code == 422


def test_a_team_that_holds_something_is_not_deleted_and_says_what(team, owner):
    for number in range(5):
        Dataset.objects.create(team=team, name=f"Answers {number}")
    with pytest.raises(UserFault, match="“Answers 0”, “Answers 1”, “Answers 2” and 2 more"):
        actions.delete_team(by=owner, team=team)
    assert Team.objects.filter(pk=team.pk).exists()


def test_an_empty_team_is_deleted_by_its_owner_and_frees_its_name(client_as, team, owner, maintainer, stranger):
    with pytest.raises(PermissionDenied):
        actions.delete_team(by=maintainer, team=team)
    with pytest.raises(Http404):
        actions.delete_team(by=stranger, team=team)
    client, url = client_as(owner), reverse("accounts:delete_team", args=[team.slug])
    assert client.post(url, {"confirm": "Acme"}).status_code == 422
    assert client.post(url, {"confirm": "acme"}).url == "/"
    assert not Team.objects.filter(slug="acme").exists()
    assert not Name.objects.filter(key="acme").exists()


def test_the_last_team_visited_is_where_home_leads(client_as, owner, team):
    from webapp.accounts import queries

    second = actions.create_team(by=owner, title="Second")
    client = client_as(owner)
    request = client.get("/teams/new/").wsgi_request
    assert queries.home_team(request) == team
    client.get(reverse("accounts:members", args=[second.slug]))
    assert queries.home_team(client.get("/teams/new/").wsgi_request) == second
    Membership.objects.filter(user=owner, team=second).delete()
    assert queries.home_team(client.get("/teams/new/").wsgi_request) == team
