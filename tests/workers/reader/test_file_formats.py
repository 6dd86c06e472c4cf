"""Every format that the reader accepts, read right."""

import gzip
import json

import pytest

QA = [("user", "Is it open?"), ("assistant", "Until six.")]
MESSAGES = [{"role": "user", "content": "Is it open?"}, {"role": "assistant", "content": "Until six."}]


def test_chat_rows_keep_their_text_as_it_is(read):
    content = "  two\r\nlines <b>&amp;</b> \u202ertl <|im_end|> 🚲 "
    row = {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": content}]}
    done = read(json.dumps(row))
    assert done.rows == {1: [("user", content), ("assistant", content)]}
    assert done.report["format"] == "jsonl"
    assert done.report["layout"] == "chat"


def test_a_system_message_and_many_turns_are_kept_in_order(read):
    turns = [("system", "Be brief."), *QA, ("user", "And on Sunday?"), ("assistant", "Closed.")]
    done = read(json.dumps({"messages": [{"role": role, "content": content} for role, content in turns]}))
    assert done.rows == {1: turns}


def test_sharegpt_roles_are_translated(read):
    turns = [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "Is it open?"},
        {"from": "gpt", "value": "Until six."},
    ]
    done = read(json.dumps({"id": "a1", "conversations": turns}))
    assert done.rows == {1: [("system", "Be brief."), *QA]}
    assert done.report["layout"] == "sharegpt"
    assert done.report["unused_columns"] == ["id"]


def test_text_parts_as_openai_writes_them_are_joined(read):
    parts = [{"type": "text", "text": "Is it "}, {"type": "text", "text": "open?"}]
    row = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "Until six."}]}
    assert read(json.dumps(row)).rows == {1: QA}


@pytest.mark.parametrize("indent", [None, 2])
def test_an_alpaca_array_is_read_whatever_its_layout_on_the_page(read, indent):
    rows = [
        {"instruction": "Shorten.", "input": 'A long text, with [brackets] and "quotes\\".', "output": "Text."},
        {"instruction": "Is it open?", "input": "", "output": "Until six."},
    ]
    done = read(json.dumps(rows, indent=indent), "alpaca.json")
    question = 'Shorten.\n\nA long text, with [brackets] and "quotes\\".'
    assert done.rows == {1: [("user", question), ("assistant", "Text.")], 2: QA}
    assert (done.report["format"], done.report["layout"]) == ("json", "alpaca")


def test_alpaca_is_read_from_jsonl_too(read):
    done = read('{"instruction": "Is it open?", "input": "", "output": "Until six."}\n')
    assert done.rows == {1: QA}


@pytest.mark.parametrize("names", [("prompt", "completion"), ("question", "answer"), ("input", "output")])
def test_prompt_and_completion_are_found_by_their_names(read, names):
    done = read(json.dumps(dict(zip(names, ("Is it open?", "Until six."), strict=True))))
    assert done.rows == {1: QA}
    assert done.report["mapping"] == {"prompt": names[0], "response": names[1]}


def test_prompt_and_completion_may_be_lists_of_messages(read):
    done = read(json.dumps({"prompt": MESSAGES[:1], "completion": MESSAGES[1:]}))
    assert done.rows == {1: QA}


@pytest.mark.parametrize("wrapper", ["data", "train"])
def test_an_array_wrapped_in_an_object_is_unwrapped_and_said(read, wrapper):
    done = read(json.dumps({wrapper: [{"messages": MESSAGES}, {"messages": MESSAGES}]}, indent=1), "a.json")
    assert list(done.rows) == [1, 2]
    assert done.notes("wrapper")[0].data == {"field": wrapper}
    assert not done.notes("data_after_array")


def test_what_stands_beside_a_wrapped_array_is_not_dropped_without_a_word(read):
    done = read(json.dumps({"train": [{"messages": MESSAGES}], "test": [{"messages": MESSAGES}]}), "a.json")
    assert list(done.rows) == [1]
    assert done.notes("data_after_array")[0].is_warning


def test_pretty_objects_without_an_array_are_read(read):
    text = json.dumps({"messages": MESSAGES}, indent=2) + "\n" + json.dumps({"messages": MESSAGES}, indent=2)
    done = read(text, "rows.json")
    assert done.rows == {1: QA, 2: QA}


def test_arrays_one_after_another_lose_nothing(read):
    array = json.dumps([{"messages": MESSAGES}])
    assert list(read(array + "\n" + array.replace(",", ",\n"), "rows.json").rows) == [1, 2]


@pytest.mark.parametrize("name", ["rows.jsonl.gz", "rows.gz"])
def test_gzip_is_unpacked_and_said(read, name, chat):
    done = read(gzip.compress((chat() * 3).encode()), name)
    assert len(done.rows) == 3
    assert done.report["compression"] == "gzip"
    assert done.notes("unpacked")


def test_gzip_members_one_after_another_are_one_file(read, chat):
    done = read(gzip.compress(chat("one?").encode()) + gzip.compress(chat("two?").encode()) + b"\0" * 512)
    assert [turns[0][1] for turns in done.rows.values()] == ["one?", "two?"]


def test_the_ending_of_the_name_does_not_outweigh_the_content(read, chat):
    assert read(chat(), "rows.txt").report["format"] == "jsonl"
    assert read(json.dumps([{"messages": MESSAGES}]), "rows.jsonl").report["format"] == "json"
    assert read("prompt,response\nIs it open?,Until six.\n", "data").report["format"] == "csv"


@pytest.mark.parametrize(
    ("magic", "kind"),
    [(b"PAR1" + b"\0" * 40 + b"PAR1", "parquet"), (b"PK\x03\x04rest", "zip"), (b"%PDF-1.7", "pdf")],
)
def test_a_format_that_is_not_read_is_named(read, magic, kind):
    ended = read(magic, "rows.jsonl").ended
    assert (ended.fault, ended.data["seems"]) == ("unknown_format", kind)
    assert ended.data["supported"] == ["jsonl", "json", "csv", "tsv"]


@pytest.mark.parametrize("data", ["Just a letter.\nIt goes on,\nand on.\n", "word", "\x01\x02\x00\x7f" * 300])
def test_text_and_noise_are_no_table(read, data):
    done = read(data, "letter.txt")
    assert done.ended.fault == "unknown_format"
    assert done.manifest_is_true()


def test_gzip_in_gzip_is_refused(read, chat):
    ended = read(gzip.compress(gzip.compress(chat().encode()))).ended
    assert (ended.fault, ended.data["seems"]) == ("unknown_format", "gzip")


@pytest.mark.row("S5")
@pytest.mark.row("D19")
@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "CON", "a" * 255, "\u202elnosj.exe", "nul.jsonl.", "/dev/zero", "a\x00b", "", ".", "…🚲"],
)
def test_a_file_name_is_a_label_and_nothing_else(read, name, chat):
    assert read(chat(), name).rows
