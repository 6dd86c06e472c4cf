"""What the reader's codes mean, in sentences: cause, place and remedy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from webapp.core import units
from webapp.datasets.formats import Doubt, FileFormat, Layout, Part, Problem

Words = str | Promise


@dataclass(frozen=True)
class ProblemWords:
    """`title` counts the rows that have it; `cause` is about one row; `remedy` says what to do."""

    title: Any
    cause: Words
    remedy: Words


PROBLEMS: dict[Problem, ProblemWords] = {
    Problem.NO_ANSWER: ProblemWords(
        ngettext_lazy("%(n)s row has no answer", "%(n)s rows have no answer", "count"),
        gettext_lazy("Nobody answers: the answer is missing or blank."),
        gettext_lazy("Write the answer that you would like to get, or delete the row."),
    ),
    Problem.NO_USER_TURN: ProblemWords(
        ngettext_lazy("%(n)s row has no question", "%(n)s rows have no question", "count"),
        gettext_lazy("Nobody asks: the question is missing or blank."),
        gettext_lazy("Write the question that belongs to the answer, or delete the row."),
    ),
    Problem.NO_MESSAGES: ProblemWords(
        ngettext_lazy("%(n)s row has no messages", "%(n)s rows have no messages", "count"),
        gettext_lazy("The list of messages is missing or empty."),
        gettext_lazy("Give the row at least a question and an answer, or delete it."),
    ),
    Problem.EMPTY_CONTENT: ProblemWords(
        ngettext_lazy("%(n)s row has an empty message", "%(n)s rows have an empty message", "count"),
        gettext_lazy("A message in the middle of the conversation has no text."),
        gettext_lazy("Write its text, or take the message out together with the one it answers."),
    ),
    Problem.UNKNOWN_ROLE: ProblemWords(
        ngettext_lazy("%(n)s row has an unknown role", "%(n)s rows have an unknown role", "count"),
        gettext_lazy("A message is said by “%(role)s”, which is no known role."),
        gettext_lazy("Use system, user and assistant."),
    ),
    Problem.WRONG_ROLE_ORDER: ProblemWords(
        ngettext_lazy("%(n)s row has its turns out of order", "%(n)s rows have their turns out of order", "count"),
        gettext_lazy("Here “%(expected)s” should speak, and “%(found)s” does."),
        gettext_lazy("Let user and assistant take turns, after at most one system message at the beginning."),
    ),
    Problem.WRONG_TYPE: ProblemWords(
        ngettext_lazy("%(n)s row has a field of the wrong kind", "%(n)s rows have a field of the wrong kind", "count"),
        gettext_lazy("The field should hold %(expected)s and holds %(found)s."),
        gettext_lazy("Correct the field, or delete the row."),
    ),
    Problem.TOOL_CALLS: ProblemWords(
        ngettext_lazy("%(n)s row calls tools", "%(n)s rows call tools", "count"),
        gettext_lazy("The conversation calls tools or holds what they returned, which training does not cover."),
        gettext_lazy("Leave such rows out, or keep only the parts between people and assistant."),
    ),
    Problem.NOT_JSON: ProblemWords(
        ngettext_lazy("%(n)s row is not valid JSON", "%(n)s rows are not valid JSON", "count"),
        gettext_lazy("The row is not valid JSON; it stops making sense at character %(character)s."),
        gettext_lazy("Look there for a missing quotation mark, comma or bracket."),
    ),
    Problem.NOT_AN_OBJECT: ProblemWords(
        ngettext_lazy("%(n)s row has no named fields", "%(n)s rows have no named fields", "count"),
        gettext_lazy("The row is valid JSON, but %(found)s where an object {…} with named fields belongs."),
        gettext_lazy("Write the row as an object."),
    ),
    Problem.DUPLICATE_KEYS: ProblemWords(
        ngettext_lazy("%(n)s row names a field twice", "%(n)s rows name a field twice", "count"),
        gettext_lazy("The same field is named twice, so nobody can say which of the two is meant."),
        gettext_lazy("Keep one of the two."),
    ),
    Problem.DEPTH: ProblemWords(
        ngettext_lazy("%(n)s row is nested too deep", "%(n)s rows are nested too deep", "count"),
        gettext_lazy("Lists or objects lie in each other about a thousand deep."),
        gettext_lazy("Write the row flat."),
    ),
    Problem.BAD_NUMBER: ProblemWords(
        ngettext_lazy("%(n)s row holds an impossible number", "%(n)s rows hold an impossible number", "count"),
        gettext_lazy("The row holds NaN, Infinity or a number that is too large for any program."),
        gettext_lazy("Write an ordinary number, or null."),
    ),
    Problem.BAD_ENCODING: ProblemWords(
        ngettext_lazy("%(n)s row has damaged characters", "%(n)s rows have damaged characters", "count"),
        gettext_lazy("The row holds bytes that are no text in the file's encoding."),
        gettext_lazy("Save the file as UTF-8 where it comes from, and upload it again."),
    ),
    Problem.LONE_SURROGATE: ProblemWords(
        ngettext_lazy("%(n)s row holds half a character", "%(n)s rows hold half a character", "count"),
        gettext_lazy("Text was cut in the middle of an emoji or another rare character."),
        gettext_lazy("Remove what is left of it, or write the character anew."),
    ),
    Problem.NUL_CHARACTER: ProblemWords(
        ngettext_lazy("%(n)s row holds a NUL character", "%(n)s rows hold a NUL character", "count"),
        gettext_lazy("The invisible character U+0000 stands in the text, which text never needs."),
        gettext_lazy("Remove it, usually by exporting the file once more."),
    ),
    Problem.TOO_LONG: ProblemWords(
        ngettext_lazy("%(n)s row is too long", "%(n)s rows are too long", "count"),
        gettext_lazy("The row is longer than %(max_bytes)s."),
        gettext_lazy("Shorten it, or split it into several conversations."),
    ),
    Problem.TORN_LAST_LINE: ProblemWords(
        ngettext_lazy("%(n)s row is cut off", "%(n)s rows are cut off", "count"),
        gettext_lazy("The file ends in the middle of this row: it was cut while it was written or copied."),
        gettext_lazy("Export or copy the file again; more than this row may be missing."),
    ),
    Problem.UNBALANCED_QUOTE: ProblemWords(
        ngettext_lazy("%(n)s row has an open quotation mark", "%(n)s rows have an open quotation mark", "count"),
        gettext_lazy("A quotation mark opens a cell and nothing closes it."),
        gettext_lazy("Close it, or double a quotation mark that belongs to the text."),
    ),
    Problem.NOT_CSV: ProblemWords(
        ngettext_lazy("%(n)s row breaks the table", "%(n)s rows break the table", "count"),
        gettext_lazy("A stray control character breaks the row apart."),
        gettext_lazy("Remove it, or export the table once more."),
    ),
    Problem.WRONG_COLUMN_COUNT: ProblemWords(
        ngettext_lazy("%(n)s row has too many cells", "%(n)s rows have too many cells", "count"),
        gettext_lazy("The row has %(found)s cells, and the header names %(expected)s."),
        gettext_lazy("Put quotation marks around text that holds the separator."),
    ),
}

FORMATS: dict[FileFormat, Words] = {
    FileFormat.JSONL: gettext_lazy("JSON lines"),
    FileFormat.JSON: gettext_lazy("JSON"),
    FileFormat.CSV: gettext_lazy("CSV table"),
    FileFormat.TSV: gettext_lazy("Tab-separated table"),
}
LAYOUTS: dict[Layout, Words] = {
    Layout.CHAT: gettext_lazy("chat messages"),
    Layout.SHAREGPT: gettext_lazy("ShareGPT conversations"),
    Layout.ALPACA: gettext_lazy("Alpaca instructions"),
    Layout.PROMPT_RESPONSE: gettext_lazy("questions and answers"),
}
DELIMITERS: dict[str, Words] = {
    ",": gettext_lazy("separated by commas"),
    ";": gettext_lazy("separated by semicolons"),
    "\t": gettext_lazy("separated by tabs"),
    "|": gettext_lazy("separated by bars"),
}
PARTS: dict[Part, Words] = {
    Part.PROMPT: gettext_lazy("Question"),
    Part.RESPONSE: gettext_lazy("Answer"),
    Part.CONTEXT: gettext_lazy("Context, put below the question"),
    Part.SYSTEM: gettext_lazy("Instruction to the assistant"),
    Part.MESSAGES: gettext_lazy("Whole conversation"),
}
DOUBTS: dict[Doubt, Words] = {
    Doubt.UNKNOWN_NAMES: gettext_lazy("The columns' names do not say what is in them; the choice below is a guess."),
    Doubt.SEVERAL_CANDIDATES: gettext_lazy("More than one column could hold the same part."),
    Doubt.PREFERENCE_PAIRS: gettext_lazy(
        "The file holds chosen and rejected answers side by side. Only the chosen one would be learned."
    ),
    Doubt.LABELLED_ANSWERS: gettext_lazy(
        "A yes/no column seems to mark good and bad answers. All would be learned, the bad ones too: take those out "
        "of the file first, if you do not want them."
    ),
    Doubt.NO_ANSWER_COLUMN: gettext_lazy("No column looks like the answers to learn."),
    Doubt.NO_PROMPT_COLUMN: gettext_lazy("No column looks like the questions."),
}


def problem_title(code: str, count: int) -> str:
    return str(PROBLEMS[Problem(code)].title % {"count": count, "n": units.number(count)})


def problem_cause(problem: Mapping[str, Any]) -> str:
    """One row's problem as the reader listed it: `{"code", "data", …}`."""
    data = dict(problem.get("data") or {})
    if "max_bytes" in data:
        data["max_bytes"] = units.filesize(data["max_bytes"])
    if problem["code"] == Problem.NOT_JSON and "character" not in data:
        return _("The row is not valid JSON.")
    if problem["code"] == Problem.UNKNOWN_ROLE and data.get("role") is None:
        return _("A message does not say who speaks.")
    return str(PROBLEMS[Problem(problem["code"])].cause) % data


