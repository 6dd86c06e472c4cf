"""Compares answers with what was expected. Pure; needs no torch."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

SIDES = ("base", "adapter")


def score(expected: Sequence[str], answers: dict[str, Sequence[str]]) -> dict[str, Any]:
    """Shares between 0 and 1 for each side ("base", "adapter").

    exact_match: the answer is the expected text, blanks at the ends aside. Where every expected answer is a JSON
    object also json_fields: the answer is a JSON object with exactly the expected field names; and json_values:
    for each field, how often its value is right among the rows that expect it.
    """
    found: dict[str, Any] = {
        "exact_match": {side: _share(map(_is_same_text, expected, answers[side])) for side in SIDES}
    }
    wanted = [item for item in map(json_object, expected) if item is not None]
    if not wanted or len(wanted) < len(expected):
        return found
    given = {side: list(map(json_object, answers[side])) for side in SIDES}
    found["json_fields"] = {side: _share(map(_has_same_fields, wanted, given[side])) for side in SIDES}
    fields = sorted({name for item in wanted for name in item})
    found["json_values"] = {name: {side: _right(name, wanted, given[side]) for side in SIDES} for name in fields}
    return found


def json_object(text: str) -> dict[str, Any] | None:
    """The object that `text` is, if it is one and nothing else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_same_text(wanted: str, given: str) -> bool:
    return wanted.strip() == given.strip()


def _has_same_fields(wanted: dict[str, Any], given: dict[str, Any] | None) -> bool:
    return given is not None and given.keys() == wanted.keys()


def _right(name: str, wanted: list[dict[str, Any]], given: list[dict[str, Any] | None]) -> float:
    pairs = [(want[name], got) for want, got in zip(wanted, given, strict=True) if name in want]
    return _share(got is not None and name in got and _equal(got[name], value) for value, got in pairs)


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _share(verdicts: Iterable[bool]) -> float:
    listed = list(verdicts)
    return round(sum(listed) / len(listed), 4) if listed else 0.0
