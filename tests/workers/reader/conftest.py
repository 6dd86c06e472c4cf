"""A reader's job in a folder of its own, run in this process; what it left, ready to be asked."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet as pq
import pytest

from webapp.contract import events, spec
from workers.reader import job
from workers.reader.faults import Stop


@dataclass
class Done:
    """A finished job."""

    folder: Path

    @property
    def said(self) -> list[events.Event]:
        return [events.parse(line).event for line in (self.folder / "events.jsonl").read_bytes().splitlines()]

    @property
    def ended(self) -> events.Ended:
        last = self.said[-1]
        assert isinstance(last, events.Ended)
        return last

    def notes(self, code: str) -> list[events.Noted]:
        return [event for event in self.said if isinstance(event, events.Noted) and event.code == code]

    def document(self, name: str) -> Any:
        return json.loads((self.folder / "result" / name).read_text())

    @property
    def report(self) -> Any:
        assert self.ended.outcome is events.Outcome.SUCCEEDED, self.ended
        return self.document("report.json")

    @property
    def problems(self) -> list[Any]:
        return [json.loads(line) for line in (self.folder / "result/problems.jsonl").read_text("utf-8").splitlines()]

    @property
    def verdicts(self) -> list[tuple[int, str]]:
        return [(problem["row"], problem["code"]) for problem in self.problems]

    def side(self, name: str) -> dict[int, list[tuple[str, str]]]:
        rows = pq.read_table(self.folder / "result" / f"{name}.parquet").to_pylist()
        return {row["row"]: [(turn["role"], turn["content"]) for turn in row["messages"]] for row in rows}

    @property
    def rows(self) -> dict[int, list[tuple[str, str]]]:
        """All good rows, from both sides, in order."""
        return dict(sorted((self.side("train") | self.side("validation")).items()))

    def manifest_is_true(self) -> bool:
        listed = {entry["path"]: entry for entry in self.document("files.json")}
        there = {path.name for path in (self.folder / "result").iterdir()} - {"files.json"}
        return set(listed) == there and all(
            hashlib.sha256(data).hexdigest() == listed[name]["sha256"] and len(data) == listed[name]["size_bytes"]
            for name in there
            if (data := (self.folder / "result" / name).read_bytes()) is not None
        )


def prepare(folder: Path, data: bytes, name: str, **settings: Any) -> Path:
    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs/upload").write_bytes(data)
    order = {"version": spec.SPEC_VERSION, "job": "job-1", "attempt": 1, "kind": "read"}
    (folder / "spec.json").write_text(json.dumps(order | {"spec": {"file_name": name} | settings}))
    return folder


class Read(Protocol):
    def __call__(self, data: bytes | str, name: str = "rows.jsonl", **settings: Any) -> Done: ...


class Prepare(Protocol):
    def __call__(self, data: bytes, name: str = "rows.jsonl", **settings: Any) -> Path: ...


@pytest.fixture
def job_folder(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """A job folder that nobody has worked on yet."""

    def make(data: bytes, name: str = "rows.jsonl", **settings: Any) -> Path:
        return prepare(tmp_path_factory.mktemp("job") / "folder", data, name, **settings)

    return make


@pytest.fixture
def read(job_folder: Prepare) -> Read:
    def run(data: bytes | str, name: str = "rows.jsonl", **settings: Any) -> Done:
        folder = job_folder(data.encode() if isinstance(data, str) else data, name, **settings)
        job.run(folder, stop=Stop())
        return Done(folder)

    return run


def chat(question: str = "Hello?", answer: str = "Yes.", **more: Any) -> str:
    """One JSONL row of a chat."""
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages} | more, ensure_ascii=False) + "\n"


@pytest.fixture(name="chat")
def chat_fixture() -> Any:
    return chat
