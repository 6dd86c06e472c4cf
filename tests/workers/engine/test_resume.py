"""A training that is killed, stopped or finds damage goes on, and ends as if nothing had happened."""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workers.engine.conftest import MakeTraining, Run
from webapp.contract.events import Fault, Outcome
from workers.engine import checkpoint, crash, train

STEPS = {"num_train_epochs": 2, "eval_steps": 2, "lora_dropout": 0.2, "early_stopping_patience": 5}


def sha256_of_adapter(run: Run) -> str:
    return hashlib.sha256((run.path / "result" / "adapter_model.safetensors").read_bytes()).hexdigest()


@pytest.fixture
def unfailed(make_training: MakeTraining) -> Run:
    return make_training(**STEPS).start()


KILLS = [f"{label}:{time}" for label in crash.LABELS if label.startswith("checkpoint.") for time in (1, 2)]
KILLS += ["train.gradients_ready:4", "train.step_done:5", "result.written:1"]


@pytest.mark.row("F1")
@pytest.mark.row("F3")
@pytest.mark.parametrize("label", KILLS)
def test_killed_anywhere_and_resumed_the_adapter_is_the_same_to_the_bit(
    make_training: MakeTraining, unfailed: Run, label: str
) -> None:
    run = make_training(**STEPS)
    assert run.start_and_die(label) == signal.SIGKILL
    run.again()
    assert run.ended.outcome is Outcome.SUCCEEDED
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)
    assert run.metric("loss") == unfailed.metric("loss")
    assert run.metric("validation_loss") == unfailed.metric("validation_loss")
    leftovers = [path.name for path in run.path.rglob(".*")]
    assert leftovers == []


def test_killed_after_its_result_was_published_it_publishes_the_same_again(
    make_training: MakeTraining, unfailed: Run
) -> None:
    run = make_training(**STEPS)
    assert run.start_and_die("result.published") == signal.SIGKILL
    run.again()
    assert run.planned.resumed_from_step == 6
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)


def test_after_each_kill_at_a_step_no_more_is_lost_than_since_the_last_checkpoint(make_training: MakeTraining) -> None:
    run = make_training(**STEPS)
    run.start_and_die("train.step_done:5")
    run.again()
    assert run.planned.resumed_from_step == 4


def test_asked_to_stop_it_ends_the_step_leaves_a_checkpoint_and_goes_on_from_there(
    make_training: MakeTraining, unfailed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_step = train.Training.take_step

    def stops_in_the_third(self: train.Training) -> None:
        if self.state.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        take_step(self)

    monkeypatch.setattr(train.Training, "take_step", stops_in_the_third)
    run = make_training(**STEPS).start()
    assert (run.ended.outcome, run.ended.fault) == (Outcome.STOPPED, None)
    assert run.checkpoints[-1].step == 3
    monkeypatch.undo()
    run.again()
    assert run.planned.resumed_from_step == 3
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)


def test_asked_to_stop_while_measuring_it_stops_there_and_measures_that_step_later(
    make_training: MakeTraining, unfailed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = train.Training.measure

    def stops(self: train.Training) -> None:
        if self.state.step == 2:
            self.job.stop.ask()
        measure(self)

    monkeypatch.setattr(train.Training, "measure", stops)
    run = make_training(**STEPS).start()
    assert run.ended.outcome is Outcome.STOPPED and 2 not in run.metric("validation_loss")
    monkeypatch.undo()
    run.again()
    assert run.metric("validation_loss") == unfailed.metric("validation_loss")
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)


def test_an_order_that_ends_at_its_checkpoint_makes_its_result_of_it(make_training: MakeTraining) -> None:
    run = make_training(**STEPS)
    run.start_and_die("train.step_done:5")
    run.again(ends_at_checkpoint=True)
    assert run.ended.outcome is Outcome.SUCCEEDED
    assert run.ended.data["steps"] == run.planned.total_steps == run.planned.resumed_from_step == 4
    assert max(run.metric("validation_loss")) == 4


