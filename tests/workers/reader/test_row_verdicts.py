"""One bad row among good ones: the right verdict, the right place, the others kept."""

import json

import pytest

DEEP = '{"messages": ' + "[" * 100_000 + "]" * 100_000 + "}"
ENDLESS_NUMBER = '{"messages": ' + "9" * 900_000 + "}"


@pytest.mark.parametrize(
    ("row", "code", "data"),
    [
        ("{oops}", "not_json", {"character": 2}),
        ('{"a": 1} x', "not_json", {"character": 10}),
        ("[1, 2]", "not_an_object", {"found": "list"}),
        ('"text"', "not_an_object", {"found": "text"}),
        ("null", "not_an_object", {"found": "null"}),
        pytest.param(DEEP, "depth", {}, marks=pytest.mark.row("D4"), id="nested 100,000 deep"),
        pytest.param("[" * 100_000, "depth", {}, marks=pytest.mark.row("D4"), id="opened 100,000 times"),
        pytest.param('{"a": NaN}', "bad_number", {}, marks=pytest.mark.row("D5")),
        pytest.param('{"a": -Infinity}', "bad_number", {}, marks=pytest.mark.row("D5")),
        pytest.param('{"a": 1e999}', "bad_number", {}, marks=pytest.mark.row("D5")),
        pytest.param(ENDLESS_NUMBER, "bad_number", {}, marks=pytest.mark.row("D5"), id="900,000 digits"),
        pytest.param(r'{"a": "\ud83d"}', "lone_surrogate", {}, marks=pytest.mark.row("D2")),
        pytest.param('{"a": "x\x00"}', "nul_character", {"character": 9}, marks=pytest.mark.row("D2")),
    ],
)
def test_a_row_that_is_no_object(read, chat, row, code, data):
    done = read(chat("one?") + row + "\n" + chat("three?"))
    assert list(done.rows) == [1, 3]
    assert done.verdicts == [(2, code)]
    assert done.problems[0]["data"] == data


@pytest.mark.row("D5")
@pytest.mark.parametrize(
    "row",
    [
        '{"messages": [], "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
        '{"messages": [{"role": "user", "content": "a", "content": "c"}, {"role": "assistant", "content": "b"}]}',
        '{"messages" : [{"role" : "user", "role" : "user", "content":"\\":"}, {"role":"assistant","content":"b"}]}',
    ],
)
def test_a_name_said_twice_is_never_half_believed(read, chat, row):
    done = read(chat() + row)
    assert done.verdicts == [(2, "duplicate_keys")]


@pytest.mark.row("D5")
def test_text_that_looks_like_names_is_no_duplicate(read, chat):
    tricky = '{"a": 1, "a": 2}\\":":'
    assert read(chat(tricky, tricky)).rows == {1: [("user", tricky), ("assistant", tricky)]}


@pytest.mark.row("D2")
def test_nul_in_an_escape_is_found_in_the_field_that_holds_it(read, chat):
    done = read(chat() + chat("one?", "a\x00b"))
    assert done.problems[0]["code"] == "nul_character"
    assert done.problems[0]["field"] == "messages[1].content"


@pytest.mark.row("D2")
def test_nul_in_a_column_that_is_not_read_reaches_no_document(read, chat):
    done = read(chat(comment="a\x00b", tag="\u0000"))
    assert len(done.rows) == 1
    for path in (done.folder / "result").glob("*.json*"):
        assert "\\u0000" not in path.read_text()
        assert "\x00" not in path.read_text()


