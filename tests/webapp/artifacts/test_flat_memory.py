"""A real web process takes and sends large files without holding them: its memory stays where it was."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory as Linux tells it")
ROOT = Path(__file__).parents[3]
ALLOWED_GROWTH = 24_000_000  # a few parts of 4 MiB on their way, and what the allocator keeps of them
CSRF = "c" * 32


@dataclass
class Server:
    client: httpx.Client
    pid: int
    state: Path

    def memory(self) -> int:
        return self._status("VmRSS")

    def peak_memory(self) -> int:
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        return int(Path(f"/proc/{self.pid}/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("state")
    environment = os.environ | {"TUNESMITH_STATE": str(state), "PYTHONPATH": str(ROOT), "DISK_RESERVE_BYTES": "0"}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, str(Path(__file__).with_name("serve.py"))]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            cookies = {told["session_name"]: told["session"], told["csrf_name"]: CSRF}
            headers = {"X-CSRFToken": CSRF, "Accept": "application/json"}
            with httpx.Client(base_url=told["url"], cookies=cookies, headers=headers, timeout=120) as client:
                client.get("/t/acme/datasets/new/").raise_for_status()
                yield Server(client=client, pid=process.pid, state=state)
        finally:
            process.terminate()


def _pieces(size: int) -> Iterator[bytes]:
    """Lines of a file, each different, so that nothing in it compresses or repeats."""
    for number in range(size // 1_000_000):
        yield hashlib.shake_128(number.to_bytes(4, "big")).digest(1_000_000)


def _write(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.writelines(_pieces(size))
    return path


def _upload_in_parts(server: Server, path: Path) -> None:
    size = path.stat().st_size
    opened = server.client.post("/t/acme/uploads/", json={"file_name": "rows.bin", "size_bytes": size})
    opened.raise_for_status()
    url, part = opened.json()["url"], opened.json()["chunk_bytes"]
    with path.open("rb") as file:
        for offset in range(0, size, part):
            answer = server.client.patch(url, content=file.read(part), headers={"Upload-Offset": str(offset)})
            assert answer.status_code == 204, answer.text
    assert server.client.post(f"{url}/finish").json()["size_bytes"] == size


def _upload_by_form(server: Server, path: Path) -> str:
    with path.open("rb") as file:
        fields = {"validation_share": "0.1", "csrfmiddlewaretoken": CSRF}
        files = {"file": ("rows.bin", file, "application/octet-stream")}
        answer = server.client.post("/t/acme/datasets/new/", data=fields, files=files)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def _download(server: Server, page: str) -> str:
    digest = hashlib.sha256()
    with server.client.stream("GET", f"{page}original") as answer:
        assert answer.status_code == 200
        for piece in answer.iter_bytes():
            digest.update(piece)
    return digest.hexdigest()


def _check(server: Server, path: Path, size: int) -> None:
    small = _write(path.with_name("small"), 5_000_000)
    _upload_in_parts(server, small)
    _download(server, _upload_by_form(server, small))  # everything is imported now
    _write(path, size)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for act in (_upload_in_parts, _upload_by_form):
        before = server.memory()
        server.forget_peak()
        page = act(server, path)
        assert server.peak_memory() - before < ALLOWED_GROWTH, act.__name__
    before = server.memory()
    server.forget_peak()
    assert _download(server, str(page)) == sha256
    assert server.peak_memory() - before < ALLOWED_GROWTH
    stored = list((server.state / "files" / "blobs").rglob(sha256))
    assert len(stored) == 1


def test_200_megabytes_pass_with_flat_memory(server: Server, tmp_path: Path) -> None:
    _check(server, tmp_path / "rows.bin", 200_000_000)
    assert not list((server.state / "incoming").iterdir())


def test_a_body_above_the_limit_is_refused_in_words_and_leaves_nothing(server: Server) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 1_000_000

    headers = {"Content-Length": "7000000", "Accept": "text/html"}
    answer = server.client.post("/t/acme/datasets/", content=_pieces(7_000_000), headers=headers)
    assert answer.status_code == 413
    assert "7\xa0MB were sent, and at most 5.24\xa0MB are taken here. Nothing was stored." in answer.text
    try:
        cut = server.client.post("/t/acme/datasets/", content=endless())
        assert cut.status_code == 413
    except httpx.TransportError:
        pass  # the line was cut while we still sent, which is as good a refusal
    assert server.client.get("/t/acme/datasets/").status_code == 200
    assert not list((server.state / "incoming").iterdir())


def test_a_range_of_a_download_comes_over_the_line(server: Server, tmp_path: Path) -> None:
    path = _write(tmp_path / "rows", 3_000_000)
    page = _upload_by_form(server, path)
    answer = server.client.get(f"{page}original", headers={"Range": "bytes=2999990-"})
    assert (answer.status_code, answer.content) == (206, path.read_bytes()[-10:])
    head = server.client.head(f"{page}original")
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "3000000", b"")
