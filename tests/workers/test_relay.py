"""Events become rows once, whatever is repeated, torn or out of place."""

import json
from pathlib import Path
from typing import Any

import pytest
from model_bakery import baker

from tests.fakes.orders import must_claim, submit, worker
from webapp.contract import events
from webapp.contract.events import Outcome, Phase
from webapp.contract.spec import JobKind
from webapp.core.storable import storable_json
from webapp.jobs.leases import Claim, LeaseLost
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job, JobEvent
from webapp.runs.models import Run
from workers.relay import Babble, Relay

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(team: Any) -> Claim:
    submit(team, JobKind.TRAIN)
    return must_claim(worker())


@pytest.fixture
def run(held: Claim, team: Any) -> Run:
    return baker.make(Run, job=held.job, team=team, dataset_version__dataset__team=team, base_model__team=team)


PLAN = events.Planned(
    total_steps=4,
    resumed_from_step=0,
    train_rows=1,
    validation_rows=0,
    trainable_parameters=1,
    total_parameters=2,
    trained_tokens_per_epoch=3,
)


def say(path: Path, *said: events.Event) -> None:
    writer = events.Writer(path)
    for event in said:
        writer.say(event)
    writer.close()


def test_what_the_program_says_stands_in_the_rows(held: Claim, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    relay = Relay(held, path)
    say(path, events.Started(pid=1, device="cpu"), events.PhaseChanged(phase=Phase.TRAINING), PLAN)
    say(path, events.Metrics(step=1, values={"loss": 2.0}), events.Metrics(step=2, values={"loss": None}))
    say(path, events.Checkpointed(step=2, folder="step-2", size_bytes=9, manifest_sha256="0" * 64))
    relay.pump()
    job = Job.objects.get()
    run.refresh_from_db()
    assert (job.state, job.phase, job.step, job.total_steps) == (State.RUNNING, "training", 2, 4)
    assert job.checkpoint_step == 2
    assert (run.planned["total_steps"], run.checkpoints.get().step) == (4, 2)
    assert run.last_values["loss"] is None
    assert run.buffers.get(name="loss").count == 2
    assert relay.ended is None
    say(path, events.Ended(outcome=Outcome.SUCCEEDED, data={"steps": 4}))
    relay.pump()
    assert relay.ended == events.Ended(outcome=Outcome.SUCCEEDED, data={"steps": 4})


@pytest.mark.row("F31")
def test_a_batch_that_is_sent_again_changes_nothing(held: Claim, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    say(path, events.Started(pid=1, device="cpu"), PLAN, events.Metrics(step=1, values={"loss": 2.0}))
    Relay(held, path).pump()
    before = list(JobEvent.objects.values()), list(run.buffers.values())
    again = Relay(held, path)
    again.pump()
    assert (list(JobEvent.objects.values()), list(run.buffers.values())) == before


def test_a_torn_line_waits_until_it_is_whole(held: Claim, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    say(path, events.PhaseChanged(phase=Phase.READING))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    relay = Relay(held, path)
    relay.pump()
    assert Job.objects.get().phase == ""
    path.write_bytes(whole)
    relay.pump()
    assert Job.objects.get().phase == "reading"


def test_a_line_that_is_no_event_is_passed_over(held: Claim, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('not json\n{"type": "unknown", "seq": 1}\n[]\n')
    say(path, events.PhaseChanged(phase=Phase.READING))
    Relay(held, path).pump()
    assert Job.objects.get().phase == "reading"


def test_a_line_without_end_is_refused(held: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.relay.LONGEST_LINE_BYTES", 64)
    path = tmp_path / "events.jsonl"
    path.write_text("x" * 65)
    with pytest.raises(Babble):
        Relay(held, path).pump()


@pytest.mark.row("D2")
def test_what_databases_refuse_in_text_does_not_stop_the_relay(held: Claim, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = {"seq": 1, "at": "2026-01-31T12:00:00Z", "type": "note", "code": "c", "data": {"a\0": ["\0", "\ud800"]}}
    path.write_text(json.dumps(line) + "\n")
    Relay(held, path).pump()
    assert JobEvent.objects.get(code="c").data == {"a␀": ["␀", "?"]}
    assert storable_json({"plain \\u0000": 1.5}) == {"plain \\u0000": 1.5}


@pytest.mark.row("D2")
def test_the_last_word_and_the_code_of_a_note_are_storable_too(held: Claim, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    at = "2026-01-31T12:00:00Z"
    note = {"seq": 1, "at": at, "type": "note", "code": "a\0b"}
    last = {"seq": 2, "at": at, "type": "ended", "outcome": "failed", "fault": "bad_config", "data": {"value": "\0"}}
    path.write_text(json.dumps(note) + "\n" + json.dumps(last) + "\n")
    relay = Relay(held, path)
    relay.pump()
    assert JobEvent.objects.filter(code="a␀b").exists()
    assert relay.ended is not None and relay.ended.data == {"value": "␀"}


@pytest.mark.row("F12")
def test_who_lost_the_job_writes_no_event(held: Claim, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    say(path, events.Started(pid=1, device="cpu"), PLAN, events.Metrics(step=1, values={"loss": 2.0}))
    Job.objects.filter(pk=held.job.pk).update(fence=held.fence + 1)
    with pytest.raises(LeaseLost):
        Relay(held, path).pump()
    assert not run.buffers.exists()
    assert not JobEvent.objects.filter(seq__gt=0).exists()


def test_thousands_of_events_go_in_several_transactions(
    held: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.relay.LINES_AT_ONCE", 10)
    path = tmp_path / "events.jsonl"
    say(path, *[events.Progressed(done=number, total=25, unit="rows") for number in range(25)])
    relay = Relay(held, path)
    assert relay.pump()
    assert Job.objects.get().progress_done == 9
    while relay.pump():
        pass
    assert Job.objects.get().progress_done == 24
