"""Rows on their way to tokens: what is left out is counted and named."""

from pathlib import Path

import numpy as np
import pytest

from tests.workers.engine.conftest import Conversation, Inputs, MakeTraining, conversations, turn, write_rows
from webapp.contract.events import Fault, Outcome
from workers.engine import batches, data
from workers.engine.chat import ChatFormat


def tokenized(folder: Path, rows: list[Conversation], chat: ChatFormat, *, max_length: int = 256) -> data.Dataset:
    write_rows(folder / "rows.parquet", rows)
    return data.tokenize(data.read_rows(folder / "rows.parquet"), chat, max_length=max_length)


@pytest.mark.row("D13")
def test_a_row_that_is_too_long_loses_its_end_and_is_counted(tmp_path: Path, chat_format: ChatFormat) -> None:
    rows = [*conversations(2), [turn("user", "hi"), turn("assistant", "very " * 200)]]
    dataset = tokenized(tmp_path, rows, chat_format, max_length=40)
    assert dataset.omissions.truncated == [3]
    assert dataset.lengths.max() == 40 and len(dataset) == 3
    (note,) = dataset.omissions.notes(part="train", max_length=40)
    assert (note.code, note.data["rows"], note.is_warning) == ("rows_truncated", [3], True)


@pytest.mark.row("D12")
def test_a_row_whose_answer_is_cut_away_is_left_out_and_named(tmp_path: Path, chat_format: ChatFormat) -> None:
    rows = [[turn("user", "long " * 100), turn("assistant", "yes")], *conversations(2)]
    dataset = tokenized(tmp_path, rows, chat_format, max_length=40)
    assert dataset.omissions.untrained == [1]
    assert len(dataset) == 2


def test_rows_keep_their_numbers_and_order_over_row_groups(tmp_path: Path, chat_format: ChatFormat) -> None:
    write_rows(tmp_path / "rows.parquet", conversations(4100))
    assert [row.number for row in data.read_rows(tmp_path / "rows.parquet")] == list(range(1, 4101))


def test_a_sample_of_rows_is_evenly_spread_and_always_the_same(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", conversations(100))
    numbers = [row.number for row in data.read_spread(tmp_path / "rows.parquet", limit=5)]
    assert numbers == [1, 26, 51, 75, 100]


@pytest.mark.row("D12")
def test_a_dataset_without_any_trainable_token_is_refused(make_training: MakeTraining, inputs: Inputs) -> None:
    inputs.rows = [[turn("user", "long " * 100), turn("assistant", "yes")] for _ in range(3)]
    ended = make_training(max_length=40).start().ended
    assert (ended.outcome, ended.fault) == (Outcome.FAILED, Fault.NO_TRAINABLE_TOKENS)
    assert ended.data == {"rows": [1, 2, 3], "count": 3, "truncated": 3, "max_length": 40}


def test_an_empty_dataset_is_refused(make_training: MakeTraining, inputs: Inputs) -> None:
    inputs.rows = []
    assert make_training().start().ended.fault is Fault.NO_ROWS


def test_a_damaged_parquet_file_is_named(make_training: MakeTraining) -> None:
    run = make_training()
    (run.path / "inputs" / "train.parquet").write_bytes(b"PAR1 nothing PAR1")
    ended = run.start().ended
    assert (ended.fault, ended.data["file"]) == (Fault.DAMAGED_INPUT, "train.parquet")


def test_each_epoch_shows_each_row_once_and_the_next_in_another_order() -> None:
    plan = batches.Plan(examples=10, batch_size=4, total_steps=6, seed=7)
    epochs = [np.concatenate([plan.examples_of_step(step) for step in steps]) for steps in (range(3), range(3, 6))]
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_micro_batches_hold_the_budget_and_all_rows() -> None:
    lengths = np.array([5, 90, 30, 31, 8, 200, 33])
    pieces = batches.micro_batches(lengths, np.arange(7), token_budget=100)
    assert sorted(np.concatenate(pieces).tolist()) == list(range(7))
    assert all(len(piece) == 1 or lengths[piece].max() * len(piece) <= 100 for piece in pieces)
    assert [piece.tolist() for piece in pieces] == [[5], [1], [6, 3, 2], [4, 0]]


def test_a_micro_batch_predicts_each_learnt_token_from_the_one_before(tmp_path: Path, chat_format: ChatFormat) -> None:
    dataset = tokenized(tmp_path, conversations(3), chat_format)
    batch = batches.collate(dataset, np.array([0, 2]), pad_id=0)
    flat = batch.input_ids.ravel()
    assert len(batch.targets) == sum(int(dataset.example(index)[1].sum()) for index in (0, 2))
    assert (flat[batch.sources + 1] == batch.targets).all()
