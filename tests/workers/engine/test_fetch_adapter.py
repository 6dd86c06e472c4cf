"""The files of an adapter come from a hub as they are, at one commit; whether they are any good is judged elsewhere."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.engine import hub as fake
from tests.workers.engine.conftest import Run, write_order
from webapp.contract.events import Fault, Outcome

Fetch = Callable[..., Run]
WEIGHTS = b"not looked at here" * 500


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(WEIGHTS)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "README.md").write_text("# ours")
    (folder / "adapter_model.bin").write_bytes(b"\x80\x02}q\x00.")
    (folder / "handler.py").write_text("raise SystemExit")
    return folder


@pytest.fixture
def online(source: Path, network: None) -> Iterator[fake.Hub]:
    with fake.serving(source) as server:
        yield server


@pytest.fixture
def fetch(tmp_path: Path, online: fake.Hub) -> Fetch:
    def start(**wanted: Any) -> Run:
        folder = tmp_path / "job"
        folder.mkdir()
        write_order(folder, "fetch_adapter", {"repository": fake.NAME, "endpoint": online.endpoint, **wanted})
        return Run(folder).start()

    return start


def test_the_files_of_an_adapter_and_no_others_arrive_with_their_commit(fetch: Fetch) -> None:
    run = fetch()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    assert run.document("fetched.json") == {"commit": fake.COMMIT, "repository": fake.NAME}
    listed = {item["path"]: item["sha256"] for item in run.document("files.json")}
    assert set(listed) == {"adapter_model.safetensors", "adapter_config.json", "README.md", "fetched.json"}
    assert listed["adapter_model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_what_is_no_adapter_is_refused_before_anything_is_fetched(
    fetch: Fetch, online: fake.Hub, source: Path, name: str
) -> None:
    (source / name).unlink()
    ended = fetch().ended
    assert (ended.fault, ended.data["reason"], ended.data["file"]) == (Fault.DAMAGED_INPUT, "no_adapter", name)
    assert not any("/resolve/" in path for path, _, _ in online.asked)


def test_an_adapter_beyond_the_limit_is_not_begun(fetch: Fetch, online: fake.Hub) -> None:
    ended = fetch(max_bytes=len(WEIGHTS)).ended
    assert (ended.fault, ended.data["max_bytes"]) == (Fault.TOO_LARGE, len(WEIGHTS))
    assert not any("/resolve/" in path for path, _, _ in online.asked)


@pytest.mark.row("A9")
def test_a_busy_hub_is_waited_for_here_too(fetch: Fetch, online: fake.Hub, waits: list[float]) -> None:
    online.is_busy_with["tiny"] = [(429, {"Retry-After": "17"})]
    online.is_busy_with["adapter_model.safetensors"] = [(503, {})]
    run = fetch()
    assert run.ended.outcome is Outcome.SUCCEEDED, run.ended
    assert waits == [17.0, 1.0]
    assert [note.data["seconds"] for note in run.notes("hub_busy")] == [17]


def test_a_file_that_is_not_what_was_announced_is_never_used(fetch: Fetch, online: fake.Hub) -> None:
    online.lies_about.add("adapter_model.safetensors")
    run = fetch()
    assert (run.ended.fault, run.ended.data["file"]) == (Fault.DAMAGED_INPUT, "adapter_model.safetensors")
    assert not (run.path / "result").exists()