def test_an_order_that_ends_at_its_checkpoint_fails_where_there_is_none(make_training: MakeTraining) -> None:
    run = make_training(**STEPS).again(ends_at_checkpoint=True)
    assert run.ended.data == {"file": "checkpoints", "reason": "no_valid_checkpoint"}


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.row("F5")
@pytest.mark.parametrize("damage", [truncate, zero, flip_a_bit, Path.unlink])
@pytest.mark.parametrize("name", [checkpoint.ADAPTER, checkpoint.OPTIMIZER, checkpoint.STATE, checkpoint.MANIFEST])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    make_training: MakeTraining, unfailed: Run, damage: Callable[[Path], None], name: str
) -> None:
    run = make_training(**STEPS)
    run.start_and_die("train.step_done:5")
    damage(run.path / "checkpoints" / "step-00000004" / name)
    run.again()
    (note,) = run.notes("checkpoint_damaged")
    assert note.is_warning and note.data["folder"] == "step-00000004" and name in note.data["file"]
    assert run.planned.resumed_from_step == 2
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)


def test_without_any_valid_checkpoint_it_starts_anew_and_has_said_why(
    make_training: MakeTraining, unfailed: Run
) -> None:
    run = make_training(**STEPS)
    run.start_and_die("train.step_done:3")
    for folder in (run.path / "checkpoints").iterdir():
        zero(folder / checkpoint.OPTIMIZER)
    run.again()
    assert run.notes("checkpoint_damaged") and run.planned.resumed_from_step == 0
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)


def test_a_checkpoint_of_another_order_is_not_used(make_training: MakeTraining) -> None:
    other = make_training(**STEPS | {"seed": 1}).start()
    run = make_training(**STEPS)
    shutil.copytree(other.path / "checkpoints", run.path / "checkpoints")
    run.start()
    assert run.notes("checkpoint_of_another_order") and run.planned.resumed_from_step == 0


@pytest.mark.row("F28")
def test_a_resume_with_other_library_versions_is_said(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_training(**STEPS)
    run.start_and_die("train.step_done:5")
    monkeypatch.setattr(train, "identity", lambda job: checkpoint.Identity(
        train_identity(job).order_sha256, job.versions | {"peft": "99.0"}))  # fmt: skip
    run.again()
    (note,) = run.notes("resumed_with_other_versions")
    assert note.data["changed"]["peft"][1] == "99.0" and run.planned.resumed_from_step == 4


train_identity = train.identity


def test_choices_made_once_hold_for_each_attempt_even_if_the_machine_changed(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_training(**STEPS)
    run.start_and_die("train.step_done:3")
    monkeypatch.setattr(train.decisions, "CPU_TOKENS", 64)
    run.again(threads=2)
    before, after = [event for event in run.said if hasattr(event, "resumed_from_step")]
    assert before.decisions == after.decisions
    kept = json.loads((run.path / "decisions.json").read_text())
    assert kept["tokens_per_micro_batch"] == before.decisions["tokens_per_micro_batch"]


def test_two_checkpoints_and_the_best_are_kept(make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    course = iter([9.0, 1.0, 5.0, 5.0, 5.0, 5.0, 5.0])
    monkeypatch.setattr(train.Training, "held_out_loss", lambda self: next(course))
    run = make_training(**STEPS | {"eval_steps": 1}).start()
    kept = sorted(path.name for path in (run.path / "checkpoints").iterdir())
    assert kept == ["step-00000001", "step-00000005", "step-00000006"]


@pytest.mark.row("F7")
def test_a_disk_that_fills_up_while_saving_leaves_the_checkpoint_before_intact(
    make_training: MakeTraining, unfailed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file, count = checkpoint.save_file, 0

    def fills_up(tensors: dict[str, object], path: Path) -> None:
        nonlocal count
        count += 1
        if count == 4:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device", str(path))
        save_file(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", fills_up)
    run = make_training(**STEPS).start()
    assert run.ended.fault is Fault.DISK_FULL
    assert run.ended.data["needed_bytes"] == 12 * run.planned.trainable_parameters  # values and two moments
    assert run.ended.data["free_bytes"] > 0
    assert [path.name for path in (run.path / "checkpoints").iterdir()] == ["step-00000002"]
    monkeypatch.undo()
    run.again()
    assert sha256_of_adapter(run) == sha256_of_adapter(unfailed)


def test_running_out_of_memory_is_said_as_such(make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(self: train.Training) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(train.Training, "take_step", no_memory)
    assert make_training().start().ended.fault is Fault.OUT_OF_MEMORY
