"""Making room: what may go is offered with its reason, what is in use never goes, and all of it can come back."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webapp.workshop import GB, Workshop
from webapp.accounts import actions as accounts
from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion, Stage
from webapp.artifacts.models import Bundle
from webapp.datasets.models import DatasetVersion
from webapp.evaluation.models import Report
from webapp.jobs.lifecycle import OVER
from webapp.jobs.models import Job, State
from webapp.runs import actions as runs
from webapp.runs import kept
from webapp.runs.models import Checkpoint, Run
from webapp.storekeeper import actions, candidates, disk, forecast, holdings
from webapp.storekeeper.models import DiskSample

As = Callable[..., Client]
PAGE = "/t/acme/team/storage/"


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def checkpointed(workshop: Workshop, name: str, state: State, *, days: int = 3, steps: tuple[int, ...] = (20,)) -> Run:
    """A run with checkpoints in storage."""
    job = {"finished_at": timezone.now() - dt.timedelta(days=days), "checkpoint_step": max(steps)}
    run = workshop.run(name, state, job=job)
    for step in steps:
        bundle = workshop._bundle(workshop.team, "checkpoint", {f"state-{step}.safetensors": 4_000_000}, salt=name)
        facts = {"folder": f"step-{step}", "size_bytes": 4_000_000, "manifest_sha256": "0" * 64}
        Checkpoint.objects.create(run=run, attempt=1, step=step, bundle=bundle, created_at=timezone.now(), **facts)
    return run


def offered(team: Team) -> dict[str, candidates.Candidate]:
    return {candidate.name: candidate for candidate in candidates.of_team(team)}


def test_each_kind_is_offered_with_what_it_frees_and_why(workshop: Workshop, team: Team) -> None:
    checkpointed(workshop, "tone r8", State.FAILED, steps=(10, 20))
    old, new = workshop.adapter("letters"), workshop.adapter("letters")
    AdapterVersion.objects.filter(pk=old.pk).update(stage=Stage.RETIRED)
    workshop.version("Notes", file_name="a.jsonl", source=workshop._blob("a", 5000))
    workshop.version("Notes", file_name="b.jsonl", source=workshop._blob("b", 6000))
    workshop.report(new), workshop.report(new)
    found = offered(team)
    assert set(found) == {"Checkpoints of tone r8", "letters v1", "Notes v1", "Report on letters v2"}
    assert found["Checkpoints of tone r8"].size_bytes == 8_000_000
    assert "Without them a new try begins" in found["Checkpoints of tone r8"].reason
    assert found["Notes v1"].size_bytes == 5000  # its rows equal those of v2, and stay


def test_what_is_chosen_goes_to_the_trash_and_comes_back(
    workshop: Workshop, team: Team, trainer: Any, client_as: As
) -> None:
    run = checkpointed(workshop, "tone r8", State.FAILED)
    client, key = client_as(trainer), f"checkpoints:{run.public_id}"
    assert "Checkpoints of tone r8" in client.get(PAGE).content.decode()
    asked = client.get(f"{PAGE}free/?item={key}").content.decode()
    assert "Move 1 thing to the trash?" in asked and Checkpoint.objects.filter(deleted_at=None).exists()
    done = client.post(f"{PAGE}free/?item={key}", follow=True).content.decode()
    assert "1 thing is in the trash, 4\xa0MB." in done
    assert kept.checkpoint(run) is None
    assert offered(team) == {}
    assert f"/t/acme/runs/{run.public_id}/checkpoints/restore/" in client.get("/t/acme/trash/").content.decode()
    client.post(f"/t/acme/runs/{run.public_id}/checkpoints/restore/")
    assert kept.checkpoint(run) == kept.Kept(step=20)


def test_after_seven_days_the_files_go_and_what_is_known_stays(workshop: Workshop, trainer: Any) -> None:
    run = checkpointed(workshop, "tone r8", State.FAILED)
    runs.delete_checkpoints(by=trainer, run=run)
    assert runs.purge_checkpoints() == 0
    Checkpoint.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert runs.purge_checkpoints() == 1
    assert Checkpoint.objects.get().bundle is None
    assert not Bundle.objects.filter(kind="checkpoint").exists()


def test_what_came_into_use_since_it_was_shown_is_refused_and_the_rest_goes(
    workshop: Workshop, team: Team, trainer: Any
) -> None:
    again, other = (checkpointed(workshop, name, State.FAILED) for name in ("again", "other"))
    Job.objects.filter(run=again).update(state=State.QUEUED)
    keys = [f"checkpoints:{again.public_id}", f"checkpoints:{other.public_id}"]
    freed = actions.free(by=trainer, team=team, keys=keys)
    assert freed.keys == [keys[1]]
    assert [refusal.key for refusal in freed.refused] == [keys[0]]
    assert again.checkpoints.filter(deleted_at=None).exists()


def test_of_two_retired_versions_the_last_one_of_the_adapter_stays(
    workshop: Workshop, team: Team, trainer: Any
) -> None:
    versions = [workshop.adapter("letters") for _ in range(2)]
    AdapterVersion.objects.update(stage=Stage.RETIRED)
    freed = actions.free(by=trainer, team=team, keys=[f"adapter:{version.public_id}" for version in versions])
    assert len(freed.keys) == 1
    assert "only version" in freed.refused[0].why


def test_another_teams_things_are_not_there(workshop: Workshop, other_team: Team, stranger: Any) -> None:
    run = checkpointed(workshop, "tone r8", State.FAILED)
    freed = actions.free(by=stranger, team=other_team, keys=[f"checkpoints:{run.public_id}"])
    assert freed.keys == [] and run.checkpoints.filter(deleted_at=None).exists()


@pytest.mark.parametrize(
    ("days", "state", "goes"), [(15, "failed", True), (13, "failed", False), (15, "paused", False)]
)
def test_old_checkpoints_of_ended_runs_go_by_themselves_by_default(
    workshop: Workshop, days: int, state: str, goes: bool
) -> None:
    run = checkpointed(workshop, "tone r8", State(state), days=days)
    actions.apply_rules()
    assert run.checkpoints.filter(deleted_at=None).exists() is not goes


def test_a_team_can_keep_them_for_ever_or_for_other_days(workshop: Workshop, team: Team, maintainer: Any) -> None:
    run = checkpointed(workshop, "tone r8", State.FAILED, days=99)
    actions.set_rules(by=maintainer, team=team, checkpoint_days=None)
    actions.apply_rules()
    assert run.checkpoints.filter(deleted_at=None).exists()
    actions.set_rules(by=maintainer, team=team, checkpoint_days=98)
    actions.apply_rules()
    assert not run.checkpoints.filter(deleted_at=None).exists()


PLANS = st.lists(st.tuples(st.sampled_from(list(State)), st.integers(0, 60), st.booleans()), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=PLANS, stages=st.lists(st.sampled_from(list(Stage)), max_size=4), keep=st.none() | st.integers(1, 30))
def test_neither_rules_nor_people_ever_free_what_is_in_use(
    workshop: Workshop, team: Team, owner: Any, plans: list[Any], stages: list[Stage], keep: int | None
) -> None:
    """Random runs, versions and rules; `reads` lets a run that goes on read the version of the same number."""
    for model in (Report, Checkpoint):
        model._base_manager.all().delete()
    AdapterVersion.everything.all().delete()
    Run.objects.all().delete()
    Job.objects.all().delete()
    for number, stage in enumerate(stages):
        version = workshop.adapter(f"letters {number % 2}")
        taken = AdapterVersion.objects.filter(adapter=version.adapter, stage=stage).exists()
        AdapterVersion.objects.filter(pk=version.pk).update(stage=Stage.RETIRED if taken else stage)
    versions = list(AdapterVersion.objects.order_by("pk"))
    for number, (state, days, reads) in enumerate(plans):
        run = checkpointed(workshop, f"run {number}", state, days=days)
        if reads and number < len(versions):
            inputs = [{"path": "inputs/a", "sha256": versions[number].sha256, "size_bytes": 1}]
            Job.objects.filter(run=run).update(inputs=inputs)
    actions.set_rules(by=owner, team=team, checkpoint_days=keep)
    actions.apply_rules()
    everything = [f"checkpoints:{run.public_id}" for run in Run.objects.all()]
    everything += [f"adapter:{version.public_id}" for version in versions]
    actions.free(by=owner, team=team, keys=everything)
    going_on = Job.objects.exclude(state__in=OVER)
    assert not Checkpoint.objects.filter(run__job__in=going_on).exclude(deleted_at=None).exists()
    gone = AdapterVersion.everything.exclude(deleted_at=None)
    assert not gone.filter(stage__in=[Stage.PRODUCTION, Stage.CANDIDATE]).exists()
    read = {item["sha256"] for job in going_on for item in job.inputs}
    assert not gone.filter(sha256__in=read).exists()
    for version in versions:
        assert AdapterVersion.objects.filter(adapter=version.adapter_id).exists()


def test_what_lies_there_is_counted_by_kind_and_the_trash_apart(workshop: Workshop, team: Team, trainer: Any) -> None:
    checkpointed(workshop, "tone r8", State.FAILED, steps=(10, 20))
    version = workshop.version("Notes")
    Bundle.objects.create(team=team, kind="report", manifest_sha256="0" * 64, size_bytes=77)
    sizes = {holding.kind: holding.size_bytes for holding in holdings.of_team(team)}
    assert version.bundle is not None and version.source is not None
    data = sum(row.bundle.size_bytes + row.source.size_bytes for row in DatasetVersion.objects.all())  # type: ignore[union-attr]
    assert sizes == {"checkpoints": 8_000_000, "datasets": data, "other": 77}
    runs.delete_checkpoints(by=trainer, run=Run.objects.get())
    sizes = {holding.kind: holding.size_bytes for holding in holdings.of_team(team)}
    assert sizes == {"trash": 8_000_000, "datasets": data, "other": 77}


def test_a_disk_that_will_soon_be_full_is_said_on_the_home_page(
    team: Team, owner: Any, client_as: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = forecast.Forecast(forecast.Outlook.FILLING, days_left=9, bytes_per_day=GB, days_known=20)
    monkeypatch.setattr(disk, "look", lambda: disk.Disk(1000 * GB, 500 * GB, soon))
    home = client_as(owner).get("/t/acme/").content.decode()
    assert "the disk is full in 9 days" in home and PAGE in home
    later = forecast.Forecast(forecast.Outlook.FILLING, days_left=90, bytes_per_day=GB, days_known=20)
    monkeypatch.setattr(disk, "look", lambda: disk.Disk(1000 * GB, 500 * GB, later))
    assert "the disk is full" not in client_as(owner).get("/t/acme/").content.decode()


def test_the_disk_is_looked_at_once_a_day(db: None) -> None:
    actions.take_sample()
    actions.take_sample()
    sample = DiskSample.objects.get()
    assert 0 < sample.used_bytes < sample.total_bytes


def test_who_may_only_look_sees_what_may_go_and_frees_nothing(workshop: Workshop, viewer: Any, client_as: As) -> None:
    run = checkpointed(workshop, "tone r8", State.FAILED)
    page = client_as(viewer).get(PAGE).content.decode()
    assert "Checkpoints of tone r8" in page and 'name="item"' not in page
    assert client_as(viewer).post(f"{PAGE}free/?item=checkpoints:{run.public_id}").status_code == 403


def test_the_whole_installation_is_for_its_administrators(
    workshop: Workshop, administrator: Any, owner: Any, client_as: As
) -> None:
    workshop.adapter("letters")
    assert "Acme Support" in client_as(administrator).get("/storage/").content.decode()
    assert client_as(owner).get("/storage/").status_code == 403


def test_a_program_reads_and_frees(workshop: Workshop, team: Team, trainer: Any, owner: Any) -> None:
    run = checkpointed(workshop, "tone r8", State.FAILED)
    _row, token = accounts.create_token(by=trainer, team=team, name="x", scopes=["read", "train"])
    headers = {"authorization": f"Bearer {token}"}
    found = Client().get("/api/v1/storage", headers=headers).json()
    key = f"checkpoints:{run.public_id}"
    assert [item["key"] for item in found["may_go"]] == [key]
    assert (found["outlook"], found["checkpoint_days"]) == ("too_short", 14)
    body = {"items": [key, "report:rep_0"]}
    freed = Client().post("/api/v1/storage/free", body, content_type="application/json", headers=headers).json()
    assert (freed["freed"], freed["size_bytes"]) == ([key], 4_000_000)
    assert [item["key"] for item in freed["refused"]] == ["report:rep_0"]
    rules = {"checkpoint_days": 5}
    refused = Client().put("/api/v1/storage/rules", rules, content_type="application/json", headers=headers)
    assert refused.status_code == 403


def test_the_command_line_says_the_same(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    checkpointed(workshop, "tone r8", State.FAILED)
    call_command("storage", "acme")
    said = capsys.readouterr().out
    assert "4\xa0MB  May go in acme: Checkpoints of tone r8" in said
    assert "It is too early for a forecast" in said
