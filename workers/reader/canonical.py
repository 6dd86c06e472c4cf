"""Writes the canonical files that the engine and the web tier read, and decides what is held out.

train.parquet, validation.parquet: `row` int64 (1-based number in the uploaded file), `messages`
list<struct<role, content>>; zstd. Row groups hold 4,096 rows, fewer where the text is long (16 MiB).

columns.parquet: one line for each good row, in the file's order: `row`, `split`, `characters`, `turns`,
`content_hash` (BLAKE2b-128 of the messages as a JSON array of [role, content] pairs).
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from webapp.datasets.formats import Turn

ROW_GROUP_ROWS = 4096
ROW_GROUP_BYTES = 16 * 1024 * 1024
FACT_GROUP_ROWS = 65_536
TURN_BYTES = 100  # what a turn takes in memory beside its text
MIN_ROWS_TO_HOLD_OUT = 10
TRAIN, VALIDATION = "train", "validation"

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
SCHEMA = pa.schema([("row", pa.int64()), ("messages", pa.list_(_MESSAGE))])
FACTS_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("split", pa.dictionary(pa.int8(), pa.string())),
        ("characters", pa.int32()),
        ("turns", pa.int32()),
        ("content_hash", pa.binary(16)),
    ]
)


class GoodRow(NamedTuple):
    number: int
    turns: list[Turn]
    content_hash: bytes
    size_bytes: int
    characters: int


def good_row(number: int, turns: list[Turn]) -> GoodRow:
    text = orjson.dumps(turns)
    digest = hashlib.blake2b(text, digest_size=16).digest()
    size_bytes = len(text) + TURN_BYTES * len(turns)
    return GoodRow(number, turns, digest, size_bytes, sum(len(content) for _role, content in turns))


class Split:
    """Who is held out: a row's content and the seed decide alone.

    So equal rows never come to stand on both sides, and a row keeps its side when a later version of the
    file has more rows. Only where the first rows (all rows of a small file) would leave a side empty, one
    content changes sides. Fewer than ten rows are all for training.
    """

    def __init__(self, *, share: float, seed: int) -> None:
        self._share, self._key = share, str(seed).encode()[:64]
        self._moved: dict[bytes, str] = {}
        self._is_off = share <= 0

    def settle(self, first_rows: list[GoodRow]) -> None:
        """Look at the first rows, before any is written, and make sure that neither side is empty."""
        self._is_off = self._is_off or len(first_rows) < MIN_ROWS_TO_HOLD_OUT
        if self._is_off:
            return
        hashes = {row.content_hash for row in first_rows}
        sides = {self.side(content_hash) for content_hash in hashes}
        if VALIDATION not in sides and len(hashes) > 1:
            self._moved[min(hashes, key=self._draw)] = VALIDATION
        if TRAIN not in sides:
            self._moved[max(hashes, key=self._draw)] = TRAIN

    def side(self, content_hash: bytes) -> str:
        if self._is_off:
            return TRAIN
        if content_hash in self._moved:
            return self._moved[content_hash]
        return VALIDATION if self._draw(content_hash) < self._share else TRAIN

    def _draw(self, content_hash: bytes) -> float:
        """Evenly spread over [0, 1)."""
        digest = hashlib.blake2b(content_hash, digest_size=8, key=self._key).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53


class CanonicalWriter:
    """Takes good rows in the file's order and leaves the three Parquet files."""

    def __init__(self, folder: Path, *, split: Split) -> None:
        self._split = split
        self._first: list[GoodRow] | None = []
        self._first_bytes = 0
        self._files = {side: _MessagesFile(folder / f"{side}.parquet") for side in (TRAIN, VALIDATION)}
        self._facts = _FactsFile(folder / "columns.parquet")
        self._content = hashlib.sha256()

    def add(self, row: GoodRow) -> None:
        if self._first is None:
            self._write(row)
            return
        self._first.append(row)
        self._first_bytes += row.size_bytes
        is_full = len(self._first) >= ROW_GROUP_ROWS or self._first_bytes >= ROW_GROUP_BYTES
        if is_full and len(self._first) >= MIN_ROWS_TO_HOLD_OUT:
            self._release()

    def close(self) -> None:
        self._release()
        for file in self._files.values():
            file.close()
        self._facts.close()

    @property
    def train_rows(self) -> int:
        return self._files[TRAIN].count

    @property
    def validation_rows(self) -> int:
        return self._files[VALIDATION].count

    @property
    def content_sha256(self) -> str:
        """Names what was learned from and held out, in order, whatever file it came in."""
        return self._content.hexdigest()

    def _release(self) -> None:
        held, self._first = self._first or [], None
        if held:
            self._split.settle(held)
        for row in held:
            self._write(row)

    def _write(self, row: GoodRow) -> None:
        side = self._split.side(row.content_hash)
        self._files[side].add(row)
        self._facts.add(row, side)
        self._content.update(row.content_hash + side[:1].encode())


class _MessagesFile:
    def __init__(self, path: Path) -> None:
        self.count = 0
        self._writer = pq.ParquetWriter(
            path, SCHEMA, compression="zstd", use_dictionary=["messages.list.element.role"], write_statistics=["row"]
        )
        self._clear()

    def add(self, row: GoodRow) -> None:
        self.count += 1
        self._numbers.append(row.number)
        for role, content in row.turns:
            self._roles.append(role)
            self._contents.append(content)
        self._offsets.append(len(self._roles))
        self._size += row.size_bytes
        if len(self._numbers) >= ROW_GROUP_ROWS or self._size >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        if self._numbers:
            self._flush()
        self._writer.close()

    def _clear(self) -> None:
        self._numbers: list[int] = []
        self._offsets: list[int] = [0]
        self._roles: list[str] = []
        self._contents: list[str] = []
        self._size = 0

    def _flush(self) -> None:
        texts = [pa.array(self._roles, pa.string()), pa.array(self._contents, pa.string())]
        structs = pa.StructArray.from_arrays(texts, fields=list(_MESSAGE))
        lists = pa.ListArray.from_arrays(pa.array(self._offsets, pa.int32()), structs)
        numbers = pa.array(self._numbers, pa.int64())
        self._clear()
        self._writer.write_table(pa.table([numbers, lists], schema=SCHEMA), row_group_size=ROW_GROUP_ROWS)


class _FactsFile:
    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, FACTS_SCHEMA, compression="zstd", use_dictionary=["split"])
        self._rows: list[tuple[int, str, int, int, bytes]] = []

    def add(self, row: GoodRow, side: str) -> None:
        self._rows.append((row.number, side, row.characters, len(row.turns), row.content_hash))
        if len(self._rows) >= FACT_GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(FACTS_SCHEMA)
        arrays = [pa.array(values, kind) for values, kind in zip(columns, FACTS_SCHEMA.types, strict=True)]
        self._rows = []
        if len(arrays[0]):
            self._writer.write_table(pa.table(arrays, schema=FACTS_SCHEMA))
