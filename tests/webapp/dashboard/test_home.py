"""What each member sees at home, and what a poll brings."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.dashboard import home
from webapp.jobs.models import Job, State
from webapp.runs.models import Run

HOME = "/t/acme/"
As = Callable[..., Client]


def page(client: Client, address: str = HOME, **headers: str) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def poll(client: Client, seen: str) -> str:
    return page(client, f"{HOME}?seen={seen}", **{"HX-Request": "true"})


@pytest.mark.parametrize("role", ["owner", "maintainer", "trainer", "reviewer", "viewer"])
def test_every_role_sees_home_and_only_what_it_may_do(
    role: str, request: pytest.FixtureRequest, client_as: As, workshop: Workshop
) -> None:
    workshop.adapter("tickets")
    said = page(client_as(request.getfixturevalue(role)))
    assert "All is quiet" in said
    may_train = role in {"owner", "maintainer", "trainer"}
    assert ("New run" in said) == may_train
    assert ("Add a dataset" in said) == may_train


def test_a_stranger_and_somebody_who_is_not_signed_in_learn_nothing(
    team: Team, stranger: Any, client_as: As, client: Client
) -> None:
    assert client_as(stranger).get(HOME).status_code == 404
    assert client.get(HOME).status_code == 302


def test_home_asks_no_more_often_however_much_there_is(
    client_as: As, owner: Any, workshop: Workshop, django_assert_max_num_queries: Any
) -> None:
    worker = workshop.worker()
    for n in range(3):
        workshop.running(f"running {n}", worker=worker)
        workshop.run(f"waiting {n}", State.QUEUED)
        workshop.adapter(f"made {n}")
        workshop.job("evaluate", f"measured {n}", State.RUNNING, worker=worker)
    client = client_as(owner)
    page(client)
    with django_assert_max_num_queries(60) as few:
        page(client)
    for n in range(3, 12):
        workshop.worker(f"forge-{n}")
        workshop.run(f"waiting {n}", State.QUEUED)
        workshop.adapter(f"made {n}")
        workshop.job("evaluate", f"measured {n}", State.RUNNING, worker=worker)
        workshop.job("read", f"file {n}", State.QUEUED)
    with django_assert_max_num_queries(len(few.captured_queries)):
        page(client)


def test_a_poll_brings_the_bars_and_leaves_lists_and_buttons_alone(
    client_as: As, owner: Any, team: Team, workshop: Workshop
) -> None:
    run = workshop.running("tickets", step=10)
    client, seen = client_as(owner), home.of_member(owner.memberships.get()).seen
    Job.objects.filter(pk=run.job_id).update(step=11)
    said = poll(client, seen)
    assert f'id="course-{run.public_id}"' in said and "Step <b>11</b>" in said
    assert 'id="home"' not in said and "verdict" not in said
    assert f"seen={seen}" in said


def test_a_poll_brings_verdict_and_lists_when_something_changed_its_state(
    client_as: As, owner: Any, team: Team, workshop: Workshop
) -> None:
    run = workshop.running("tickets")
    client, seen = client_as(owner), home.of_member(owner.memberships.get()).seen
    failed = {"state": State.FAILED, "fault": "out_of_memory", "finished_at": timezone.now()}
    Job.objects.filter(pk=run.job_id).update(**failed)
    said = poll(client, seen)
    assert '<p class="verdict" id="home-verdict" hx-swap-oob="true">All is quiet.' in said
    assert "There was not enough memory" in said
    assert 'hx-swap-oob="innerHTML:#live"' in said
    assert f"seen={seen}" not in said


def test_the_page_asks_again_soon_while_something_moves_and_seldom_while_nothing_does(
    client_as: As, owner: Any, workshop: Workshop
) -> None:
    client = client_as(owner)
    assert "every 15s" in page(client)
    workshop.running("tickets")
    assert "every 3s" in page(client)


def test_what_a_worker_does_for_another_team_is_not_told(
    client_as: As, owner: Any, workshop: Workshop, other_team: Team, stranger: Any
) -> None:
    worker = workshop.worker()
    Workshop(team=other_team, by=stranger).job("read", "salaries.csv", State.RUNNING, worker=worker)
    said = page(client_as(owner))
    assert "Works for another team" in said
    assert "salaries" not in said


def test_a_failed_run_needs_somebody_until_a_newer_run_on_its_rows(
    client_as: As, owner: Any, workshop: Workshop
) -> None:
    workshop.run("first", State.FAILED, job={"fault": "out_of_memory", "finished_at": timezone.now()})
    client = client_as(owner)
    assert "One thing needs you" in page(client)
    workshop.run("second", State.QUEUED)
    assert "things needs you" not in page(client) and "Needs you" not in page(client)


def test_a_file_whose_columns_are_unclear_asks_and_one_that_is_damaged_says_why(
    client_as: As, owner: Any, workshop: Workshop
) -> None:
    unclear = {"fault": "unknown_format", "fault_data": {"columns": ["a", "b"], "missing_columns": ["question"]}}
    workshop.version("Prices", is_ready=False, job=workshop.job("read", "p.csv", State.FAILED, **unclear))
    damaged = {"fault": "bad_file", "fault_data": {"cause": "gzip_cut"}}
    workshop.version("Claims", is_ready=False, job=workshop.job("read", "c.gz", State.FAILED, **damaged))
    said = page(client_as(owner))
    assert "Choose columns" in said
    assert "The gzip file ends too early" in said


def test_a_run_that_fits_no_worker_says_so(client_as: As, owner: Any, workshop: Workshop) -> None:
    workshop.worker("forge-02", "RTX 3060", 12)
    workshop.run("huge", State.QUEUED, job={"needs_memory_bytes": 40 * 2**30})
    said = page(client_as(owner))
    assert re.search(r"It needs 40\s*GB of memory, and the largest device has 12\s*GB", said)


def test_storage_counts_what_the_team_has_and_the_shared_base_and_nobody_elses(
    owner: Any, workshop: Workshop, other_team: Team, stranger: Any
) -> None:
    workshop.adapter("ours")
    theirs = Workshop(team=other_team, by=stranger)
    theirs.adapter("theirs")
    theirs.adapter("theirs too")
    parts = {part.label: part.amount for part in home.of_member(owner.memberships.get()).storage.parts}
    assert parts == {"Base models": 269_060_552, "Adapters": 19_555_976, "Datasets": 61_440 + 12_288 + 90_112}


def test_the_first_road_is_shown_until_it_was_walked(client_as: As, owner: Any, workshop: Workshop) -> None:
    client = client_as(owner)
    assert "Try the sample" in page(client)
    workshop.version()
    assert "Your rows are ready" in page(client)
    workshop.run("tickets", State.QUEUED)
    assert "When a run ends well" in page(client)
    workshop.adapter("tickets")
    assert "From a file to an adapter" not in page(client)


def test_the_address_of_the_installation_leads_to_the_team_one_was_in_last(
    client_as: As, owner: Any, other_team: Team
) -> None:
    from webapp.accounts.models import Membership

    Membership.objects.create(team=other_team, user=owner, role="viewer")
    client = client_as(owner)
    assert client.get("/").headers["Location"] == HOME
    client.get("/t/globex/")
    assert client.get("/").headers["Location"] == "/t/globex/"


def test_somebody_without_a_team_is_told_how_to_get_in(client_as: As, owner: Any) -> None:
    owner.memberships.all().delete()
    assert "You are in no team yet" in page(client_as(owner), "/")


def test_the_numbers_beside_the_places_are_the_teams_own(
    client_as: As, owner: Any, workshop: Workshop, other_team: Team, stranger: Any
) -> None:
    Workshop(team=other_team, by=stranger).adapter("theirs")
    workshop.adapter("ours")
    Run.objects.filter(team=workshop.team).update(deleted_at=timezone.now())
    from webapp.dashboard import counts

    found = counts.for_member(user=owner, team=workshop.team)
    assert (found["adapters:list"], found["datasets:list"], found["runs:list"]) == (1, 1, 0)
