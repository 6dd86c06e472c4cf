"""Files that are empty, cut, packed to deceive or too large."""

import gzip
import json

import pytest

from workers.reader import canonical, jsonarray, table


@pytest.mark.row("D1")
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\n\n\r\n \n", b"\xff\xfe", b"\xef\xbb\xbf\n\n"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "rows.json"])
def test_a_file_without_rows_is_called_that(read, data, name):
    done = read(data, name)
    assert done.ended.fault == "no_rows"
    assert (done.ended.data["cause"], done.ended.data["rows_total"]) == ("empty", 0)
    assert not list((done.folder / "result").glob("*.parquet"))


@pytest.mark.row("D1")
@pytest.mark.parametrize(("data", "name"), [("prompt,response\n", "a.csv"), ("[]", "a.json"), ("[\n", "a.json")])
def test_a_frame_without_rows_has_no_rows_either(read, data, name):
    assert read(data, name).ended.fault == "no_rows"


@pytest.mark.row("D6")
def test_a_torn_last_line_costs_only_itself(read, chat):
    done = read(chat("one?") + chat("two?") + chat("three?")[:-9])
    assert list(done.rows) == [1, 2]
    assert done.verdicts == [(3, "torn_last_line")]


@pytest.mark.row("D6")
def test_a_last_line_without_a_line_end_is_whole(read, chat):
    done = read(chat() + chat().rstrip())
    assert len(done.rows) == 2
    assert done.verdicts == []


@pytest.mark.row("D6")
def test_a_torn_array_keeps_its_whole_elements_and_says_that_it_is_cut(read, chat):
    text = json.dumps([json.loads(chat(str(number))) for number in range(4)])
    done = read(text[:-20], "rows.json")
    assert list(done.rows) == [1, 2, 3]
    assert done.verdicts == [(4, "torn_last_line")]
    assert done.notes("array_not_closed")[0].is_warning


@pytest.mark.row("D6")
def test_an_array_cut_between_elements_says_so(read, chat):
    done = read("[" + chat().strip() + ",\n" + chat().strip() + ",", "rows.json")
    assert len(done.rows) == 2
    assert done.notes("array_not_closed")


@pytest.mark.row("D6")
def test_a_torn_table_row_costs_only_itself(read):
    done = read('prompt,response\none?,yes\ntwo?,"no, bec', "rows.csv")
    assert list(done.rows) == [1]
    assert done.verdicts == [(2, "torn_last_line")]


@pytest.mark.parametrize("broken", ['{"messages": [}', '{"messages": "x', '{"messages": [{"role": "user"', "{]"])
def test_a_broken_element_does_not_spoil_its_neighbours(read, chat, broken):
    good = chat().strip()
    done = read(f"[{good},\n{good},\n{broken},\n{good},\n{good}]", "rows.json")
    assert list(done.rows) == [1, 2, 4, 5]
    assert done.verdicts == [(3, "not_json")]


@pytest.mark.row("D3")
def test_an_endless_line_is_cut_off_with_its_row_number(read, chat):
    long = chat("x" * 3_000_000)
    done = read(chat("one?") + long + chat("three?"))
    assert list(done.rows) == [1, 3]
    assert done.verdicts == [(2, "too_long")]
    assert done.problems[0]["data"] == {"max_bytes": 1_000_000}
    assert len(done.problems[0]["excerpt"]) == 300


@pytest.mark.row("D3")
@pytest.mark.parametrize("text", ["x" * 2_500_000, 'x"[{\\' * 400_000])
def test_an_endless_element_is_cut_off_and_its_neighbours_are_kept(read, chat, text):
    rows = [chat("one?"), chat(text), chat("three?")]
    done = read("[" + ",\n".join(row.strip() for row in rows) + "]", "rows.json")
    assert list(done.rows) == [1, 3]
    assert done.verdicts == [(2, "too_long")]
    assert done.problems[0]["line"] == 2


@pytest.mark.row("D3")
def test_an_endless_table_cell_is_cut_off(read):
    done = read("prompt,response\na,b\n" + "x" * 2_000_000 + ",c\nd,e\n", "rows.csv")
    assert list(done.rows) == [1, 3]
    assert done.verdicts == [(2, "too_long")]


@pytest.mark.row("D3")
def test_a_limit_of_the_order_is_the_limit(read, chat):
    done = read(chat("x" * 500) + chat(), max_row_bytes=400)
    assert done.verdicts == [(1, "too_long")]


@pytest.mark.row("D7")
@pytest.mark.parametrize("filler", [b"\0", b"\n", b"x"])
def test_a_gzip_bomb_is_refused_while_it_unpacks(read, filler):
    ended = read(gzip.compress(filler * 60_000_000, 9)).ended
    assert (ended.fault, ended.data["cause"]) == ("too_large", "ratio")


