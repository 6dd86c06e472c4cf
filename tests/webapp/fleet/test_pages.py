"""What members see of the workers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.fakes.orders import must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.fleet import actions
from webapp.fleet.models import Device, Worker
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def see(team: Any, viewer: Any, client_as: Callable[..., Any]) -> Callable[..., str]:
    client = client_as(viewer)

    def get(worker: Worker | None = None, **headers: str) -> str:
        name, more = ("fleet:detail", [worker.public_id]) if worker else ("fleet:list", [])
        response = client.get(reverse(name, args=[team.slug, *more]), headers=headers)
        assert response.status_code == 200
        return response.content.decode()

    return get


def test_without_a_worker_the_page_says_what_to_do(see: Callable[..., str]) -> None:
    page = see()
    assert "No worker is running" in page
    assert "workers.tasks" in page


def test_a_silent_worker_is_not_shown(see: Callable[..., str]) -> None:
    worker(host="anvil")
    Worker.objects.update(seen_at=timezone.now() - timezone.timedelta(minutes=1))
    assert "anvil" not in see()


def test_a_worker_is_shown_with_its_devices_and_what_it_does(see: Callable[..., str], team: Any) -> None:
    here = worker(memory_gigabytes=(8, 24), host="anvil")
    Device.objects.update(kind="cuda", matmul_flops=2.5e12)
    Job.objects.filter(pk=submit(team, JobKind.TRAIN).pk).update(title="our training")
    must_claim(here)
    for page in (see(), see(here)):
        assert "anvil" in page
        assert "device 1" in page
        assert "24\u00a0GB" in page
        assert "our training" in page
    assert "One of two devices is free" in see().replace("<em>", "").replace("</em>", "")
    assert "2.50 <small>TFLOP/s" in see(here)


def test_what_it_does_for_another_team_is_not_told(see: Callable[..., str], other_team: Any) -> None:
    here = worker(host="anvil")
    submit(other_team, JobKind.TRAIN)
    submit(other_team)
    Job.objects.update(title="their secret plan")
    must_claim(here)
    must_claim(here)
    for page in (see(), see(here)):
        assert "their secret plan" not in page
        assert "Work of another team" in page
        assert "1 small job of others" in page


def test_what_is_done_for_all_is_shown_to_all(see: Callable[..., str]) -> None:
    here = worker()
    submit(None, JobKind.FETCH)
    Job.objects.update(title="fetch the starter")
    must_claim(here)
    assert "fetch the starter" in see()


def test_a_poll_gets_only_the_part_that_moves(see: Callable[..., str]) -> None:
    page = see(worker(host="anvil"), **{"HX-Request": "true"})
    assert "device 0" in page
    assert "<html" not in page


def test_a_worker_that_nobody_knows_is_not_found(team: Any, viewer: Any, client_as: Callable[..., Any]) -> None:
    response = client_as(viewer).get(reverse("fleet:detail", args=[team.slug, "wrk_unknown"]))
    assert response.status_code == 404


@pytest.mark.parametrize("act", ["drain", "undrain"])
def test_only_an_administrator_steers_workers(
    act: str, team: Any, owner: Any, administrator: Any, stranger: Any, client_as: Callable[..., Any]
) -> None:
    here = worker()
    Worker.objects.update(is_draining=act == "undrain")
    url = reverse(f"fleet:{act}", args=[team.slug, here.public_id])
    for user, status in ((None, 302), (stranger, 404), (owner, 403)):
        assert client_as(user).post(url).status_code == status
        assert Worker.objects.get().is_draining == (act == "undrain")
    assert client_as(administrator).get(url).status_code == 405
    assert client_as(administrator).post(url).status_code == 302
    assert Worker.objects.get().is_draining == (act == "drain")


def test_a_member_sees_who_may_drain_and_an_administrator_the_button(
    see: Callable[..., str], team: Any, administrator: Any, client_as: Callable[..., Any]
) -> None:
    here = worker()
    assert "Only an administrator" in see(here)
    page = client_as(administrator).get(reverse("fleet:detail", args=[team.slug, here.public_id])).content.decode()
    assert "Only an administrator" not in page
    actions.drain(by=administrator, worker=here)
    assert "Draining" in see()


@pytest.mark.row("S19")
def test_hostile_names_stay_text(see: Callable[..., str], team: Any) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    here = worker(host=hostile)
    Device.objects.update(name=hostile)
    submit(team, JobKind.TRAIN)
    Job.objects.update(title=hostile)
    must_claim(here)
    for page in (see(), see(here)):
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
