"""Each row of the fault and threat tables has its test, and each test that names a row finds it there."""

import re
from pathlib import Path

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
TABLES = [ROOT / "docs" / "reliability.md", ROOT / "docs" / "security.md"]


def rows_in_tables() -> list[str]:
    return [row for table in TABLES for row in re.findall(r"^\| ([A-Z]\d+) \|", table.read_text(), re.MULTILINE)]


def rows_of_tests() -> set[str]:
    tests = (path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__))
    return {row for path in tests for row in re.findall(r"mark\.row\(\"([A-Z]\d+)\"\)", path.read_text())}


def test_every_row_of_the_tables_has_a_test() -> None:
    assert sorted(set(rows_in_tables()) - rows_of_tests()) == []


def test_every_row_that_a_test_bears_stands_in_a_table() -> None:
    assert sorted(rows_of_tests() - set(rows_in_tables())) == []


def test_no_row_stands_in_the_tables_twice() -> None:
    rows = rows_in_tables()
    assert sorted({row for row in rows if rows.count(row) > 1}) == []
