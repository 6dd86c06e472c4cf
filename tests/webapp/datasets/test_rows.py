"""Rows are read a row group at a time and paged by their number."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webapp.artifacts import actions as artifacts
from webapp.datasets import queries, rows, showing
from webapp.datasets.rows import Row

pytestmark = pytest.mark.django_db
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
_SCHEMA = pa.schema([("row", pa.int64()), ("messages", pa.list_(_MESSAGE))])


def _write(path: Path, numbers: list[int], group_rows: int) -> Path:
    messages = [[{"role": "user", "content": f"Q{n}"}, {"role": "assistant", "content": f"A{n}"}] for n in numbers]
    pq.write_table(pa.table({"row": numbers, "messages": messages}, schema=_SCHEMA), path, row_group_size=group_rows)
    return path


@pytest.fixture
def files(tmp_path: Path, team: Any) -> rows.Files:
    """Rows 1 to 100 without every ninth, which is a bad one; every fifth is held out; groups of seven."""
    good = [number for number in range(1, 101) if number % 9]
    train, held_out = [n for n in good if n % 5], [n for n in good if n % 5 == 0]
    paths = {
        "train.parquet": _write(tmp_path / "train", train, 7),
        "validation.parquet": _write(tmp_path / "validation", held_out, 7),
    }
    return queries.files(artifacts.make_bundle(team=team, kind="dataset", files=paths))


GOOD = [number for number in range(1, 101) if number % 9]


def _numbers(page: rows.RowPage) -> list[int]:
    return [row.number for row in page.rows]


@pytest.mark.parametrize("size", [1, 4, 10, 200])
def test_going_forward_meets_every_row_once_in_the_order_of_the_file(files: rows.Files, size: int) -> None:
    met, after = [], 0
    while True:
        page = rows.page(files, size=size, after=after)
        met += _numbers(page)
        if page.after is None:
            break
        after = page.after
    assert met == GOOD


@pytest.mark.parametrize("size", [1, 4, 10])
def test_going_back_meets_the_same_pages(files: rows.Files, size: int) -> None:
    page = rows.page(files, size=size, after=60)
    back = rows.page(files, size=size, before=page.rows[0].number)
    assert _numbers(back) == [number for number in GOOD if number <= 60][-size:]
    assert back.after == _numbers(back)[-1]


def test_the_ends_have_no_neighbour(files: rows.Files) -> None:
    first, last = rows.page(files, size=4), rows.page(files, size=4, after=GOOD[-3])
    assert (first.before, first.after) == (None, 4)
    assert (last.before, last.after) == (98, None)
    assert rows.page(files, size=4, before=5).before is None
    assert rows.page(files, size=200).after is None


def test_one_split_shows_its_rows_alone(files: rows.Files) -> None:
    page = rows.page(files, size=3, split="validation", after=5)
    assert _numbers(page) == [10, 15, 20]
    assert {row.split for row in page.rows} == {"validation"}
    assert _numbers(rows.page(files, size=3, split="nonsense")) == [1, 2, 3]


def test_a_number_between_two_rows_leads_to_the_next(files: rows.Files) -> None:
    assert _numbers(rows.page(files, size=1, after=8)) == [10]
    assert _numbers(rows.page(files, size=1, before=10)) == [8]
    assert _numbers(rows.page(files, size=1, after=10**9)) == []


def test_a_page_reads_only_the_groups_it_needs(files: rows.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    group = rows._group
    monkeypatch.setattr(rows, "_group", lambda table, number: read.append(number) or group(table, number))
    rows.page(files, size=2, split="train", after=80)
    assert len(read) <= 2


def test_every_row_comes_once_and_in_order(files: rows.Files) -> None:
    assert [row.number for row in rows.every(files)] == GOOD


def test_an_empty_split_is_no_error(tmp_path: Path, team: Any) -> None:
    paths = {
        "train.parquet": _write(tmp_path / "train", [1, 2], 7),
        "validation.parquet": _write(tmp_path / "validation", [], 7),
    }
    found = queries.files(artifacts.make_bundle(team=team, kind="dataset", files=paths))
    assert _numbers(rows.page(found, size=5)) == [1, 2]
    assert _numbers(rows.page(found, size=5, split="validation")) == []


def _row(*contents: str) -> showing.ShownRow:
    return showing.row(Row(1, "train", [{"role": "user", "content": content} for content in contents]))


def test_a_long_text_is_folded_and_a_huge_one_is_left_to_the_download() -> None:
    short, long, huge = "x" * 1_300, "y" * 9_000, "z" * 900_000
    messages = _row(short, long, huge).messages
    assert (messages[0].head, messages[0].rest) == (short, "")
    assert (messages[1].head + messages[1].rest, len(messages[1].head)) == (long, showing.FOLD_CHARACTERS)
    shown = sum(len(message.head) + len(message.rest) for message in messages)
    assert shown == showing.ROW_CHARACTERS
    assert messages[2].missing == len(short + long + huge) - shown


def test_a_row_of_ten_thousand_turns_shows_the_first() -> None:
    shown = _row(*["hello"] * 10_000)
    assert (len(shown.messages), shown.more_turns) == (showing.TURNS_SHOWN, 10_000 - showing.TURNS_SHOWN)
