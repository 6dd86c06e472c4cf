"""What is held out, and what is said about the rows."""

import json

import pyarrow.parquet as pq
import pytest


def chats(chat, numbers):
    return "".join(chat(f"question {number}", f"answer {number}") for number in numbers)


def test_the_split_depends_on_content_and_seed_alone(read, chat):
    rows = [chat(f"question {number}") for number in range(300)]
    first, again = read("".join(rows)), read("".join(rows))
    assert first.document("files.json") == again.document("files.json")
    turned = read("".join(reversed(rows)))
    assert sorted(first.side("validation").values()) == sorted(turned.side("validation").values())
    other_seed = read("".join(rows), seed=8)
    assert sorted(first.side("validation").values()) != sorted(other_seed.side("validation").values())


def test_a_row_keeps_its_side_when_the_file_grows(read, chat):
    small, large = read(chats(chat, range(200))), read(chats(chat, range(400)))
    assert {number for number in large.side("validation") if number <= 200} == set(small.side("validation"))


def test_about_the_asked_share_is_held_out(read, chat):
    report = read(chats(chat, range(2000)), validation_share=0.2).report
    assert 340 < report["validation_rows"] < 460
    assert report["train_rows"] + report["validation_rows"] == 2000


@pytest.mark.parametrize("count", [10, 11, 15, 30])
@pytest.mark.parametrize("share", [0.001, 0.999])
@pytest.mark.parametrize("seed", [1, 2])
def test_neither_side_is_empty_from_ten_rows_on(read, chat, count, share, seed):
    report = read(chats(chat, range(count)), validation_share=share, seed=seed).report
    assert report["validation_rows"] >= 1
    assert report["train_rows"] >= 1


def test_fewer_than_ten_rows_are_all_for_training(read, chat):
    done = read(chats(chat, range(9)), validation_share=0.5)
    assert (done.report["train_rows"], done.report["validation_rows"]) == (9, 0)
    assert done.side("validation") == {}
    assert done.notes("nothing_held_out")


def test_a_share_of_nothing_holds_nothing_out(read, chat):
    done = read(chats(chat, range(50)), validation_share=0.0)
    assert done.report["validation_rows"] == 0
    assert not done.notes("nothing_held_out")


@pytest.mark.row("D15")
def test_equal_rows_never_stand_on_both_sides(read, chat):
    done = read(chats(chat, [number % 40 for number in range(6000)]), validation_share=0.3)
    texts = [{json.dumps(turns) for turns in done.side(side).values()} for side in ("train", "validation")]
    assert not texts[0] & texts[1]
    assert len(texts[0] | texts[1]) == 40
    assert done.report["exact_duplicates"] == 5960


@pytest.mark.row("D15")
def test_a_content_that_was_moved_across_is_moved_wherever_it_returns(read, chat):
    """No content of the first row group is held out by chance, so one is moved; it comes again later."""
    done = read(chats(chat, [number % 12 for number in range(9000)]), validation_share=0.0001)
    assert done.report["validation_rows"] == 750
    assert len({json.dumps(turns) for turns in done.side("validation").values()}) == 1


def test_rows_of_a_megabyte_are_held_out_like_others(read, chat):
    turn = '{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, ' * 12_000
    rows = "".join(chat(f"question {number}").replace("[", "[" + turn) for number in range(30))
    report = read(rows, validation_share=0.3).report
    assert report["rows_good"] == 30
    assert report["validation_rows"] >= 1


@pytest.mark.parametrize("seed", range(4))
def test_a_file_that_begins_with_one_content_over_and_over_is_held_out_behind_it(read, chat, seed):
    report = read(chat() * 4096 + chats(chat, range(200)), validation_share=0.5, seed=seed).report
    assert 50 < report["validation_rows"] < 150


def test_one_content_only_cannot_be_held_out(read, chat):
    done = read(chat() * 50)
    assert done.report["validation_rows"] == 0
    assert done.notes("nothing_held_out")
    assert done.notes("duplicates")[0].data == {"rows": 49}


def test_the_canonical_files_have_the_shape_that_others_rely_on(read, chat):
    done = read(chats(chat, range(9000)))
    file = pq.ParquetFile(done.folder / "result/train.parquet")
    assert file.schema_arrow.names == ["row", "messages"]
    assert str(file.schema_arrow.field("messages").type) == "list<element: struct<role: string, content: string>>"
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    assert [group.num_rows for group in groups[:-1]] == [4096] * (len(groups) - 1)
    assert groups[0].column(0).compression == "ZSTD"
    numbers = file.read()["row"].to_pylist()
    assert numbers == sorted(numbers)


