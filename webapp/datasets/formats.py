"""What a file of examples may look like, and how one of its rows becomes a conversation.

Pure: no files, no Django. The reader uses it on millions of untrusted rows, the web tier on a
form's preview; so both agree on every name. Words for people live in the web tier.
"""

import collections
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson


class FileFormat(enum.StrEnum):
    """How rows lie in the file. Each may be gzipped."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


class Layout(enum.StrEnum):
    """What the rows hold, by the names the field gives these shapes."""

    CHAT = "chat"
    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    PROMPT_RESPONSE = "prompt_response"


class Part(enum.StrEnum):
    """What a column can be mapped to. A complete mapping has MESSAGES, or PROMPT and RESPONSE."""

    MESSAGES = "messages"
    SYSTEM = "system"
    PROMPT = "prompt"
    CONTEXT = "context"
    RESPONSE = "response"


class Problem(enum.StrEnum):
    """Why one row cannot be used. The file's other rows are kept."""

    NOT_JSON = "not_json"
    """The row is not valid JSON; `data["character"]` says where it stops making sense."""
    NOT_AN_OBJECT = "not_an_object"
    """Valid JSON, but a list, text or number where an object `{…}` with named fields belongs."""
    DUPLICATE_KEYS = "duplicate_keys"
    """An object names the same field twice, so nobody can say which of the two is meant."""
    DEPTH = "depth"
    """Lists or objects are nested about a thousand deep or more."""
    BAD_NUMBER = "bad_number"
    """NaN, Infinity, or a number too large for any program to hold."""
    BAD_ENCODING = "bad_encoding"
    """Bytes that are no text in the file's encoding."""
    LONE_SURROGATE = "lone_surrogate"
    r"""Half a character, such as `\ud83d` without its partner: text that was cut in the middle of an emoji."""
    NUL_CHARACTER = "nul_character"
    """The character U+0000, which text never needs and databases refuse."""
    TOO_LONG = "too_long"
    """The row has more bytes than `data["max_bytes"]`."""
    TORN_LAST_LINE = "torn_last_line"
    """The file ends in the middle of this row: it was cut while it was written or copied."""
    UNBALANCED_QUOTE = "unbalanced_quote"
    """A quotation mark opens a table cell and nothing closes it."""
    NOT_CSV = "not_csv"
    """A stray control character breaks the table row apart."""
    WRONG_COLUMN_COUNT = "wrong_column_count"
    """A table row has more cells than the header has names."""
    NO_MESSAGES = "no_messages"
    """The list of messages is missing or empty."""
    NO_USER_TURN = "no_user_turn"
    """Nobody asks: the prompt is missing or blank, or no message is the user's."""
    NO_ANSWER = "no_answer"
    """Nobody answers: the response is missing or blank, or the last message is not the assistant's."""
    EMPTY_CONTENT = "empty_content"
    """A message in the middle has no text."""
    UNKNOWN_ROLE = "unknown_role"
    """A message's role is not one of system, user and assistant or their known aliases."""
    WRONG_ROLE_ORDER = "wrong_role_order"
    """Roles must be: at most one system message, then user and assistant by turns."""
    WRONG_TYPE = "wrong_type"
    """A field holds something else than `data["expected"]`."""
    TOOL_CALLS = "tool_calls"
    """The conversation calls tools, which training does not cover."""


class Doubt(enum.StrEnum):
    """Why a guessed mapping needs a person's eye."""

    UNKNOWN_NAMES = "unknown_names"
    """The names say nothing; the guess goes by position."""
    SEVERAL_CANDIDATES = "several_candidates"
    """More than one column could be the same part."""
    PREFERENCE_PAIRS = "preference_pairs"
    """Chosen and rejected answers side by side; only the chosen one would be learned."""
    LABELLED_ANSWERS = "labelled_answers"
    """A yes/no column marks good and bad answers; the bad ones would be learned too."""
    NO_ANSWER_COLUMN = "no_answer_column"
    """Nothing looks like the answer to learn."""
    NO_PROMPT_COLUMN = "no_prompt_column"
    """Nothing looks like the question."""


class RowProblem(Exception):
    """One row cannot be used: `code`, the place in it (`field`), and `data` for the sentence."""

    def __init__(self, code: Problem, *, field: str = "", **data: Any) -> None:
        super().__init__(code, field, data)
        self.code, self.field, self.data = code, field[:200], data


class MappingError(ValueError):
    """A mapping cannot work. `code` is "unknown_part", "incomplete", "contradictory" or "same_column"."""

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code, self.data = code, data


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A mapping found out from names and sample values. Used as it is only when nothing is doubtful."""

    mapping: dict[str, str]
    layout: Layout | None = None
    doubts: tuple[Doubt, ...] = field(default=())

    @property
    def is_confident(self) -> bool:
        return self.layout is not None and not self.doubts


# Chat roles: aliases as they occur in published datasets, all to the three canonical ones.
CHAT_ROLES = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter", "customer", "question"), "user"),
    **dict.fromkeys(("assistant", "gpt", "chatgpt", "model", "bot", "ai", "bard", "bing", "answer"), "assistant"),
}
TOOL_ROLES = frozenset({"tool", "function", "function_call", "function_response", "observation", "ipython"})

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
