"""One file on its way into canonical files."""

import itertools
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from webapp.contract import events, spec
from webapp.contract.events import Fault, Noted, Phase
from webapp.datasets import formats
from workers.reader import canonical, opening, report, source
from workers.reader.faults import Refused, Stop, Stopped
from workers.reader.opening import Opened
from workers.reader.rows import RawRow

HEAD_BYTES = 2 * 1024 * 1024  # of rows looked at before the mapping is decided; parsed they take many times more
PROBLEMS_IN_LAST_WORD = 5


class Reading:
    def __init__(self, folder: Path, order: spec.ReadSpec, writer: events.Writer, stop: Stop) -> None:
        self._folder, self._result, self._order = folder, folder / "result", order
        self._say, self._stop = writer.say, stop
        self._ledger, self._statistics = report.Ledger(), report.Statistics()
        self._rows_total = 0

    def run(self) -> dict[str, Any]:
        """Returns the data of the last word. Raises Refused (result/ then holds what helps to mend it), Stopped."""
        shutil.rmtree(self._result, ignore_errors=True)  # of an attempt that died
        self._result.mkdir()
        try:
            return self._read()
        except Refused:
            for path in self._result.glob("*.parquet"):
                path.unlink()
            self._ledger.write(self._result / "problems.jsonl")
            report.write_manifest(self._result)
            raise
        except BaseException:
            shutil.rmtree(self._result, ignore_errors=True)
            raise

    def _read(self) -> dict[str, Any]:
        opened = self._open()
        head = self._read_head(opened)
        columns = _columns(head, opened.columns)
        sample = report.Sample(head, columns)
        sample.write(self._result / "sample.json", format=opened.shape.format)
        if not sample.rows:
            raise self._no_rows()
        mapping, layout = self._map(head, columns, sample)
        mapper = formats.RowMapper(mapping, system_prompt=self._order.system_prompt)
        split = canonical.Split(share=self._order.validation_share, seed=self._order.seed)
        writer = canonical.CanonicalWriter(self._result, split=split)
        self._convert(itertools.chain(_drained(head), opened.rows), mapper, writer, sample)
        self._say(events.PhaseChanged(phase=Phase.SAVING))
        writer.close()
        sample.write(self._result / "sample.json", format=opened.shape.format)
        if writer.train_rows == 0:
            raise self._no_rows()
        facts = opened.facts() | {
            "layout": layout,
            "columns": report.shown_names(columns),
            "unused_columns": report.shown_names([name for name in columns if name not in mapping.values()]),
            "mapping": mapping,
            "mapping_is_given": bool(self._order.mapping),
        }
        return self._finish(facts, mapper, writer)

    def _open(self) -> Opened:
        order = self._order
        upload = source.open_upload(self._folder, order.upload_path, max_bytes=order.max_decompressed_bytes)
        opener = opening.Opener(
            file_name=order.file_name,
            max_row_bytes=order.max_row_bytes,
            mapped=set(order.mapping.values()),
            say=self._say,
        )
        self._say(events.PhaseChanged(phase=Phase.CHECKING))
        found = opening.find_encoding(upload, self._watch(upload))
        self._say(events.PhaseChanged(phase=Phase.READING))
        return opener.open(upload, found, self._watch(upload))

    def _watch(self, upload: source.Source) -> source.Watch:
        """Says how far the reading is, about a hundred times a file, and hears when it shall stop."""
        step = max(source.CHUNK_BYTES, upload.size_bytes // 100)
        said = 0

        def watch(position: int) -> None:
            nonlocal said
            if self._stop.is_asked:
                raise Stopped
            if position - said >= step or position == upload.size_bytes:
                said = position
                self._say(events.Progressed(done=position, total=upload.size_bytes, unit="bytes"))

        return watch

    def _read_head(self, opened: Opened) -> list[RawRow]:
        """The first rows, by which columns and mapping are found. Unreadable rows before them are judged at once."""
        head: list[RawRow] = []
        size = 0
        for row in opened.rows:
            if row.problem and not head:
                self._reject(row, row.problem)
                continue
            head.append(row)
            size += len(row.raw)
            if len(head) >= report.SAMPLE_ROWS or size >= HEAD_BYTES:
                break
        return head

    def _map(self, head: list[RawRow], columns: list[str], sample: report.Sample) -> tuple[dict[str, str], str]:
        values = {
            column: [row.value[column] for row in head if row.value and column in row.value] for column in columns
        }
        mapping, guess = dict(self._order.mapping), None
        if not mapping:
            guess = formats.guess(values)
            mapping = guess.mapping
        missing = [column for column in mapping.values() if column not in columns]
        optional = [mapping[part] for part in (formats.Part.SYSTEM, formats.Part.CONTEXT) if part in mapping]
        if (guess and not guess.is_confident) or set(missing) - set(optional):
            raise Refused(
                Fault.UNKNOWN_FORMAT,
                **sample.excerpt(),
                guess=guess.mapping if guess else {},
                doubts=list(guess.doubts) if guess else [],
                missing_columns=missing,
            )
        layout = formats.layout_of(mapping, values)
        self._say(Noted(code="mapping", data={"mapping": mapping, "layout": layout, "is_given": guess is None}))
        return mapping, layout

    def _convert(
        self,
        rows: Iterable[RawRow],
        mapper: formats.RowMapper,
        writer: canonical.CanonicalWriter,
        sample: report.Sample,
    ) -> None:
        for row in rows:
            if row.value is None:
                self._reject(row, row.problem or formats.RowProblem(formats.Problem.NOT_JSON))
                continue
            try:
                turns = mapper.conversation(row.value)
            except formats.RowProblem as problem:
                self._reject(row, problem)
                continue
            self._count()
            good = canonical.good_row(row.number, turns)
            writer.add(good)
            self._statistics.add(good)
            sample.add(row.number, turns)

    def _reject(self, row: RawRow, problem: formats.RowProblem) -> None:
        self._count()
        self._ledger.add(row, problem)

    def _count(self) -> None:
        self._rows_total += 1
        if self._rows_total > self._order.max_rows:
            raise Refused(Fault.TOO_LARGE, cause="rows", max_rows=self._order.max_rows)

    def _no_rows(self) -> Refused:
        return Refused(
            Fault.NO_ROWS,
            cause="all_bad" if self._rows_total else "empty",
            rows_total=self._rows_total,
            problem_counts=dict(self._ledger.counts),
            problems=self._ledger.listed[:PROBLEMS_IN_LAST_WORD],
        )

    def _finish(
        self, facts: dict[str, Any], mapper: formats.RowMapper, writer: canonical.CanonicalWriter
    ) -> dict[str, Any]:
        counts = {
            "rows_total": self._rows_total,
            "rows_good": writer.train_rows + writer.validation_rows,
            "rows_bad": self._ledger.total,
            "train_rows": writer.train_rows,
            "validation_rows": writer.validation_rows,
        }
        statistics = self._statistics.as_dict()
        ignored = {report.clean(key, 100): count for key, count in sorted(mapper.ignored_keys.items())}
        self._note_findings(counts, statistics, ignored, facts["unused_columns"])
        rest = {
            "validation_share": self._order.validation_share,
            "seed": self._order.seed,
            "problem_counts": dict(self._ledger.counts),
            "problems_listed": len(self._ledger.listed),
            "ignored_keys": ignored,
            "content_sha256": writer.content_sha256,
        }
        report.write_json(self._result / "report.json", facts | counts | statistics | rest)
        self._ledger.write(self._result / "problems.jsonl")
        report.write_manifest(self._result)
        return counts

    def _note_findings(
        self, counts: dict[str, int], statistics: dict[str, Any], ignored: dict[str, int], unused: list[str]
    ) -> None:
        if counts["rows_bad"]:
            data = {"rows": counts["rows_bad"], "problem_counts": dict(self._ledger.counts)}
            self._say(Noted(code="bad_rows", data=data, is_warning=True))
        if statistics["exact_duplicates"]:
            self._say(Noted(code="duplicates", data={"rows": statistics["exact_duplicates"]}, is_warning=True))
        if ignored:
            self._say(Noted(code="ignored_keys", data={"keys": ignored}, is_warning=True))
        if unused:
            self._say(Noted(code="unused_columns", data={"columns": unused[:50]}))
        if self._order.validation_share and not counts["validation_rows"]:
            self._say(Noted(code="nothing_held_out", data={"rows": counts["rows_good"]}, is_warning=True))


def _columns(head: list[RawRow], known: list[str]) -> list[str]:
    """A table's columns, or the fields of the first objects in order of appearance."""
    return known or list(dict.fromkeys(name for row in head for name in row.value or ()))


def _drained(rows: list[RawRow]) -> Iterable[RawRow]:
    """The rows one by one, each forgotten when the next is asked for."""
    rows.reverse()
    while rows:
        yield rows.pop()
