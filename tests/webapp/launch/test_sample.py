"""The sample dataset keeps its promises: exact fields, known values, and rows that are all different."""

import collections
import itertools
import json
import re
from pathlib import Path

import pytest

from webapp import launch

SAMPLE = Path(launch.__file__).parent / "sample"
FIELDS = ["bike", "part", "problem", "needed"]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
PERSONAL = {
    "an e-mail address": r"\S+@\S+\.\w+",
    "a link": r"https?://|www\.",
    "a long number": r"\d[\d ()/-]{5,}\d",
    "a title before a name": r"\b(Mr|Mrs|Ms|Dr)\b\.?",
}


def read_rows() -> list[dict]:
    return [json.loads(line) for line in (SAMPLE / "workshop.jsonl").read_text().splitlines()]


def messages_of_customers() -> list[str]:
    return [row["messages"][1]["content"] for row in read_rows()]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def shingles(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return set(zip(found, found[1:], found[2:], strict=False)) or {tuple(found)}


def jaccard(one: set, other: set) -> float:
    return len(one & other) / len(one | other)


def values_in_readme() -> dict[str, str]:
    table = re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \|$", (SAMPLE / "README.md").read_text(), re.MULTILINE)
    return dict(table)


def test_every_row_is_a_system_a_user_and_an_assistant_message() -> None:
    rows = read_rows()
    assert len(rows) >= 300
    for row in rows:
        assert list(row) == ["messages"]
        assert [message["role"] for message in row["messages"]] == ["system", "user", "assistant"]
    assert len({row["messages"][0]["content"] for row in rows}) == 1


def test_every_answer_is_an_object_with_exactly_the_four_fields_in_order() -> None:
    for row in read_rows():
        assert list(json.loads(row["messages"][2]["content"])) == FIELDS


@pytest.mark.parametrize("field", FIELDS)
def test_every_value_is_one_that_the_readme_names(field: str) -> None:
    described = values_in_readme()[field]
    known = {re.sub(r" \(.*\)", "", value) for value in described.split(", ")}
    if "a weekday" in known:
        known = (known - {"a weekday"}) | set(WEEKDAYS)
    used = collections.Counter(json.loads(row["messages"][2]["content"])[field] for row in read_rows())
    assert set(used) == known
    assert min(used.values()) >= 5, "a value that is hardly ever shown cannot be learned"


def test_no_message_is_a_near_duplicate_of_another() -> None:
    texts = messages_of_customers()
    sets = [shingles(text) for text in texts]
    worst, one, other = max(
        (jaccard(a, b), texts[i], texts[j]) for (i, a), (j, b) in itertools.combinations(enumerate(sets), 2)
    )
    assert worst < 0.35, f"{one!r} and {other!r} share {worst:.0%} of their word triples"


def test_no_two_messages_begin_with_the_same_three_words() -> None:
    openings = collections.Counter(tuple(words(text)[:3]) for text in messages_of_customers())
    assert [opening for opening, count in openings.items() if count > 1] == []


def test_a_wanted_day_stands_in_the_message_and_only_that_day() -> None:
    days = ["today", "tomorrow", "this week", *WEEKDAYS]
    for row in read_rows():
        text, needed = row["messages"][1]["content"].lower(), json.loads(row["messages"][2]["content"])["needed"]
        named = {day for day in days if re.search(rf"\b{day.lower()}\b", text)}
        assert needed in named or (needed == "any time" and not named), text


@pytest.mark.parametrize("what", PERSONAL)
def test_no_message_carries_personal_data(what: str) -> None:
    assert [text for text in messages_of_customers() if re.search(PERSONAL[what], text)] == []
