"""Every code of the reader has its sentence, and the verdict follows the facts."""

from pathlib import Path
from typing import Any

import pytest

from webapp.contract.events import Fault
from webapp.core.findings import Severity
from webapp.datasets import faults, findings, lengths, naming, verdict, words
from webapp.datasets.formats import Doubt, FileFormat, Layout, Part, Problem
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs.models import Job

# What the reader says beside a code (workers/reader).
DATA: dict[Problem, dict[str, Any]] = {
    Problem.UNKNOWN_ROLE: {"role": "narrator"},
    Problem.WRONG_ROLE_ORDER: {"expected": "user", "found": "assistant"},
    Problem.WRONG_TYPE: {"expected": "text", "found": "number"},
    Problem.TOO_LONG: {"max_bytes": 1_000_000},
    Problem.WRONG_COLUMN_COUNT: {"expected": 2, "found": 3},
    Problem.NOT_JSON: {"character": 17},
    Problem.NOT_AN_OBJECT: {"found": "list"},
    Problem.BAD_ENCODING: {"byte": 3},
    Problem.DUPLICATE_KEYS: {},
}


@pytest.mark.parametrize("code", list(Problem))
def test_every_problem_has_title_cause_and_remedy(code: Problem) -> None:
    cause = words.problem_cause({"code": code.value, "data": DATA.get(code, {})})
    for text in (cause, words.problem_remedy(code), words.problem_title(code, 1), words.problem_title(code, 1200)):
        assert text and "%" not in text
    assert words.problem_title(code, 1200).startswith("1,200 rows ")
    assert words.problem_title(code, 1).startswith("1 row ")
    for value in DATA.get(code, {}).values():
        if code not in (Problem.TOO_LONG, Problem.BAD_ENCODING):
            assert str(value) in cause


def test_a_problem_without_its_detail_is_still_a_sentence() -> None:
    assert words.problem_cause({"code": "not_json", "data": {}}) == "The row is not valid JSON."
    assert words.problem_cause({"code": "unknown_role", "data": {"role": None}}) == "A message does not say who speaks."


def test_every_other_name_of_the_reader_has_words() -> None:
    for table, names in (
        (words.FORMATS, FileFormat),
        (words.LAYOUTS, Layout),
        (words.PARTS, Part),
        (words.DOUBTS, Doubt),
    ):
        assert set(table) == set(names)


def test_every_kind_of_file_that_the_reader_recognises_is_named() -> None:
    source = (Path(__file__).parents[3] / "workers" / "reader" / "sniff.py").read_text()
    kinds = {
        line.split('"')[-2]
        for line in source.split("_OTHER_KINDS = (")[1].split("\n)")[0].splitlines()
        if '", "' in line
    }
    assert len(kinds) > 10
    assert kinds | {"text", "binary"} <= set(faults.KINDS)


@pytest.mark.parametrize(
    ("name", "written"),
    [("utf-8", "UTF-8"), ("windows-1252", "Windows-1252"), ("utf-16-le", "UTF-16-LE"), ("shift-jis", "Shift JIS")],
)
def test_encodings_are_written_as_people_do(name: str, written: str) -> None:
    assert words.encoding(name) == written


