"""Every code becomes a sentence; a fault says what happened, what it means and what to do."""

import pytest

from webapp.contract.events import Fault, Phase
from webapp.jobs import words
from webapp.jobs.lifecycle import Asked, State
from webapp.jobs.models import Job, JobEvent
from webapp.jobs.queries import Waiting


@pytest.mark.parametrize("code", Fault)
def test_every_fault_has_cause_meaning_and_remedy(code: Fault) -> None:
    said = words.fault(Job(fault=code, fault_data={}))
    assert said.title and not said.title.endswith(".")
    assert said.meaning.endswith((".", ":", " "))
    assert said.remedy.endswith(".")
    assert said.is_ours == (code is Fault.INTERNAL)


def test_a_fault_of_ours_can_be_found_in_the_log() -> None:
    job = Job(fault="internal", fault_data={"deaths": 3})
    said = words.fault(job)
    assert said.reference == job.public_id
    assert "3 times" in said.meaning


def test_a_fault_that_this_version_does_not_know_is_ours() -> None:
    assert words.fault(Job(fault="of the future")).is_ours


@pytest.mark.parametrize(
    ("data", "meaning", "remedy"),
    [
        ({"field": "lora_r", "value": "0", "nearest": 1}, "“Rank” is set to 0,", "Set it to 1,"),
        ({"field": "learning_rate", "value": "2.0", "nearest": 1}, "“Learning rate” is set to 2,", "Set it to 1,"),
        ({"field": "learning_rate", "value": "nan", "nearest": 1e-9}, "is set to nan,", "Set it to 1e-9,"),
        ({"field": "target_modules", "value": "mlp", "nearest": "attention"}, "feed-forward only", "attention only"),
        ({"field": "target_modules", "value": "mlp", "message": "peft says"}, "feed-forward only", "from a preset"),
        ({"field": "of the future", "value": 3, "nearest": 4}, "“of the future” is set to 3", "Set it to 4"),
        ({"message": "no spec at all"}, "no spec at all", "from a preset"),
    ],
)
def test_a_setting_that_cannot_work_is_named_as_people_know_it_with_what_would(
    data: dict[str, object], meaning: str, remedy: str
) -> None:
    said = words.fault(Job(fault="bad_config", fault_data=data))
    assert meaning in said.meaning and remedy in said.remedy


@pytest.mark.parametrize(
    ("data", "part"), [({}, "no way to it"), ({"status": 429}, "asked too often"), ({"status": 503}, "answers 503")]
)
def test_a_hub_out_of_reach_says_in_which_way(data: dict[str, object], part: str) -> None:
    assert part in words.fault(Job(fault="hub_unreachable", fault_data=data)).meaning


def test_rows_that_cannot_be_trained_are_named() -> None:
    data = {"rows": [3, 1200], "count": 2, "max_length": 64}
    said = words.fault(Job(fault="no_trainable_tokens", fault_data=data))
    assert "rows 3 and 1,200" in said.meaning


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("asked", Asked)
def test_what_a_job_does_now_can_always_be_said(state: State, asked: Asked) -> None:
    assert words.now(Job(state=state, asked=asked))


def test_a_running_job_says_its_phase_unless_it_was_asked_to_stop() -> None:
    assert words.now(Job(state="running", phase=Phase.TRAINING)) == "Training"
    assert words.now(Job(state="running", phase=Phase.TRAINING, asked="pause")) == "Pausing at the next checkpoint"


def test_every_phase_has_words() -> None:
    assert set(words.PHASES) == set(Phase)


@pytest.mark.parametrize(
    ("code", "data", "sentence"),
    [
        ("claimed", {"worker": "anvil", "devices": ["GPU 0", "GPU 1"]}, "anvil took it, on GPU 0 and GPU 1."),
        ("claimed", {"worker": "anvil", "devices": []}, "anvil took it."),
        ("asked", {"what": "cancel", "by": "Mara"}, "Mara asked to cancel it."),
        ("cancelled", {}, "It was cancelled."),
        ("planned", {"total_steps": 1200, "train_rows": 40}, "Planned: 1,200 steps over 40 rows."),
        ("planned", {"total_steps": 9, "resumed_from_step": 4}, "It goes on from step 4 of 9."),
        ("interrupted", {"because": "worker_lost", "worker": "anvil"}, "Contact with the worker anvil was lost."),
        ("rows_truncated", {"count": 1, "rows": [7], "max_length": 64}, "1 row is longer than 64 tokens"),
        ("encoding", {"encoding": "utf-8", "found_by": "utf-8"}, "The file is encoded as utf-8."),
        ("encoding", {"encoding": "windows-1252", "found_by": "content"}, "The file does not say how its letters"),
        ("bad_rows", {"rows": 2}, "2 rows cannot be used."),
        ("from the future", {}, "Noted: from the future"),
    ],
)
def test_what_happened_is_said_in_a_sentence(code: str, data: dict[str, object], sentence: str) -> None:
    assert words.event_sentence(JobEvent(code=code, data=data)).startswith(sentence)


@pytest.mark.parametrize(
    ("found", "part"),
    [
        (Waiting(code="no_worker", position=1), "No worker is running"),
        (Waiting(code="in_line", position=1), "It is next"),
        (Waiting(code="in_line", position=3), "Two jobs are before it"),
        (
            Waiting(code="too_little_memory", position=1, needs_memory_bytes=24 << 30, largest_memory_bytes=8 << 30),
            "needs 24\u00a0GB",
        ),
    ],
)
def test_a_waiting_job_says_what_it_waits_for(found: Waiting, part: str) -> None:
    assert part in words.waiting(found)
