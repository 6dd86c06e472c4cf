"""Documents of stages, reviews and gates, and how rows become them."""

import datetime as dt
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field

from webapp.adapters import gates, standing
from webapp.adapters.models import Adapter, AdapterVersion, Gate, Review, Stage, StageChange
from webapp.api.schemas import Body

Word = Annotated[str, Field(max_length=1000)]
Seen = Annotated[str, Field(max_length=40, description="the `seen` of the stages as you read them")]


class StageIn(Body):
    """Moves a version. With `seen` the answer is 409 when somebody decided since you looked."""

    stage: Annotated[str, Field(max_length=20, examples=["production"], description="one of the stages")]
    reason: Word = ""
    seen: Seen | None = None


class RollbackIn(Body):
    """Brings the version back that was in production before."""

    reason: Word = ""
    seen: Seen | None = None


class GateResultOut(Schema):
    """`outcome` is passed, failed or unknown; what is unknown does not pass."""

    outcome: str
    rule: str
    score: str
    limit: float
    value: float | None
    sentence: str
    gate: str


class StageChangeOut(Schema):
    """A decision: made, or refused by `refusal` (gate, files, origin) with what the gates said then."""

    id: str
    version: int
    from_stage: str
    to_stage: str
    cause: str
    refusal: str
    by: str | None
    at: dt.datetime
    reason: str
    gates: list[GateResultOut]
    files: list[dict[str, Any]]


class StagesOut(Schema):
    """Who holds which stage. Hand `seen` back with a move, so that nobody's decision is overlooked."""

    candidate: int | None
    production: int | None
    before_production: int | None
    seen: str


class StageChangePage(Schema):
    items: list[StageChangeOut]
    next: str | None


class AskIn(Body):
    stage: Annotated[str, Field(max_length=20, examples=["production"], description="candidate or production")]
    word: Word = ""


class AnswerIn(Body):
    word: Word = ""


class OpinionOut(Schema):
    by: str | None
    is_approval: bool
    word: str
    at: dt.datetime


class ReviewOut(Schema):
    id: str
    stage: str
    outcome: str
    asked_by: str | None
    asked_at: dt.datetime
    closed_at: dt.datetime | None
    word: str
    opinions: list[OpinionOut]


class GateIn(Body):
    """`limit` is in the score's own unit: 0.9 for 90 %, 0.02 for two points; or how many approvals."""

    stage: Annotated[str, Field(max_length=20, examples=["production"], description="candidate or production")]
    rule: Annotated[
        str,
        Field(
            max_length=20, examples=["at_least"], description="at_least, at_most, near_base, near_production, approvals"
        ),
    ]
    score: Annotated[str, Field(max_length=80, description="a score's name; empty for approvals")] = ""
    limit: float = 0.0


class GateOut(Schema):
    id: str
    stage: str
    rule: str
    score: str
    limit: float
    sentence: str
    is_known: bool
    created_by: str | None
    created_at: dt.datetime


def stages(adapter: Adapter) -> dict[str, Any]:
    before = standing.before_production(adapter)
    held = {stage: standing.holder(adapter, stage) for stage in (Stage.CANDIDATE, Stage.PRODUCTION)}
    numbers = {stage.value: version.number if version else None for stage, version in held.items()}
    return numbers | {"before_production": before.number if before else None, "seen": standing.last_change(adapter)}


def change(row: StageChange) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "version": row.number,
        "from_stage": row.from_stage,
        "to_stage": row.to_stage,
        "cause": row.cause,
        "refusal": row.refusal,
        "by": row.by.email if row.by else None,
        "at": row.at,
        "reason": row.reason,
        "gates": row.decision.get("gates", []),
        "files": row.decision.get("files", []),
    }


def results(version: AdapterVersion, stage: str) -> list[dict[str, Any]]:
    return [result.as_json() for result in standing.results(version, stage)]


def review(row: Review) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "stage": row.stage,
        "outcome": row.outcome,
        "asked_by": row.asked_by.email if row.asked_by else None,
        "asked_at": row.asked_at,
        "closed_at": row.closed_at,
        "word": row.word,
        "opinions": [
            {"by": one.by.email if one.by else None, "is_approval": one.is_approval, "word": one.word, "at": one.at}
            for one in row.opinions.select_related("by").order_by("id")
        ],
    }


def gate(row: Gate) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "stage": row.stage,
        "rule": row.rule,
        "score": row.score,
        "limit": row.limit,
        "sentence": gates.describe(standing.condition(row)),
        "is_known": not row.score or standing.is_known(row.team, row.score),
        "created_by": row.created_by.email if row.created_by else None,
        "created_at": row.created_at,
    }