@pytest.mark.parametrize(
    ("fault", "data", "expected"),
    [
        (Fault.NO_ROWS, {"cause": "empty", "rows_total": 0}, "There are no rows in the file"),
        (Fault.NO_ROWS, {"cause": "all_bad", "rows_total": 12}, "None of its 12 rows can be used."),
        (Fault.TOO_LARGE, {"cause": "rows", "max_rows": 5_000_000}, "more than 5,000,000 rows"),
        (Fault.TOO_LARGE, {"cause": "bytes", "max_bytes": 20_000_000_000}, "more than 20\xa0GB"),
        (Fault.TOO_LARGE, {"cause": "ratio", "max_ratio": 200}, "more than 200 times its size"),
        (Fault.TOO_LARGE, {"cause": "cpu_seconds"}, "took longer"),
        (Fault.TOO_LARGE, {"cause": "memory"}, "more memory"),
        (Fault.BAD_FILE, {"cause": "gzip_cut"}, "ends too early"),
        (Fault.BAD_FILE, {"cause": "gzip_damaged"}, "cannot be unpacked"),
        (Fault.BAD_FILE, {"cause": "reader_died"}, "ended in the middle"),
        (Fault.UNKNOWN_FORMAT, {"seems": "sqlite"}, "an SQLite database"),
        (Fault.UNKNOWN_FORMAT, {"seems": ""}, "no text at all"),
        (Fault.UNKNOWN_FORMAT, {"columns": ["a"], "doubts": ["preference_pairs"]}, "chosen and rejected"),
        (Fault.UNKNOWN_FORMAT, {"columns": ["a"], "missing_columns": ["x", "y"]}, "no columns called “x”, “y”"),
        (Fault.DISK_FULL, {}, "disk"),
        (Fault.INTERNAL, {}, ""),
    ],
)
def test_why_a_file_could_not_be_read(fault: Fault, data: dict[str, Any], expected: str) -> None:
    said = faults.of(Job(kind="read", title="x", fault=fault.value, fault_data=data))
    assert expected.lower() in f"{said.title} {said.meaning}".lower()
    assert said.title and said.meaning and said.remedy
    assert not said.title.endswith(".")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"total": 300, "good": 300, "findings": 0}, "Ready to train on. All 300 rows can be used."),
        (
            {"total": 300, "good": 300, "findings": 1},
            "Ready to train on. One finding could make it better; it does not block.",
        ),
        (
            {"total": 300, "good": 300, "findings": 5},
            "Ready to train on. Five findings could make it better; none of them blocks.",
        ),
        (
            {"total": 1845, "good": 1844, "findings": 1},
            "Ready to train on. One row of 1,845 was left out; the others are good.",
        ),
        (
            {"total": 1845, "good": 1842, "findings": 1},
            "Ready to train on. Three rows of 1,845 were left out; the others are good.",
        ),
        (
            {"total": 20, "good": 20, "findings": 0},
            "It can be trained on, but 20 rows teach little; 200 are a good start.",
        ),
        (
            {"total": 1, "good": 1, "findings": 0},
            "It can be trained on, but one row teaches little; 200 are a good start.",
        ),
        (
            {"total": 300, "good": 149, "findings": 2},
            "Only 149 of 300 rows can be used. Look at what is wrong with the others first.",
        ),
    ],
)
def test_the_verdict_on_a_version(facts: dict[str, int], sentence: str) -> None:
    assert str(verdict.of_ready(**facts)) == sentence


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"total": 0, "ready": 0, "reading": 0}, "Nothing to train on yet. Bring a file of good answers."),
        ({"total": 1, "ready": 1, "reading": 0}, "One dataset, ready to train on."),
        ({"total": 9, "ready": 9, "reading": 0}, "Nine datasets, all ready to train on."),
        ({"total": 9, "ready": 8, "reading": 0}, "Eight of nine datasets can be trained on. One needs a look."),
        ({"total": 9, "ready": 6, "reading": 0}, "Six of nine datasets can be trained on. Three need a look."),
        (
            {"total": 2, "ready": 0, "reading": 0},
            "No dataset can be trained on yet. What is missing stands beside each.",
        ),
        ({"total": 2, "ready": 0, "reading": 1}, "No dataset is ready yet. One file is being read."),
        ({"total": 40, "ready": 40, "reading": 0}, "40 datasets, all ready to train on."),
        ({"total": 9, "ready": 7, "reading": 2}, "Seven datasets are ready. Two files are being read."),
    ],
)
def test_the_verdict_on_the_list(facts: dict[str, int], sentence: str) -> None:
    assert str(verdict.of_list(**facts)) == sentence


def _version(report: dict[str, Any] | None = None, **facts: Any) -> DatasetVersion:
    known = {"rows_good": 300, "rows_total": 300, "validation_rows": 30, "encoding": "utf-8", "validation_share": 0.1}
    return DatasetVersion(dataset=Dataset(name="x"), number=1, report=report or {}, **(known | facts))


