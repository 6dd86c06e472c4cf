import pytest
from django.db import transaction

from webapp.audit import actions, context
from webapp.audit.models import Event


def test_a_line_says_who_what_to_what_and_from_where(rf, team, owner):
    request = rf.get("/", REMOTE_ADDR="192.0.2.7")
    request.id = "req_1"
    actions.record(by=owner, verb="team.renamed", team=team, obj=team, data={"from": "A"}, request=request)
    event = Event.objects.get()
    assert (event.actor_id, event.actor_name, event.team_id) == (owner.public_id, "Olga Owner", team.public_id)
    assert (event.object_type, event.object_id, event.object_name) == ("team", team.public_id, "Acme Support")
    assert (event.ip, event.request_id, event.data) == ("192.0.2.7", "req_1", {"from": "A"})


@pytest.mark.parametrize(
    ("proxies", "said", "written"),
    [
        (1, "198.51.100.1, 192.0.2.8", "192.0.2.8"),
        (1, "192.0.2.8", "192.0.2.8"),
        (1, "", "10.0.0.1"),
        (0, "198.51.100.1", "10.0.0.1"),
    ],
)
def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(rf, settings, proxies, said, written):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": said})
    assert context.of(request).ip == written


@pytest.mark.django_db
def test_the_system_has_no_name():
    actions.record(by=None, verb="adapter.purged")
    assert (Event.objects.get().actor_id, Event.objects.get().actor_name) == ("", "")


@pytest.mark.django_db
def test_what_was_rolled_back_was_not_done(owner):
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.record(by=owner, verb="team.renamed")
        raise RuntimeError
    assert not Event.objects.exists()


def test_an_action_deep_inside_a_request_knows_where_it_came_from(client_as, owner, team):
    client_as(owner).post("/teams/new/", {"title": "New", "slug": ""}, REMOTE_ADDR="192.0.2.9")
    assert Event.objects.get(verb="team.created").ip == "192.0.2.9"
    assert context.current() == context.Origin()
