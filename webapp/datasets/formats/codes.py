"""The names: formats, shapes, parts, and what may be wrong with a row or doubtful about a mapping."""

import enum
from typing import Any


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
