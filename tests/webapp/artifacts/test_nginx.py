"""A real nginx with the settings that we ship, before the real web process: who may download is asked of us, the bytes
come from nginx."""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CSRF = "c" * 32
CONTENT = hashlib.shake_128(b"rows").digest(3_000_000)

pytestmark = pytest.mark.skipif(NGINX is None, reason="there is no nginx on this machine")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configured(folder: Path, *, port: int, upstream: str, files: Path) -> Path:
    """What we ship, with this test's ports and paths, in the smallest frame that nginx accepts."""
    shipped = (ROOT / "docker" / "nginx.conf").read_text()
    for pattern, here in (
        (r"server 127\.0\.0\.1:8000;", f"server {upstream};"),
        (r"listen 127\.0\.0\.1:80;", f"listen 127.0.0.1:{port};"),
        (r"alias /srv/tunesmith/files/;", f"alias {files}/;"),
    ):
        shipped, count = re.subn(pattern, here, shipped)
        assert count == 1, pattern
    kept = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.getuid() == 0 else ""
    frame = f"{user}pid {folder}/pid;\ndaemon off;\nevents {{}}\nhttp {{\naccess_log off;\n{kept}{shipped}}}\n"
    path = folder / "nginx.conf"
    path.write_text(frame)
    return path


@dataclass
class Front:
    client: httpx.Client
    upstream: str
    page: str


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "nginx ended"
        try:
            httpx.get(url)
        except httpx.TransportError:
            continue
        return
    pytest.fail("nginx does not answer")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    state, folder = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("nginx")
    port = free_port()
    environment = os.environ | {"TUNESMITH_STATE": str(state), "PYTHONPATH": str(ROOT), "DISK_RESERVE_BYTES": "0"}
    environment |= {"ACCEL_PREFIX": "/stored-files/", "ALLOWED_HOSTS": "127.0.0.1"}
    environment.pop("DATABASE_URL", None)
    web_command = [sys.executable, str(Path(__file__).with_name("serve.py"))]
    with subprocess.Popen(web_command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as web:
        assert web.stdout is not None
        told = json.loads(web.stdout.readline())
        config = configured(folder, port=port, upstream=told["url"].removeprefix("http://"), files=state / "files")
        assert NGINX is not None
        nginx_command = [NGINX, "-e", str(folder / "error.log"), "-c", str(config)]
        with subprocess.Popen(nginx_command, text=True) as nginx:
            try:
                wait_for(f"http://127.0.0.1:{port}/healthz", nginx)
                cookies = {told["session_name"]: told["session"], told["csrf_name"]: CSRF}
                headers = {"X-CSRFToken": CSRF, "Accept": "application/json"}
                url = f"http://127.0.0.1:{port}"
                with httpx.Client(base_url=url, cookies=cookies, headers=headers, timeout=60) as client:
                    yield Front(client=client, upstream=told["url"], page=_uploaded(client))
            finally:
                nginx.terminate()
                web.terminate()


def _uploaded(client: httpx.Client) -> str:
    """A file in storage, with a page from which a member may download it."""
    files = {"file": ("rows.bin", CONTENT, "application/octet-stream")}
    fields = {"validation_share": "0.1", "csrfmiddlewaretoken": CSRF}
    answer = client.post("/t/acme/datasets/new/", data=fields, files=files)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def test_nginx_sends_what_we_allow_with_our_etag(front: Front) -> None:
    answer = front.client.get(f"{front.page}original")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Server"].startswith("nginx")
    assert answer.headers["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert answer.headers["Content-Disposition"] == 'attachment; filename="rows.bin"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src" in answer.headers["Content-Security-Policy"]
    assert "X-Accel-Redirect" not in answer.headers
    unsent = httpx.get(front.upstream + f"{front.page}original", cookies=front.client.cookies)
    assert (unsent.content, "X-Accel-Redirect" in unsent.headers) == (b"", True)  # it really was nginx


@pytest.mark.row("W3")
@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [("bytes=10-19", 206, 10, 20), ("bytes=2999990-", 206, 2_999_990, 3_000_000), ("bytes=3000000-", 416, 0, 0)],
)
def test_a_range_comes_from_nginx(front: Front, asked: str, status: int, start: int, end: int) -> None:
    answer = front.client.get(f"{front.page}original", headers={"Range": asked})
    assert answer.status_code == status
    if status == 206:
        assert answer.content == CONTENT[start:end]


def test_a_cut_download_goes_on_only_with_the_same_content(front: Front) -> None:
    etag = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    for condition, status in ((etag, 206), ('"older"', 200)):
        headers = {"Range": "bytes=5-", "If-Range": condition}
        answer = front.client.get(f"{front.page}original", headers=headers)
        assert answer.status_code == status
        assert answer.content == CONTENT[5 if status == 206 else 0 :]


def test_who_has_it_already_gets_nothing_more_from_nginx(front: Front) -> None:
    etag = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    answer = front.client.get(f"{front.page}original", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.row("S6")
def test_nobody_reaches_stored_files_past_us(front: Front) -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    path = f"/stored-files/blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    assert front.client.get(path).status_code == 404
    with httpx.Client(base_url=front.client.base_url) as nobody:
        answer = nobody.get(f"{front.page}original")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/account/login/")
