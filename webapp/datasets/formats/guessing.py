"""Finding out which column holds what, from names and a few values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from webapp.datasets.formats.codes import Doubt, Layout, MappingError, Part


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A mapping found out from names and sample values. Used as it is only when nothing is doubtful."""

    mapping: dict[str, str]
    layout: Layout | None = None
    doubts: tuple[Doubt, ...] = field(default=())

    @property
    def is_confident(self) -> bool:
        return self.layout is not None and not self.doubts


# Column names by part, compared without case and separators. WEAK prompts count only where no strong one is.
_MESSAGES = ("messages", "conversations", "conversation", "chat", "dialog", "dialogue", "turns")
_SYSTEM = ("system", "system_prompt", "system_message")
# fmt: off
_PROMPT = (
    "prompt", "instruction", "question", "query", "request", "user", "user_message", "human",
    "frage", "anfrage", "pregunta", "domanda", "pergunta", "вопрос", "问题", "質問",
)
_RESPONSE = (
    "response", "completion", "output", "answer", "assistant", "assistant_message", "reply", "target",
    "antwort", "respuesta", "réponse", "reponse", "risposta", "resposta", "ответ", "答案", "回答", "答え",
)
# fmt: on
_WEAK_PROMPT = ("input", "context", "text", "message", "source")
_CONTEXT = ("input", "context")
KNOWN_NAMES = frozenset(_MESSAGES + _SYSTEM + _PROMPT + _WEAK_PROMPT + _RESPONSE)


def plain_name(column: str) -> str:
    """A column's name as names are compared: ` System-Prompt` and `system_prompt` are the same."""
    return re.sub(r"[\s_.\-]+", "_", column.strip().casefold())


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Raise MappingError where `mapping` (part → column) does not say what to read."""
    unknown = sorted(set(mapping) - set(Part))
    if unknown:
        raise MappingError("unknown_part", parts=unknown)
    if len(set(mapping.values())) < len(mapping):
        raise MappingError("same_column", columns=sorted(mapping.values()))
    if Part.MESSAGES in mapping:
        others = sorted(set(mapping) - {Part.MESSAGES, Part.SYSTEM})
        if others:
            raise MappingError("contradictory", parts=others)
    elif missing := sorted({Part.PROMPT, Part.RESPONSE} - set(mapping)):
        raise MappingError("incomplete", parts=missing)


def layout_of(mapping: Mapping[str, str], columns: Mapping[str, Sequence[Any]]) -> Layout:
    """What a complete mapping makes of these columns (name → sample values)."""
    if Part.MESSAGES in mapping:
        turns = next((found for value in columns.get(mapping["messages"], ()) if (found := _turns(value))), [])
        return Layout.SHAREGPT if turns and "from" in turns[0] else Layout.CHAT
    is_alpaca = Part.CONTEXT in mapping or plain_name(mapping["prompt"]) == "instruction"
    return Layout.ALPACA if is_alpaca else Layout.PROMPT_RESPONSE


def guess(columns: Mapping[str, Sequence[Any]]) -> Guess:
    """Find a mapping for columns, each with a few of its values; deterministic, never raises."""
    mapping: dict[str, str] = {}
    system = _named(columns, _SYSTEM)
    if system:
        mapping[Part.SYSTEM] = system[0]
    holders = [column for column, values in columns.items() if any(_turns(value) for value in values)]
    named = [column for column in _named(columns, _MESSAGES) if column in holders or _only_lists(columns[column])]
    chats = named or [column for column in holders if plain_name(column) not in _PROMPT + _RESPONSE]
    if chats and plain_name(chats[0]) not in ("chosen", "rejected"):
        mapping[Part.MESSAGES] = chats[0]
        doubts = (Doubt.SEVERAL_CANDIDATES,) if len(chats) > 1 else ()
        return Guess(mapping=mapping, layout=layout_of(mapping, columns), doubts=doubts)
    return _guess_pair(columns, mapping)


def _guess_pair(columns: Mapping[str, Sequence[Any]], mapping: dict[str, str]) -> Guess:
    prompts, responses, doubts = _named(columns, _PROMPT), _named(columns, _RESPONSE), []
    context = _named(columns, _CONTEXT) if prompts else []
    prompts = prompts or _named(columns, _WEAK_PROMPT)
    if len(prompts) > 1 or len(responses) > 1:
        doubts.append(Doubt.SEVERAL_CANDIDATES)
    chosen = _named(columns, ("chosen",))
    if chosen and _named(columns, ("rejected",)):
        doubts.append(Doubt.PREFERENCE_PAIRS)
        responses = responses or chosen
    label = _named(columns, ("label",))
    if label and columns[label[0]] and all(isinstance(value, bool) for value in columns[label[0]]):
        doubts.append(Doubt.LABELLED_ANSWERS)
    rest = [column for column in columns if column not in (*prompts, *responses, *context, *mapping.values())]
    if len(columns) > 1 and rest and (not prompts or not responses):
        doubts.append(Doubt.UNKNOWN_NAMES)
        prompts = prompts or [rest.pop(0)]
        responses = responses or rest[:1]
    if prompts:
        mapping[Part.PROMPT] = prompts[0]
    if context:
        mapping[Part.CONTEXT] = context[0]
    if responses:
        mapping[Part.RESPONSE] = responses[0]
    doubts += [Doubt.NO_PROMPT_COLUMN] * (not prompts) + [Doubt.NO_ANSWER_COLUMN] * (not responses)
    is_complete = bool(prompts and responses)
    return Guess(mapping=mapping, layout=layout_of(mapping, columns) if is_complete else None, doubts=tuple(doubts))


def _named(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> list[str]:
    """The columns that bear one of `names`, best name first."""
    found = [(names.index(name), column) for column in columns if (name := plain_name(column)) in names]
    return [column for _rank, column in sorted(found)]


def _only_lists(values: Sequence[Any]) -> bool:
    """A column of that name with nothing but empty or odd lists still is the conversation."""
    return bool(values) and all(value is None or isinstance(value, list) for value in values)


def _turns(value: Any) -> list[dict[str, Any]]:
    """The value as a list of turns, or [] if it is none. A table's cell may hold the list as JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return []
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        return []
    return value if any("role" in turn or "from" in turn for turn in value) else []
