"""Answers as a page shows them: question, base, adapter and what was expected, each with what to look at. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class Answer:
    """`mark` is pass, fail or empty, as the cells of app.css are called."""

    text: str
    says: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Sample:
    row: int
    question: str
    turns_before: int
    base: Answer
    adapter: Answer
    expected: Answer


def of(kept: Mapping[str, Any]) -> Sample:
    """A sample as `actions.finish` keeps it."""
    turns = [turn for turn in kept["prompt"] if turn["role"] != "system"]
    return Sample(
        row=kept["row"],
        question=turns[-1]["content"] if turns else "",
        turns_before=len(turns) - 1,
        base=_judged(kept, "base"),
        adapter=_judged(kept, "adapter"),
        expected=Answer(kept["expected"]),
    )


def _judged(kept: Mapping[str, Any], side: str) -> Answer:
    text, expected = kept[side], kept["expected"]
    if text.strip() == expected.strip():
        return Answer(text, _("as expected"), "pass")
    if kept.get(f"{side}_is_cut"):
        return Answer(text, _("did not come to an end"), "fail")
    wanted, given = _json_object(expected), _json_object(text)
    if wanted is None:
        return Answer(text)
    if given is None:
        return Answer(text, _("not the expected form"), "fail")
    wrong = [name for name in wanted if given.get(name) != wanted[name]]
    names = get_text_list([f"“{name}”" for name in wrong], _("and"))
    if wrong:
        return Answer(text, ngettext("%s differs", "%s differ", len(wrong)) % names, "part")
    extra = given.keys() - wanted.keys()
    return Answer(text, _("has more than was expected"), "part") if extra else Answer(text, _("as expected"), "pass")


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
