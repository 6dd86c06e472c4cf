"""Whether a version fulfils a team's rules for a stage. Pure: facts in, one result per rule out.

A score that was not measured, whatever the reason, neither passes nor fails a rule: it is not known, and what is not
known does not get a stage.
"""

import enum
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.adapters import names
from webapp.adapters.models import Rule
from webapp.core import units

ROUNDING = 1e-9  # 0.9 − 0.8 is a little more than 0.1 in binary; a limit is meant as it was typed
MOST_DIGITS = 6


@dataclass(frozen=True)
class Condition:
    """One rule. `limit` is in the score's own unit (a share from 0 to 1), or a number of approvals."""

    rule: Rule
    score: str
    limit: float
    id: str = ""


@dataclass(frozen=True)
class Measured:
    """A score of a version. `rows` says on which held-out rows it was measured, where that can differ."""

    value: float
    base: float | None
    is_higher_better: bool
    rows: str = ""


@dataclass(frozen=True)
class Holder:
    """The version that is in production while another one is looked at."""

    name: str
    scores: Mapping[str, Measured]


@dataclass(frozen=True)
class Situation:
    """All that rules may ask. `known` are those names of missing scores that other versions of the team bear."""

    scores: Mapping[str, Measured]
    production: Holder | None = None
    approvals: int = 0
    known: Collection[str] = field(default_factory=frozenset)


class Outcome(enum.StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


CELLS = {Outcome.PASSED: "pass", Outcome.FAILED: "fail", Outcome.UNKNOWN: "none"}


@dataclass(frozen=True)
class Result:
    """`short` fits into a cell of a table, `sentence` says it whole: what was found, what is asked, what to do."""

    outcome: Outcome
    rule: Rule
    score: str
    limit: float
    value: float | None
    short: str
    sentence: str
    gate: str = ""

    @property
    def cell(self) -> str:
        return CELLS[self.outcome]

    @property
    def has_passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    def as_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome.value,
            "rule": self.rule.value,
            "score": self.score,
            "limit": self.limit,
            "value": self.value,
            "sentence": self.sentence,
            "gate": self.gate,
        }


def describe(condition: Condition) -> str:
    """The rule as a sentence of its own: "Right form is at least 90 %"."""
    words = {"label": _label(condition.score), "limit": "", "count": int(condition.limit)}
    match condition.rule:
        case Rule.APPROVALS:
            return (
                ngettext(
                    "%(count)d person who did not make the version approves it",
                    "%(count)d people who did not make the version approve it",
                    int(condition.limit),
                )
                % words
            )
        case Rule.AT_LEAST:
            said, words["limit"] = _("%(label)s is at least %(limit)s"), _plain(condition)
        case Rule.AT_MOST:
            said, words["limit"] = _("%(label)s is at most %(limit)s"), _plain(condition)
        case Rule.NEAR_BASE:
            said = _("%(label)s is not worse than the base’s")
        case Rule.NEAR_PRODUCTION:
            said = _("%(label)s is not worse than the production version’s")
        case _ as never:
            assert_never(never)
    if condition.rule in {Rule.NEAR_BASE, Rule.NEAR_PRODUCTION} and condition.limit:
        said += " " + _("by more than %(limit)s")
        words["limit"] = _amount(condition.score, condition.limit)
    return said % words


def decide(conditions: Sequence[Condition], situation: Situation) -> list[Result]:
    """One result per condition, in their order."""
    return [_decide(condition, situation) for condition in conditions]


def _decide(condition: Condition, situation: Situation) -> Result:
    if condition.rule is Rule.APPROVALS:
        return _of_approvals(condition, situation.approvals)
    measured = _usable(situation.scores.get(condition.score))
    if measured is None:
        return _unmeasured(condition, situation.known)
    match condition.rule:
        case Rule.AT_LEAST:
            return _of_limit(condition, measured, is_passed=measured.value >= condition.limit - ROUNDING)
        case Rule.AT_MOST:
            return _of_limit(condition, measured, is_passed=measured.value <= condition.limit + ROUNDING)
        case Rule.NEAR_BASE:
            return _of_base(condition, measured)
        case Rule.NEAR_PRODUCTION:
            return _of_production(condition, measured, situation.production)
        case _ as never:
            assert_never(never)


def _usable(measured: Measured | None) -> Measured | None:
    """A score that is no number measured nothing."""
    return measured if measured is not None and math.isfinite(measured.value) else None


def _of_limit(condition: Condition, measured: Measured, *, is_passed: bool) -> Result:
    value, limit = _texts(condition.score, measured.value, condition.limit)
    least = condition.rule is Rule.AT_LEAST
    short = _("at least %(limit)s") if least else _("at most %(limit)s")
    words = {"label": _label(condition.score), "value": value, "limit": limit}
    if is_passed:
        said = _("%(label)s is %(value)s; at least %(limit)s is asked.") if least else None
        said = said or _("%(label)s is %(value)s; at most %(limit)s is allowed.")
    else:
        said = _("%(label)s is %(value)s, and at least %(limit)s is asked.") if least else None
        said = said or _("%(label)s is %(value)s, and at most %(limit)s is allowed.")
    return _result(condition, _passed(is_passed), measured.value, short % {"limit": limit}, said % words)