def problem_remedy(code: str) -> str:
    return str(PROBLEMS[Problem(code)].remedy)


def encoding(name: str) -> str:
    """The name of an encoding as people write it: UTF-8, Windows-1252."""
    special = {"gb18030": "GB 18030", "koi8-r": "KOI8-R", "macintosh": "Mac Roman", "shift-jis": "Shift JIS"}
    if name in special:
        return special[name]
    return name.capitalize() if name.startswith("windows") else name.upper()


def read_as(version: Any) -> str:
    """How the file was read, in a few words: "CSV table, separated by semicolons, Windows-1252"."""
    report = version.report
    parts = [str(FORMATS.get(version.format, version.format)), str(DELIMITERS.get(report.get("delimiter", ""), ""))]
    parts.append(encoding(version.encoding))
    if report.get("compression"):
        parts.append(_("unpacked from gzip"))
    return ", ".join(part for part in parts if part)


def rows_named(numbers: list[int], count: int) -> str:
    """ "Row 88", "Rows 88, 401 and 3 more"."""
    named = ", ".join(units.number(number) for number in numbers)
    if count <= len(numbers):
        return ngettext("Row %(rows)s", "Rows %(rows)s", len(numbers)) % {"rows": named}
    more = units.number(count - len(numbers))
    return _("Rows %(rows)s and %(more)s more") % {"rows": named, "more": more}
