"""One row becomes a conversation, or the first thing that is wrong with it is said."""

import collections
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from webapp.datasets.formats.codes import Part, Problem, RowProblem
from webapp.datasets.formats.guessing import check_mapping

# Chat roles: aliases as they occur in published datasets, all to the three canonical ones.
CHAT_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter", "customer", "question"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai", "bard", "bing", "answer"), "assistant"),
}
TOOL_ROLES = frozenset({"tool", "function", "function_call", "function_response", "observation", "ipython"})

Turn = tuple[str, str]
"""A canonical message: its role (system, user, assistant) and its text."""


class RowMapper:
    """Turns raw rows into conversations by one mapping.

    `ignored_keys` counts what the turns said beside role and content (a name, a weight, …), because
    nothing that a file says should be dropped without a word.
    """

    def __init__(self, mapping: Mapping[str, str], *, system_prompt: str = "") -> None:
        check_mapping(mapping)
        self.ignored_keys: collections.Counter[str] = collections.Counter()
        self._messages = mapping.get(Part.MESSAGES)
        self._system = mapping.get(Part.SYSTEM)
        self._prompt = mapping.get(Part.PROMPT, "")
        self._context = mapping.get(Part.CONTEXT)
        self._response = mapping.get(Part.RESPONSE, "")
        self._system_prompt = system_prompt

    def conversation(self, row: Mapping[str, Any]) -> list[Turn]:
        """The row's messages, text kept as it is. Raises RowProblem with the first thing wrong."""
        if self._messages is not None:
            column = self._messages
            turns = self._turns(row.get(column), column)
            if not turns:
                raise RowProblem(Problem.NO_MESSAGES, field=column)
            fault = _fault(turns)
            place = f"{column}[{fault.index}]" if fault else ""
        else:
            turns, asked = self._pair(row)
            fault = _fault(turns)
            place = (self._prompt if fault.index < asked else self._response) if fault else ""
        if fault:
            raise RowProblem(fault.code, field=place, **fault.data)
        if turns[0][0] != "system":
            system = _text(row.get(self._system), self._system) if self._system is not None else ""
            if system := system if system.strip() else self._system_prompt:
                turns.insert(0, ("system", system))
        return turns

    def _pair(self, row: Mapping[str, Any]) -> tuple[list[Turn], int]:
        """The turns of a prompt and its response, and how many of them the prompt holds."""
        prompt, response = row.get(self._prompt), row.get(self._response)
        turns = self._turns(prompt, self._prompt) if isinstance(prompt, list) else self._question(row, prompt)
        asked = len(turns)
        if isinstance(response, list):
            turns += self._turns(response, self._response)
        else:
            turns.append(("assistant", _text(response, self._response)))
        if len(turns) == asked or not turns[-1][1].strip():
            raise RowProblem(Problem.NO_ANSWER, field=self._response)
        return turns, asked

    def _question(self, row: Mapping[str, Any], prompt: Any) -> list[Turn]:
        text = _text(prompt, self._prompt)
        if not text.strip():
            raise RowProblem(Problem.NO_USER_TURN, field=self._prompt)
        context = _text(row.get(self._context), self._context) if self._context is not None else ""
        return [("user", f"{text}\n\n{context}" if context.strip() else text)]

    def _turns(self, value: Any, column: str) -> list[Turn]:
        if isinstance(value, str) and value.strip():
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise RowProblem(Problem.NOT_JSON, field=column) from None
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise RowProblem(Problem.WRONG_TYPE, field=column, expected="list", found=_kind(value))
        return [self._turn(turn, f"{column}[{index}]") for index, turn in enumerate(value)]

    def _turn(self, turn: Any, place: str) -> Turn:
        if not isinstance(turn, dict):
            raise RowProblem(Problem.WRONG_TYPE, field=place, expected="object", found=_kind(turn))
        role_key = "role" if "role" in turn else "from"
        content_key = "content" if "content" in turn else "value" if "value" in turn else "text"
        said = turn.get(role_key)
        role = CHAT_ROLES.get(said) if isinstance(said, str) else None
        if role is None:
            role = _role(said, place=f"{place}.{role_key}")
        if len(turn) > 2:
            self._look_beside(turn, {role_key, content_key}, place)
        return role, _text(turn.get(content_key), f"{place}.{content_key}")

    def _look_beside(self, turn: dict[str, Any], known: set[str], place: str) -> None:
        for key in turn.keys() - known:
            if turn[key] in (None, "", [], {}):
                continue
            if key in ("tool_calls", "function_call"):
                raise RowProblem(Problem.TOOL_CALLS, field=f"{place}.{key}")
            if key in self.ignored_keys or len(self.ignored_keys) < 20:
                self.ignored_keys[key[:100]] += 1


def _role(said: Any, *, place: str) -> str:
    """The slow way to a role, for those that are not written exactly as in CHAT_ROLES."""
    name = said.strip().casefold() if isinstance(said, str) else ""
    if name in TOOL_ROLES:
        raise RowProblem(Problem.TOOL_CALLS, field=place, role=name)
    if name not in CHAT_ROLES:
        raise RowProblem(Problem.UNKNOWN_ROLE, field=place, role=None if said is None else str(said)[:50])
    return CHAT_ROLES[name]


def _text(value: Any, place: str) -> str:
    """The value as text: a string, null, or a list of text parts as OpenAI writes them."""
    if isinstance(value, list):
        return "".join(_text_part(part, place) for part in value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RowProblem(Problem.WRONG_TYPE, field=place, expected="text", found=_kind(value))
    if "\x00" in value:
        raise RowProblem(Problem.NUL_CHARACTER, field=place)
    if not value.isascii() and _SURROGATE.search(value):
        raise RowProblem(Problem.LONE_SURROGATE, field=place)
    return value


_SURROGATE = re.compile("[\ud800-\udfff]")


def _text_part(part: Any, place: str) -> str:
    if not isinstance(part, dict):
        raise RowProblem(Problem.WRONG_TYPE, field=place, expected="text", found=_kind(part))
    kind, text = part.get("type", "text"), part.get("text")
    if kind != "text" or not isinstance(text, str):
        found = kind[:50] if isinstance(kind, str) and kind != "text" else _kind(text)
        raise RowProblem(Problem.WRONG_TYPE, field=place, expected="text", found=found)
    return _text(text, place)


@dataclass(frozen=True)
class _Fault:
    index: int
    code: Problem
    data: dict[str, Any]


def _fault(turns: list[Turn]) -> _Fault | None:
    """The first turn that breaks a conversation's shape: [system] (user assistant)+, nothing blank."""
    last = len(turns) - 1
    if not any(role == "user" for role, _content in turns):
        return _Fault(last, Problem.NO_USER_TURN, {})
    expected = "user"
    for index, (role, content) in enumerate(turns):
        if role == "system" and index == 0:
            continue
        if role != expected:
            return _Fault(index, Problem.WRONG_ROLE_ORDER, {"expected": expected, "found": role})
        if index < last and not content.strip():
            return _Fault(index, Problem.EMPTY_CONTENT, {})
        expected = "assistant" if role == "user" else "user"
    if turns[last][0] != "assistant" or not turns[last][1].strip():
        return _Fault(last, Problem.NO_ANSWER, {})
    return None


def _kind(value: Any) -> str:
    """The JSON name of a value's type."""
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "object", list: "list", str: "text", int: "number", float: "number", type(None): "null"}
    return names.get(type(value), type(value).__name__)
