"""The table of moves, and its picture in the documentation."""

import re
from pathlib import Path

import pytest

from webapp.jobs import lifecycle
from webapp.jobs.lifecycle import HELD, MOVES, OVER, RESTING, State
from webapp.jobs.models import Job

DIAGRAM = Path(__file__).parents[3] / "docs" / "jobs.md"


def test_the_diagram_shows_exactly_the_allowed_moves() -> None:
    arrows = re.findall(r"^ +(\w+) --> (\w+)", DIAGRAM.read_text(), re.MULTILINE)
    drawn = {(State(source), State(target)) for source, target in arrows}
    assert drawn == {(source, target) for source, targets in MOVES.items() for target in targets}


def test_every_state_has_its_moves_and_belongs_to_one_group() -> None:
    assert set(MOVES) == set(State)
    assert sorted([*HELD, *OVER, *RESTING]) == sorted(State)


def test_success_is_final() -> None:
    assert MOVES[State.SUCCEEDED] == frozenset()


def test_only_a_finished_program_leads_to_success() -> None:
    assert lifecycle.sources(State.SUCCEEDED) == {State.FINISHING}


@pytest.mark.django_db
@pytest.mark.parametrize("source", State)
@pytest.mark.parametrize("target", State)
def test_a_row_moves_only_as_the_table_allows(source: State, target: State, team: object) -> None:
    job = Job.objects.create(team=team, kind="read", title="a", spec={}, state=source)
    assert Job.objects.move(job.pk, target) == (target in MOVES[source])
    job.refresh_from_db()
    assert job.state == (target if target in MOVES[source] else source)


@pytest.mark.django_db
@pytest.mark.row("F12")
def test_a_move_with_an_old_fence_changes_nothing(team: object) -> None:
    job = Job.objects.create(team=team, kind="read", title="a", spec={}, state=State.RUNNING, fence=2)
    assert not Job.objects.move(job.pk, State.FAILED, under_fence=1)
    assert Job.objects.move(job.pk, State.FAILED, under_fence=2)