def _of_base(condition: Condition, measured: Measured) -> Result:
    if measured.base is None or not math.isfinite(measured.base):
        said = _("The base has no “%(label)s” to compare with. Measure the version again, or change the gate.")
        short = _("base not measured")
        return _result(condition, Outcome.UNKNOWN, None, short, said % {"label": _label(condition.score)})
    return _compared(condition, measured, measured.base, _("the base"))


def _of_production(condition: Condition, measured: Measured, production: Holder | None) -> Result:
    if production is None:
        said = _("No other version is in production, so there is nothing to be worse than.")
        return _result(condition, Outcome.PASSED, measured.value, _("none in production"), said)
    other = _usable(production.scores.get(condition.score))
    if other is None:
        said = _("%(name)s, in production, has no “%(label)s” to compare with. Measure it, or change the gate.")
        words = {"name": production.name, "label": _label(condition.score)}
        short = _("%(name)s not measured") % words
        return _result(condition, Outcome.UNKNOWN, None, short, said % words)
    result = _compared(condition, measured, other.value, production.name)
    if measured.rows == other.rows:
        return result
    note = _("The two were measured on different held-out rows, so the difference says little.")
    return _result(condition, result.outcome, result.value, result.short, f"{result.sentence} {note}")


def _compared(condition: Condition, measured: Measured, other: float, name: str) -> Result:
    """Worse by at most the limit, in the direction in which the score is bad."""
    loss = other - measured.value if measured.is_higher_better else measured.value - other
    is_passed = loss <= condition.limit + ROUNDING
    value, beside = _texts(condition.score, measured.value, other)
    words = {
        "label": _label(condition.score),
        "value": value,
        "other": beside,
        "name": name,
        "limit": _amount(condition.score, condition.limit),
    }
    if condition.limit:
        said = _("%(label)s is %(value)s, %(name)s has %(other)s; it may be worse by %(limit)s at most.")
        short = _("within %(limit)s of %(name)s")
    else:
        said = _("%(label)s is %(value)s, %(name)s has %(other)s; it may not be worse.")
        short = _("not worse than %(name)s")
    return _result(condition, _passed(is_passed), measured.value, short % words, said % words)


def _of_approvals(condition: Condition, found: int) -> Result:
    needed = int(condition.limit)
    said = ngettext(
        "%(found)d of %(needed)d approval by people who did not make the version.",
        "%(found)d of %(needed)d approvals by people who did not make the version.",
        needed,
    ) % {"found": found, "needed": needed}
    if found < needed:
        said += " " + _("Ask for a review.")
    short = _("%(found)d of %(needed)d") % {"found": found, "needed": needed}
    return _result(condition, _passed(found >= needed), found, short, said)


def _unmeasured(condition: Condition, known: Collection[str]) -> Result:
    label = _label(condition.score)
    if condition.score in known:
        said = _("“%(label)s” was not measured on this version. Measure it, or change the gate.")
    else:
        said = _(
            "“%(label)s” was not measured, and no version of the team has such a score (any more). "
            "An owner can change or remove the gate."
        )
    return _result(condition, Outcome.UNKNOWN, None, _("not measured"), said % {"label": label})


def _result(condition: Condition, outcome: Outcome, value: float | None, short: str, sentence: str) -> Result:
    return Result(
        outcome=outcome,
        rule=condition.rule,
        score=condition.score,
        limit=condition.limit,
        value=value,
        short=short,
        sentence=sentence,
        gate=condition.id,
    )


def _passed(is_passed: bool) -> Outcome:
    return Outcome.PASSED if is_passed else Outcome.FAILED


def _label(score: str) -> str:
    return str(names.describe(score).label)


def _texts(score: str, one: float, other: float) -> tuple[str, str]:
    """Two values with as many digits as it takes to tell them apart: nobody should read “90 %, at least 90 %”."""
    for digits in range(MOST_DIGITS):
        texts = _text(score, one, digits), _text(score, other, digits)
        if texts[0] != texts[1] or one == other:
            break
    return texts


def _text(score: str, value: float, digits: int) -> str:
    if names.describe(score).kind == "share":
        return units.percent(value, digits)
    return units.number(value, digits + 3)


def _plain(condition: Condition) -> str:
    """A limit with the digits that it was given."""
    if names.describe(condition.score).kind == "share":
        return units.percent(condition.limit, _digits(100 * condition.limit))
    return units.number(condition.limit, _digits(condition.limit))


def _amount(score: str, value: float) -> str:
    """A difference: points for a share, the plain number for everything else."""
    if names.describe(score).kind != "share":
        return units.number(value, _digits(value))
    points = round(100 * value, MOST_DIGITS)
    words = {"points": units.number(points, _digits(points))}
    return ngettext("%(points)s point", "%(points)s points", 1 if points == 1 else 2) % words


def _digits(value: float) -> int:
    """As few as keep the number."""
    return next(n for n in range(MOST_DIGITS + 1) if n == MOST_DIGITS or math.isclose(round(value, n), value))
