"""Canonical rows to token ids and labels, held compactly: five bytes a token. Needs no torch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webapp.contract.events import Fault, Noted
from workers.engine.chat import ChatFormat, Example
from workers.engine.faults import EngineFault
from workers.engine.template import Message, TemplateRefused

HELD_OUT_ROWS = 2000  # of a larger held-out part, evenly spread rows are measured
ROWS_NAMED = 10  # how many row numbers a note names

Ids = np.ndarray[Any, np.dtype[np.int32]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]


class Row(NamedTuple):
    number: int
    messages: list[Message]


@dataclass
class Omissions:
    """What happened to rows on their way to tokens, with the first row numbers of each kind."""

    truncated: list[int] = field(default_factory=list)
    untrained: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    refusal: str = ""
    split_rows: int = 0

    def notes(self, *, part: str, max_length: int) -> list[Noted]:
        """`part` is "train" or "validation"."""
        notes = []
        if self.truncated:
            notes.append(self._note("rows_truncated", self.truncated, part, max_length=max_length))
        if self.untrained:
            notes.append(self._note("rows_without_trained_tokens", self.untrained, part, max_length=max_length))
        if self.refused:
            notes.append(self._note("rows_refused_by_template", self.refused, part, message=self.refusal))
        if self.split_rows:
            notes.append(Noted(code="turns_trained_one_by_one", data={"part": part, "count": self.split_rows}))
        return notes

    @staticmethod
    def _note(code: str, rows: list[int], part: str, **data: Any) -> Noted:
        return Noted(code=code, data={"part": part, "count": len(rows), "rows": rows[:ROWS_NAMED], **data},
                     is_warning=True)  # fmt: skip


class Dataset:
    """Examples as flat arrays: `ids` and `is_trained` of all tokens, `starts` where each example begins."""

    def __init__(self, ids: list[Ids], is_trained: list[Flags], omissions: Omissions) -> None:
        """`ids` and `is_trained` hold one array for each example."""
        self.starts = np.concatenate([[0], np.cumsum([len(item) for item in ids])]).astype(np.int64)
        self.ids: Ids = np.concatenate([*ids, np.empty(0, np.int32)])
        self.is_trained: Flags = np.concatenate([*is_trained, np.empty(0, np.bool_)])
        self.omissions = omissions

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.diff(self.starts)

    @property
    def trained_tokens(self) -> int:
        return int(self.is_trained.sum())

    def example(self, index: int) -> tuple[Ids, Flags]:
        span = slice(self.starts[index], self.starts[index + 1])
        return self.ids[span], self.is_trained[span]


def read_rows(path: Path) -> Iterator[Row]:
    """Rows of a canonical file, one row group in memory at a time. Raises EngineFault."""
    try:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["row", "messages"])
            for number, messages in zip(table["row"].to_pylist(), table["messages"].to_pylist(), strict=True):
                yield Row(number, messages)
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise EngineFault(Fault.DAMAGED_INPUT, file=path.name, message=str(error)[:300]) from error


def count_rows(path: Path) -> int:
    try:
        return int(pq.ParquetFile(path).metadata.num_rows)
    except (OSError, pa.ArrowInvalid) as error:
        raise EngineFault(Fault.DAMAGED_INPUT, file=path.name, message=str(error)[:300]) from error


def read_spread(path: Path, *, limit: int) -> Iterator[Row]:
    """At most `limit` rows, evenly spread over the file; always the same ones."""
    total = count_rows(path)
    wanted = set(np.linspace(0, total - 1, num=min(limit, total)).round().astype(int).tolist()) if total else set()
    return (row for position, row in enumerate(read_rows(path)) if position in wanted)


def tokenize(
    rows: Iterator[Row], chat: ChatFormat, *, max_length: int, on_row: Callable[[int], None] = lambda done: None
) -> Dataset:
    """Make examples of rows; what cannot be learnt from is left out and counted.

    A row longer than `max_length` tokens loses its end. `on_row` hears how many rows are done, and may raise.
    """
    ids: list[Ids] = []
    is_trained: list[Flags] = []
    omissions = Omissions()
    for done, row in enumerate(rows, start=1):
        on_row(done)
        try:
            made = chat.encode_examples(row.messages)
        except TemplateRefused as error:
            omissions.refused.append(row.number)
            omissions.refusal = omissions.refusal or str(error)[:300]
            continue
        kept = [cut(example, max_length) for example in made]
        if any(len(example.ids) > max_length for example in made):
            omissions.truncated.append(row.number)
        learnt = [example for example in kept if any(example.is_trained)]
        if not learnt:
            omissions.untrained.append(row.number)
        omissions.split_rows += len(made) > 1
        ids += [np.array(example.ids, np.int32) for example in learnt]
        is_trained += [np.array(example.is_trained, np.bool_) for example in learnt]
    return Dataset(ids, is_trained, omissions)


def cut(example: Example, max_length: int) -> Example:
    """The first `max_length` tokens. The first token of all is never predicted, hence never learnt."""
    is_trained = example.is_trained[:max_length]
    return Example(example.ids[:max_length], [False, *is_trained[1:]])


def require_something_to_learn(dataset: Dataset, *, max_length: int) -> None:
    """Raises EngineFault where no row can be learnt from, saying what became of them."""
    if len(dataset):
        return
    omissions = dataset.omissions
    if omissions.refused and not omissions.untrained:
        raise EngineFault(Fault.NO_CHAT_TEMPLATE, reason="every_row_refused", message=omissions.refusal,
                          rows=omissions.refused[:ROWS_NAMED])  # fmt: skip
    if not omissions.untrained:
        raise EngineFault(Fault.NO_ROWS)
    raise EngineFault(
        Fault.NO_TRAINABLE_TOKENS,
        rows=omissions.untrained[:ROWS_NAMED],
        count=len(omissions.untrained),
        truncated=len(omissions.truncated),
        max_length=max_length,
    )
