"""Rows as a page shows them: long texts folded, and a bound on the whole, whatever a row holds."""

from dataclasses import dataclass
from typing import Any

from webapp.datasets.rows import Row

FOLD_CHARACTERS = 1_200
ROW_CHARACTERS = 40_000
TURNS_SHOWN = 40


@dataclass(frozen=True)
class Message:
    """`head` is shown at once, `rest` behind a fold; `missing` counts the characters that only the download has."""

    role: str
    head: str
    rest: str
    missing: int


@dataclass(frozen=True)
class ShownRow:
    number: int
    is_held_out: bool
    messages: list[Message]
    more_turns: int


def row(found: Row) -> ShownRow:
    left, messages = ROW_CHARACTERS, []
    for said in found.messages[:TURNS_SHOWN]:
        message = _message(said, left)
        left = max(0, left - len(message.head) - len(message.rest))
        messages.append(message)
    return ShownRow(
        number=found.number,
        is_held_out=found.split == "validation",
        messages=messages,
        more_turns=max(0, len(found.messages) - TURNS_SHOWN),
    )


def _message(said: dict[str, Any], left: int) -> Message:
    text = said["content"]
    shown = text[:left]
    # A fold for the last few words would cost more than it saves.
    fold_at = FOLD_CHARACTERS if len(shown) > FOLD_CHARACTERS * 1.25 else len(shown)
    return Message(role=said["role"], head=shown[:fold_at], rest=shown[fold_at:], missing=len(text) - len(shown))