def test_long_rows_make_smaller_row_groups_so_that_memory_stays_flat(read, chat):
    done = read("".join(chat(f"{number}" + "x" * 900_000) for number in range(45)), validation_share=0.0)
    metadata = pq.ParquetFile(done.folder / "result/train.parquet").metadata
    assert metadata.num_rows == 45
    assert max(metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)) < 25


def test_every_good_row_has_its_facts_in_the_columns_file(read, chat):
    done = read(chat("äö", "xyz") + "{oops}\n" + chats(chat, range(30)) + chat("äö", "xyz"))
    facts = pq.read_table(done.folder / "result/columns.parquet").to_pylist()
    assert [fact["row"] for fact in facts] == list(done.rows)
    assert (facts[0]["characters"], facts[0]["turns"], len(facts[0]["content_hash"])) == (5, 2, 16)
    assert facts[0]["content_hash"] == facts[-1]["content_hash"] != facts[1]["content_hash"]
    assert {fact["row"] for fact in facts if fact["split"] == "validation"} == set(done.side("validation"))


def test_the_content_hash_names_content_and_split_whatever_the_file(read, chat):
    rows = [json.loads(chat(f"question {number}")) for number in range(30)]
    lines, array = "\n".join(map(json.dumps, rows)), json.dumps(rows, indent=1)
    name = read(lines).report["content_sha256"]
    assert read(array, "rows.json").report["content_sha256"] == name
    assert read(lines, seed=8).report["content_sha256"] != name
    assert read(lines.replace("question 7", "question 8")).report["content_sha256"] != name


def test_the_report_counts_and_measures(read, chat):
    rows = [chat("x" * 95, "y" * 5), chat("a", "b"), chat("c", "dd"), "{oops}\n", '{"messages": []}\n']
    done = read("".join(rows))
    report = done.report
    assert (report["rows_total"], report["rows_good"], report["rows_bad"]) == (5, 3, 2)
    assert report["problem_counts"] == {"not_json": 1, "no_messages": 1}
    lengths = report["characters"]
    assert [lengths[name] for name in ("min", "median", "max", "total")] == [2, 3, 100, 105]
    assert lengths["histogram"] == [{"up_to": size, "rows": 1} for size in (2, 4, 128)]
    assert report["turns"] == {"2": 3}
    assert report["longest_rows"][0] == {"row": 1, "characters": 100}
    assert done.notes("bad_rows")[0].data["rows"] == 2
    assert done.ended.data["rows_good"] == 3
    assert done.manifest_is_true()


def test_a_system_prompt_fills_in_only_where_a_row_brings_none(read, chat):
    own = {"messages": [{"role": "system", "content": "Mine."}, *json.loads(chat())["messages"]]}
    done = read(chat() + json.dumps(own), system_prompt="Ours.")
    assert [turns[0] for turns in done.rows.values()] == [("system", "Ours."), ("system", "Mine.")]
    assert done.report["rows_with_system"] == 2


def test_the_sample_shows_the_first_rows_as_they_are_and_as_they_become(read, chat):
    done = read("{oops}\n" + "".join(chat(f"question {number}", note=None) for number in range(80)))
    sample = done.document("sample.json")
    assert sample["columns"] == ["messages", "note"]
    assert [row["row"] for row in sample["rows"]] == list(range(2, 52))
    assert json.loads(sample["rows"][0]["values"][0])[0]["content"] == "question 0"
    assert sample["rows"][0]["values"][1] is None
    assert [conversation["row"] for conversation in sample["conversations"]] == list(range(2, 22))
    assert sample["conversations"][0]["messages"][0] == {"role": "user", "content": "question 0", "is_cut": False}


def test_progress_is_said_in_bytes_up_to_the_last(read, chat):
    done = read(chat("x" * 900) * 3000)
    progress = [event for event in done.said if type(event).__name__ == "Progressed"]
    size = (done.folder / "inputs/upload").stat().st_size
    assert progress[-1].done == progress[-1].total == size
    assert progress[-1].unit == "bytes"
    assert 4 < len(progress) < 250


def test_a_second_attempt_starts_from_a_clean_result(read, job_folder, chat):
    from workers.reader import job
    from workers.reader.faults import Stop

    folder = job_folder(chat().encode())
    (folder / "result").mkdir()
    (folder / "result/left.parquet").write_bytes(b"half")
    assert job.run(folder, stop=Stop()) == "succeeded"
    assert not (folder / "result/left.parquet").exists()
