"""The rules alone, without a row: what passes, what fails, what is not known."""

import math
from typing import Any

import pytest

from webapp.adapters.gates import Condition, Holder, Measured, Outcome, Result, Situation, decide
from webapp.adapters.models import Rule


def judge(condition: Condition, **facts: Any) -> Result:
    return decide([condition], Situation(**({"scores": {}} | facts)))[0]


def share(value: float, base: float | None = None) -> dict[str, Measured]:
    return {"json_fields": Measured(value=value, base=base, is_higher_better=True)}


def loss(value: float, base: float | None = None, rows: str = "") -> dict[str, Measured]:
    return {"validation_loss": Measured(value=value, base=base, is_higher_better=False, rows=rows)}


@pytest.mark.parametrize(("value", "outcome"), [(0.9, Outcome.PASSED), (0.8999, Outcome.FAILED), (1.0, Outcome.PASSED)])
def test_a_score_is_at_least_its_limit_or_fails(value: float, outcome: Outcome) -> None:
    assert judge(Condition(Rule.AT_LEAST, "json_fields", 0.9), scores=share(value)).outcome == outcome


@pytest.mark.parametrize(("value", "outcome"), [(0.4, Outcome.PASSED), (0.5, Outcome.PASSED), (0.51, Outcome.FAILED)])
def test_a_score_is_at_most_its_limit_or_fails(value: float, outcome: Outcome) -> None:
    assert judge(Condition(Rule.AT_MOST, "validation_loss", 0.5), scores=loss(value)).outcome == outcome


def test_a_value_just_under_its_limit_is_told_with_as_many_digits_as_show_it() -> None:
    said = judge(Condition(Rule.AT_LEAST, "json_fields", 0.9), scores=share(0.8996)).sentence
    assert "89.96" in said


@pytest.mark.parametrize(
    ("value", "limit", "outcome"),
    [
        (0.69, 0.02, Outcome.PASSED),
        (0.68, 0.02, Outcome.PASSED),
        (0.67, 0.02, Outcome.FAILED),
        (0.8, 0, Outcome.PASSED),
    ],
)
def test_a_share_may_be_worse_than_the_bases_by_its_limit(value: float, limit: float, outcome: Outcome) -> None:
    result = judge(Condition(Rule.NEAR_BASE, "json_fields", limit), scores=share(value, base=0.7))
    assert result.outcome == outcome


def test_a_limit_of_points_is_meant_as_it_was_typed() -> None:
    """0.9 − 0.8 is more than 0.1 in binary."""
    result = judge(Condition(Rule.NEAR_BASE, "json_fields", 0.1), scores=share(0.8, base=0.9))
    assert result.has_passed
    assert "10 points" in result.sentence


def test_a_higher_loss_is_the_worse_one() -> None:
    condition = Condition(Rule.NEAR_BASE, "validation_loss", 0)
    assert judge(condition, scores=loss(1.9, base=2.0)).has_passed
    assert judge(condition, scores=loss(2.1, base=2.0)).outcome == Outcome.FAILED


def test_a_version_is_compared_with_the_one_in_production() -> None:
    condition = Condition(Rule.NEAR_PRODUCTION, "validation_loss", 0)
    present = Holder(name="v2", scores=loss(1.0))
    assert judge(condition, scores=loss(0.9), production=present).has_passed
    worse = judge(condition, scores=loss(1.1), production=present)
    assert worse.outcome == Outcome.FAILED
    assert "v2 has 1.000" in worse.sentence


def test_where_none_is_in_production_nothing_can_be_worse_than_it() -> None:
    assert judge(Condition(Rule.NEAR_PRODUCTION, "validation_loss", 0), scores=loss(9.0)).has_passed


def test_a_production_version_without_the_score_makes_the_rule_unknown_and_says_which() -> None:
    condition = Condition(Rule.NEAR_PRODUCTION, "validation_loss", 0)
    result = judge(condition, scores=loss(0.9), production=Holder(name="v2", scores={}))
    assert result.outcome == Outcome.UNKNOWN
    assert "v2, in production, has no" in result.sentence


def test_a_comparison_over_different_rows_says_so() -> None:
    condition = Condition(Rule.NEAR_PRODUCTION, "validation_loss", 0)
    here, there = loss(0.9, rows="a"), Holder(name="v2", scores=loss(1.0, rows="b"))
    assert "different held-out rows" in judge(condition, scores=here, production=there).sentence
    same = Holder(name="v2", scores=loss(1.0, rows="a"))
    assert "different" not in judge(condition, scores=here, production=same).sentence


@pytest.mark.parametrize("rule", [Rule.AT_LEAST, Rule.AT_MOST, Rule.NEAR_BASE, Rule.NEAR_PRODUCTION])
def test_what_was_not_measured_is_not_known_and_the_words_say_what_to_do(rule: Rule) -> None:
    condition = Condition(rule, "suite.claims", 0.9)
    result = judge(condition, known={"suite.claims"})
    assert result.outcome == Outcome.UNKNOWN
    assert "Measure it, or change the gate." in result.sentence
    gone = judge(condition, known={"validation_loss"})
    assert gone.outcome == Outcome.UNKNOWN
    assert "no version of the team has such a score" in gone.sentence


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_measured_nothing(value: float) -> None:
    assert judge(Condition(Rule.AT_LEAST, "json_fields", 0.9), scores=share(value)).outcome == Outcome.UNKNOWN
    assert judge(Condition(Rule.NEAR_BASE, "json_fields", 1), scores=share(0.5, base=value)).outcome == Outcome.UNKNOWN


def test_a_base_without_the_score_makes_the_rule_unknown() -> None:
    assert judge(Condition(Rule.NEAR_BASE, "json_fields", 0), scores=share(0.9)).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize(("found", "is_enough"), [(0, False), (1, False), (2, True), (3, True)])
def test_approvals_are_counted(found: int, is_enough: bool) -> None:
    result = judge(Condition(Rule.APPROVALS, "", 2), approvals=found)
    assert result.has_passed == is_enough
    assert result.sentence.startswith(f"{found} of 2 approvals")
    assert ("Ask for a review." in result.sentence) != is_enough
