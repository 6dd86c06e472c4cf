"""Whatever stands between them, good rows come out as they went in."""

import csv
import io
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30).filter(
    str.strip
)
pairs = st.tuples(text, text)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def row(pair):
    turns = [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
    return {"messages": turns}


def said(done):
    return [(turns[0][1], turns[1][1]) for turns in done.rows.values()]


noise = st.one_of(
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")),
    st.sampled_from([b"{", b"[", b'"', b"\\", b"{}", b"[]", b"null", b'{"messages": 1}', b"\xff\xfe", b"\0", b" "]),
)


@quick
@given(st.lists(st.one_of(pairs, noise), min_size=1, max_size=12), st.booleans())
def test_among_any_lines(read, lines, is_ascii):
    pairs_in = [line for line in lines if isinstance(line, tuple)]
    data = [
        json.dumps(row(line), ensure_ascii=is_ascii).encode() if isinstance(line, tuple) else line for line in lines
    ]
    done = read(json.dumps(row(("first", "row"))).encode() + b"\n" + b"\n".join(data), "rows.jsonl")
    assert said(done) == [("first", "row"), *pairs_in]
    assert done.report["rows_bad"] <= len(lines) - len(pairs_in)


@quick
@given(st.lists(pairs, min_size=1, max_size=12), st.sampled_from([None, 1]), st.integers(1, 50))
def test_in_an_array_wherever_it_is_cut_into_chunks(read, rows, indent, chunk_bytes):
    from workers.reader import source

    usual, source.CHUNK_BYTES = source.CHUNK_BYTES, chunk_bytes
    try:
        done = read(json.dumps([row(pair) for pair in rows], indent=indent, ensure_ascii=False), "rows.json")
    finally:
        source.CHUNK_BYTES = usual
    assert said(done) == rows


@quick
@given(st.lists(pairs, min_size=1, max_size=12), st.sampled_from(",;\t|"))
def test_in_a_table(read, rows, delimiter):
    rows = [tuple(cell.replace("\r", "") or "x" for cell in pair) for pair in rows]
    rows = [pair for pair in rows if all(cell.strip() for cell in pair)] or [("a", "b")]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("prompt", "response"), *rows])
    done = read(out.getvalue(), "rows.csv")
    assert said(done) == rows


@quick
@given(st.binary(max_size=400), st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt", "a.gz"]))
def test_any_bytes_at_all_end_with_a_last_word_that_is_not_our_fault(read, data, name):
    done = read(data, name)
    assert done.ended.fault in (None, "no_rows", "unknown_format", "bad_file", "too_large")


@quick
@given(st.text('{}[]",:\\ \nmessagsrol019', max_size=200), st.sampled_from(["a.jsonl", "a.json", "a.csv"]))
def test_near_misses_of_json_and_csv_end_with_a_last_word_too(read, text, name):
    assert read(text, name).ended.fault in (None, "no_rows", "unknown_format")
