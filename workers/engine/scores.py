"""Compares answers with what was expected. Pure; needs no torch."""

import json
from collections.abc import Sequence
from typing import Any

SIDES = ("base", "adapter")


def score(expected: Sequence[str], answers: dict[str, Sequence[str]]) -> dict[str, Any]:
    """Shares between 0 and 1 for each side ("base", "adapter").

    exact_match: the answer is the expected text, blanks at the ends aside. Where every expected answer is a JSON
    object also json_fields: the answer is a JSON object with exactly the expected field names; and json_values:
    for each field, how often its value is right among the rows that expect it.
    """
    found: dict[str, Any] = {
        "exact_match": {
            side: _share(answer.strip() == wanted.strip() for wanted, answer in zip(expected, answers[side], strict=True))
            for side in SIDES
        }
    }
    wanted_objects = [json_object(text) for text in expected]
    objects = [item for item in wanted_objects if item is not None]
    if not objects or len(objects) < len(expected):
        return found
    given = {side: [json_object(text) for text in answers[side]] for side in SIDES}
    found["json_fields"] = {
        side: _share(got is not None and got.keys() == want.keys() for want, got in zip(objects, given[side], strict=True))
        for side in SIDES
    }
    fields = sorted({name for item in objects for name in item})
    found["json_values"] = {name: {side: _right(name, objects, given[side]) for side in SIDES} for name in fields}
    return found


def json_object(text: str) -> dict[str, Any] | None:
    """The object that `text` is, if it is one and nothing else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _right(name: str, wanted: list[dict[str, Any]], given: list[dict[str, Any] | None]) -> float:
    pairs = [(want[name], got) for want, got in zip(wanted, given, strict=True) if name in want]
    return _share(got is not None and name in got and _equal(got[name], value) for value, got in pairs)


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _share(verdicts: Any) -> float:
    listed = [bool(verdict) for verdict in verdicts]
    return round(sum(listed) / len(listed), 4) if listed else 0.0