@pytest.mark.row("D11")
@pytest.mark.parametrize(
    ("turns", "code", "field"),
    [
        (None, "no_messages", "messages"),
        ([], "no_messages", "messages"),
        ("hello", "not_json", "messages"),
        (7, "wrong_type", "messages"),
        (["hello"], "wrong_type", "messages[0]"),
        ([("system", "s"), ("assistant", "b")], "no_user_turn", "messages[1]"),
        ([("user", "a")], "no_answer", "messages[0]"),
        ([("user", "a"), ("assistant", "")], "no_answer", "messages[1]"),
        ([("user", "a"), ("assistant", " \n")], "no_answer", "messages[1]"),
        ([("user", "a"), ("assistant", None)], "no_answer", "messages[1]"),
        ([("user", "a"), ("assistant", "b"), ("user", "c")], "no_answer", "messages[2]"),
        ([("user", None), ("assistant", "b")], "empty_content", "messages[0]"),
        ([("user", "a"), ("assistant", ""), ("user", "c"), ("assistant", "d")], "empty_content", "messages[1]"),
        ([("assistant", "a"), ("user", "b"), ("assistant", "c")], "wrong_role_order", "messages[0]"),
        ([("user", "a"), ("user", "b"), ("assistant", "c")], "wrong_role_order", "messages[1]"),
        ([("user", "a"), ("system", "b"), ("assistant", "c")], "wrong_role_order", "messages[1]"),
        ([("wizard", "a"), ("assistant", "b")], "unknown_role", "messages[0].role"),
        ([(None, "a"), ("assistant", "b")], "unknown_role", "messages[0].role"),
        ([("user", "a"), ("tool", "b"), ("assistant", "c")], "tool_calls", "messages[1].role"),
        ([("user", 5), ("assistant", "b")], "wrong_type", "messages[0].content"),
        ([("user", {"a": 1}), ("assistant", "b")], "wrong_type", "messages[0].content"),
        ([("user", [{"type": "image_url"}]), ("assistant", "b")], "wrong_type", "messages[0].content"),
    ],
)
def test_a_conversation_that_cannot_be_learned(read, chat, turns, code, field):
    if isinstance(turns, list):
        turns = [{"role": turn[0], "content": turn[1]} if isinstance(turn, tuple) else turn for turn in turns]
    done = read(chat("one?") + json.dumps({"messages": turns}) + "\n" + chat("three?"))
    assert list(done.rows) == [1, 3]
    assert [(problem["row"], problem["code"], problem["field"]) for problem in done.problems] == [(2, code, field)]


@pytest.mark.row("D11")
def test_tool_calls_are_named(read, chat):
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    done = read(chat() + json.dumps({"messages": [{"role": "user", "content": "a"}, call]}))
    assert done.problems[0]["code"] == "tool_calls"
    assert done.problems[0]["field"] == "messages[1].tool_calls"


@pytest.mark.row("D11")
def test_ten_thousand_turns_are_one_good_row(read):
    turns = [{"role": ("user", "assistant")[index % 2], "content": "x"} for index in range(10_000)]
    done = read(json.dumps({"messages": turns}))
    assert len(done.rows[1]) == 10_000
    assert done.report["turns"] == {"1000": 1}


def test_a_row_without_an_answer_is_listed_and_the_others_are_kept(read):
    rows = [
        {"prompt": "a", "completion": "b"},
        {"prompt": "c"},
        {"prompt": "d", "completion": " "},
        {"completion": "e"},
    ]
    done = read("\n".join(json.dumps(row) for row in rows))
    assert list(done.rows) == [1]
    assert [(problem["row"], problem["code"], problem["field"]) for problem in done.problems] == [
        (2, "no_answer", "completion"),
        (3, "no_answer", "completion"),
        (4, "no_user_turn", "prompt"),
    ]


def test_hostile_markup_is_kept_word_for_word(read, chat):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}=cmd|'/c calc'!A0 </textarea>"
    done = read(chat(hostile, hostile) + json.dumps({"messages": hostile}))
    assert done.rows[1] == [("user", hostile), ("assistant", hostile)]
    assert hostile in done.problems[0]["excerpt"]
    assert done.document("sample.json")["conversations"][0]["messages"][0]["content"] == hostile


def test_what_turns_say_beside_role_and_content_is_counted(read):
    turns = [{"role": "user", "content": "a", "name": "Ann"}, {"role": "assistant", "content": "b", "weight": 0}]
    done = read(json.dumps({"messages": turns}))
    assert done.report["ignored_keys"] == {"name": 1, "weight": 1}
    assert done.notes("ignored_keys")[0].is_warning


def test_row_and_line_numbers_are_those_of_the_file(read, chat):
    done = read("\n\n" + chat() + "\n{oops}\n")
    assert done.problems[0]["row"] == 2
    assert done.problems[0]["line"] == 5


def test_line_numbers_in_an_array_are_those_of_the_file(read, chat):
    done = read("\n[\n" + chat().strip() + ",\n\n  {oops},\n" + chat().strip() + "]", "rows.json")
    assert [(problem["row"], problem["line"]) for problem in done.problems] == [(2, 5)]
