import pytest

from webapp.dashboard import verdict


@pytest.mark.parametrize(
    ("running", "waiting", "others", "needs", "has_data", "has_worker", "said"),
    [
        (0, 0, 0, 0, False, True, "Nothing here yet. Bring a file of good answers to begin."),
        (0, 0, 0, 0, True, True, "All is quiet. Nothing needs you."),
        (1, 0, 0, 0, True, True, "One run is training. Nothing needs you."),
        (1, 2, 0, 3, True, True, "One run is training and two wait behind it. Three things need you."),
        (2, 1, 0, 1, True, True, "Two runs are training and one waits behind it. One thing needs you."),
        (0, 1, 0, 0, True, False, "One run waits. No worker is running, so nothing starts."),
        (0, 0, 1, 0, True, True, "One thing is being prepared. Nothing needs you."),
        (0, 0, 2, 0, True, False, "Two things are being prepared. No worker is running, so nothing starts."),
        (0, 0, 0, 1, False, True, "All is quiet. One thing needs you."),
        (0, 0, 0, 1, True, False, "All is quiet. One thing needs you."),
    ],
)
def test_home_says_what_runs_what_waits_and_what_to_do(
    running: int, waiting: int, others: int, needs: int, has_data: bool, has_worker: bool, said: str
) -> None:
    found = verdict.of_home(
        running=running, waiting=waiting, others=others, needs=needs, has_data=has_data, has_worker=has_worker
    )
    assert str(found) == said


@pytest.mark.parametrize(
    ("running", "paused", "said"),
    [
        (1, 2, "One run is training. Nothing needs you."),
        (0, 2, "Two runs are paused. Nothing needs you."),
    ],
)
def test_a_paused_run_is_not_said_to_train(running: int, paused: int, said: str) -> None:
    found = verdict.of_home(
        running=running, paused=paused, waiting=0, others=0, needs=0, has_data=True, has_worker=True
    )
    assert str(found) == said