def _titles(version: DatasetVersion, severity: Severity) -> list[str]:
    found = findings.of(version, findings.Links(problems="/problems", columns="/columns"))
    return [item.title for item in found if item.severity is severity]


def test_a_good_version_passes_every_check() -> None:
    assert len(_titles(_version(), Severity.PASS)) == 6
    assert _titles(_version(), Severity.WARN) == _titles(_version(), Severity.NOTE) == []


@pytest.mark.parametrize(
    ("report", "facts", "severity", "title"),
    [
        (
            {"problem_counts": {"no_answer": 3}, "problem_rows": {"no_answer": [88, 401, 1377]}},
            {},
            Severity.WARN,
            "3 rows have no answer",
        ),
        ({}, {"rows_good": 12}, Severity.WARN, "There are only 12 rows"),
        ({}, {"rows_good": 120}, Severity.NOTE, "120 rows are few"),
        ({}, {"validation_rows": 0}, Severity.WARN, "Nothing is held back for checking"),
        (
            {},
            {"validation_rows": 0, "validation_share": 0},
            Severity.NOTE,
            "Nothing is held back for checking, as you chose",
        ),
        ({"encoding_found_by": "content"}, {"encoding": "windows-1252"}, Severity.NOTE, "Read as Windows-1252"),
        ({"exact_duplicates": 23}, {}, Severity.NOTE, "23 exact duplicates"),
        ({"unused_columns": ["id", "date"]}, {}, Severity.NOTE, "2 columns are not used"),
        ({"ignored_keys": {"weight": 3}}, {}, Severity.NOTE, "1 field of the messages is not used"),
    ],
)
def test_each_finding_comes_from_its_fact(
    report: dict[str, Any], facts: dict[str, Any], severity: Severity, title: str
) -> None:
    assert _titles(_version(report, **facts), severity) == [title]


def test_rows_are_named_and_the_rest_counted() -> None:
    assert words.rows_named([88], 1) == "Row 88"
    assert words.rows_named([88, 401, 1377], 3) == "Rows 88, 401, 1,377"
    assert words.rows_named([1, 2, 3, 4, 5], 1205) == "Rows 1, 2, 3, 4, 5 and 1,200 more"


def test_the_drawing_of_lengths_counts_every_row_and_leaves_no_gap_out() -> None:
    histogram = [{"up_to": 64, "rows": 10}, {"up_to": 512, "rows": 300}, {"up_to": 1024, "rows": 1}]
    facts = {"histogram": histogram, "median": 400, "p95": 500, "max": 1000}
    chart = lengths.chart({"characters": facts, "longest_rows": [{"row": 7, "characters": 1000}]})
    assert chart is not None
    assert [(bar.above, bar.up_to, bar.rows) for bar in chart.bars] == [
        (32, 64, 10), (64, 128, 0), (128, 256, 0), (256, 512, 300), (512, 1024, 1),
    ]  # fmt: skip
    assert chart.bars[4].height >= 1.5 and chart.bars[1].height == 0
    assert max(bar.height for bar in chart.bars) == chart.bars[3].height
    assert "The longest, row 7, has 1,000." in chart.sentence
    assert lengths.chart({}) is None


@pytest.mark.parametrize(
    ("file_name", "taken", "name"),
    [
        ("claims_2026_q1.jsonl.gz", set(), "claims_2026_q1"),
        ("rows.csv", {"rows", "rows 2"}, "rows 3"),
        (".jsonl", set(), ".jsonl"),
        ("a.b.c.csv", set(), "a.b.c"),
        ("x" * 200 + ".csv", set(), "x" * 80),
        ("\x07\n.csv", set(), "Dataset"),
    ],
)
def test_a_dataset_is_called_like_its_file(file_name: str, taken: set[str], name: str) -> None:
    assert naming.from_file_name(file_name, taken=taken) == name
