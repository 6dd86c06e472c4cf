"""The stages of a version and the ways between them. Pure.

draft → candidate → production → retired; a candidate can go back to draft, a retired version can be tried again.
Production is entered from candidate, so that its own rules and those of candidate are always asked; the one other way
is a rollback, which brings back a version that was in production before.
"""

from collections.abc import Mapping

from webapp.adapters.models import Stage

WAYS: Mapping[Stage, frozenset[Stage]] = {
    Stage.DRAFT: frozenset({Stage.CANDIDATE, Stage.RETIRED}),
    Stage.CANDIDATE: frozenset({Stage.PRODUCTION, Stage.DRAFT, Stage.RETIRED}),
    Stage.PRODUCTION: frozenset({Stage.RETIRED}),
    Stage.RETIRED: frozenset({Stage.DRAFT, Stage.CANDIDATE}),
}

# Who holds one of these gives way when another version comes. A production version is retired and not lost: a
# rollback brings it back. A candidate that was never relied on is a draft again.
GIVES_WAY_TO: Mapping[Stage, Stage] = {Stage.PRODUCTION: Stage.RETIRED, Stage.CANDIDATE: Stage.DRAFT}


def can_move(from_stage: str, to_stage: str) -> bool:
    return to_stage in WAYS[Stage(from_stage)]


def next_of(stage: str) -> Stage | None:
    """The stage that comes after; None where the only way on is to retire."""
    return {
        Stage.DRAFT: Stage.CANDIDATE,
        Stage.CANDIDATE: Stage.PRODUCTION,
        Stage.RETIRED: Stage.CANDIDATE,
    }.get(Stage(stage))


def others_of(stage: str) -> list[Stage]:
    """The ways that lead elsewhere than on, in the order of the stages."""
    return [to for to in Stage if to in WAYS[Stage(stage)] and to != next_of(stage)]
