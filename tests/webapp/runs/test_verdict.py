import pytest

from webapp.jobs.lifecycle import Asked, State
from webapp.runs import verdict
from webapp.runs.verdict import Facts

FALLING = [2.3 - 0.02 * step for step in range(50)]
FLAT = [2.3] * 50


def said(state=State.RUNNING, **facts):
    known = {"step": 50, "total_steps": 100, "seconds_left": 14 * 60, "losses": FALLING} | facts
    return str(verdict.of(Facts(state=state, **known)))


def test_every_state_has_words():
    for state in State:
        assert said(state, fault_title="The disk is full", phase_words="Loading the base model")


@pytest.mark.parametrize(
    ("waits", "ahead", "step", "sentence"),
    [
        ("no_worker", 0, 0, "Waits, because no worker is running. It starts by itself when one does."),
        ("no_label", 0, 0, "Waits, because no worker that runs now can take it."),
        ("too_few_devices", 0, 0, "Waits, because no worker that runs now can take it."),
        ("too_little_memory", 0, 0, "Waits, because no device has enough memory for it."),
        ("draining", 0, 0, "Waits, because the workers take nothing new for now."),
        ("in_line", 0, 0, "Next in line. It starts as soon as a worker is free."),
        ("in_line", 1, 0, "Waits in line, one job is before it."),
        ("in_line", 2, 0, "Waits in line, two jobs are before it."),
        ("in_line", 0, 78, "Goes on from step 78 as soon as a worker is free."),
    ],
)
def test_a_run_that_waits_says_for_what(waits, ahead, step, sentence):
    assert said(State.QUEUED, waits=waits, ahead=ahead, step=step) == sentence


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"step": 0, "phase": "loading_model", "phase_words": "Loading the base model"},
            "Getting ready: loading the base model.",
        ),
        (
            {"phase": "loading_model", "phase_words": "Loading the base model"},
            "Getting ready: loading the base model.",
        ),
        ({"phase": "checking"}, "Trained. The adapter is being written and read back."),
        ({"step": 0}, "It begins. About 14 minutes left."),
        ({"asked": Asked.PAUSE}, "Pausing. A checkpoint is written first."),
        ({"asked": Asked.STOP_AND_KEEP}, "Stopping. What was learned is kept."),
        ({"asked": Asked.CANCEL}, "Being cancelled. Nothing will be kept."),
        ({"losses": [2.3, 2.2]}, "It has begun. About 14 minutes left."),
        ({"losses": [*FALLING, None]}, "Something is wrong: the loss is not a number. About 14 minutes left."),
        ({}, "Learning: the loss falls. About 14 minutes left."),
        ({"seconds_left": None}, "Learning: the loss falls."),
        ({"losses": FLAT}, "It does not learn yet: the loss has not fallen since the start. About 14 minutes left."),
        ({"losses": FLAT[:10], "step": 10}, "It has begun. About 14 minutes left."),
        ({"checks": [2.3, 1.4, 1.2]}, "Learning well, and not yet repeating itself. About 14 minutes left."),
        (
            {"checks": [2.3, 1.2, 1.21, 1.3]},
            "It begins to repeat its rows: the validation loss rises. About 14 minutes left.",
        ),
        (
            {"checks": [2.3, 1.2, 1.199, 1.2]},
            "Learning slowly: the last checks brought nothing new. About 14 minutes left.",
        ),
        ({"checks": [2.3, 2.5]}, "Learning: the loss falls. About 14 minutes left."),
        ({"checks": [2.3, 1.2, 1.3]}, "Learning well, and not yet repeating itself. About 14 minutes left."),
    ],
)
def test_a_run_that_trains_says_how_it_goes(facts, sentence):
    assert said(**facts) == sentence


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"loss_before": 2.312, "loss_after": 1.094}, "Done. The validation loss fell from 2.31 to 1.09."),
        (
            {"loss_before": 2.312, "loss_after": 1.094, "is_stopped_early": True},
            "Done early, at its best. The validation loss fell from 2.31 to 1.09.",
        ),
        (
            {"loss_before": 2.31, "loss_after": 2.4},
            "Done, but it did not get better: the validation loss went from 2.31 to 2.40.",
        ),
        ({}, "Done. The training loss fell from 2.28 to 1.34."),
        ({"losses": FLAT}, "Done. The adapter is in the catalog."),
    ],
)
def test_a_run_that_is_done_says_what_came_of_it(facts, sentence):
    assert said(State.SUCCEEDED, **facts) == sentence


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (State.STARTING, "A worker has it. Getting ready: bringing files to the worker."),
        (State.FINISHING, "Trained. Its files are being stored and read back."),
        (State.PAUSED, "Paused at step 50. Nothing is lost: it goes on from there."),
        (State.INTERRUPTED, "Its worker was lost. It goes on by itself from its last checkpoint."),
        (State.FAILED, "It stopped with a problem: the disk is full."),
        (State.CANCELLED, "Cancelled at step 50. Nothing was kept."),
    ],
)
def test_a_run_that_does_not_train_says_why(state, sentence):
    words = {"fault_title": "The disk is full", "phase_words": "Bringing files to the worker"}
    assert said(state, **words) == sentence


def test_a_hostile_problem_is_escaped():
    page = verdict.of(Facts(state=State.FAILED, fault_title="<b>*x*")).__html__()
    assert page == "It stopped with a problem: <em>&lt;b&gt;*x*.</em>"


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((1, 0, 0, 5), "One run is training."),
        ((2, 1, 0, 5), "Two runs are training, one waiting."),
        ((0, 2, 0, 5), "Two runs wait for a worker."),
        ((0, 0, 1, 5), "Nothing is training. One run failed lately."),
        ((0, 0, 0, 5), "Nothing is training. All is quiet."),
        ((0, 0, 0, 0), "No run yet. A run makes an adapter from your rows."),
    ],
)
def test_the_list_says_what_goes_on(numbers, sentence):
    running, waiting, failed, count = numbers
    assert str(verdict.of_list(running=running, waiting=waiting, failed=failed, count=count)) == sentence