@pytest.mark.row("D7")
def test_unpacked_bytes_are_capped(read, chat):
    done = read(gzip.compress((chat() * 2000).encode()), max_decompressed_bytes=100_000)
    assert (done.ended.fault, done.ended.data) == ("too_large", {"cause": "bytes", "max_bytes": 100_000})


@pytest.mark.row("D7")
@pytest.mark.parametrize(("damage", "cause"), [("cut", "gzip_cut"), ("flip", "gzip_damaged"), ("tail", "gzip_damaged")])
def test_damaged_gzip_is_refused_whole_since_nobody_knows_what_is_missing(read, chat, damage, cause):
    data = bytearray(gzip.compress("".join(chat(str(number)) for number in range(2000)).encode()))
    if damage == "cut":
        del data[-20:]
    elif damage == "flip":
        data[-5] ^= 255
    else:
        data += b"garbage"
    ended = read(bytes(data)).ended
    assert (ended.fault, ended.data["cause"]) == ("bad_file", cause)


def test_more_rows_than_allowed_are_too_many(read, chat):
    done = read(chat() * 6, max_rows=5)
    assert (done.ended.fault, done.ended.data) == ("too_large", {"cause": "rows", "max_rows": 5})
    assert not list((done.folder / "result").glob("*.parquet"))
    assert read(chat() * 5, max_rows=5).rows


def test_no_good_row_fails_and_shows_the_first_problems(read):
    done = read('{"messages": []}\n' * 12)
    assert done.ended.fault == "no_rows"
    assert done.ended.data["cause"] == "all_bad"
    assert done.ended.data["problem_counts"] == {"no_messages": 12}
    assert [problem["row"] for problem in done.ended.data["problems"]] == [1, 2, 3, 4, 5]


def test_a_file_of_nothing_but_bad_json_lists_its_rows(read):
    done = read("nonsense\n{also}\n", "rows.jsonl")
    assert done.ended.fault == "no_rows"
    assert done.verdicts == [(1, "not_json"), (2, "not_json")]


def test_good_rows_behind_thousands_of_bad_ones_are_found(read, chat):
    done = read("{oops}\n" * 12_000 + chat())
    assert list(done.rows) == [12_001]
    assert done.report["rows_bad"] == 12_000
    assert len(done.problems) == done.report["problems_listed"] == 10_000


@pytest.mark.row("S5")
def test_an_upload_path_leads_nowhere_else(read, job_folder, chat):
    for path in ("/etc/passwd", "../../etc/passwd", "inputs"):
        ended = read(chat(), upload_path=path).ended
        assert ended.fault in ("bad_config", "bad_file"), path


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"validation_share": 1.0}, "validation_share"),
        ({"mapping": {"prompt": "a"}}, "mapping"),
        ({"no": 1}, "spec.json"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(read, chat, order, field):
    ended = read(chat(), **order).ended
    assert (ended.fault, ended.data["field"]) == ("bad_config", field)


def test_a_fault_of_ours_is_called_internal_and_leaves_nothing_half_done(read, chat, monkeypatch):
    def explode(*_arguments):
        raise AssertionError("seeded")

    monkeypatch.setattr(canonical, "good_row", explode)
    done = read(chat())
    assert done.ended.fault == "internal"
    assert not (done.folder / "result").exists()


@pytest.mark.parametrize(("number", "fault"), [(28, "disk_full"), (27, "too_large")])
def test_a_full_disk_is_called_that(read, chat, monkeypatch, number, fault):
    def fail(*_arguments, **_settings):
        raise OSError(number, "seeded")

    monkeypatch.setattr(canonical.CanonicalWriter, "close", fail)
    assert read(chat()).ended.fault == fault


def test_crafted_quotes_are_not_read_again_and_again(read, monkeypatch):
    """Each line leaves a quote open as it closes one, so that each alone swallows all that follow."""
    monkeypatch.setattr(table, "RESCAN_BYTES", 100_000)
    looked_at = []
    text = table._Feed._text
    monkeypatch.setattr(table._Feed, "_text", lambda feed, line: looked_at.append(line) or text(feed, line))
    done = read("prompt,response\n" + 'x","y\n' * 5_000 + "a,b\n", "rows.csv", max_row_bytes=6_000)
    assert done.ended.data["problem_counts"]["unbalanced_quote"] > 2
    assert len(looked_at) < 7_000


def test_crafted_brackets_are_not_read_again_and_again(read, chat, monkeypatch):
    monkeypatch.setattr(jsonarray, "RESCAN_BYTES", 100_000)
    looked_at = []
    parse = jsonarray.from_json
    monkeypatch.setattr(
        jsonarray,
        "from_json",
        lambda number, line, raw, **more: looked_at.append(len(raw)) or parse(number, line, raw, **more),
    )
    done = read("[" + chat().strip() + ',\n{"messages": [' * 5_000 + "]", "rows.json", max_row_bytes=20_000)
    assert list(done.rows) == [1]
    assert sum(looked_at) < 300_000
