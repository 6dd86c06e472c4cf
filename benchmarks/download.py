"""B19: how fast downloads are, and what a client costs. `python benchmarks/download.py [--repetitions 5]`

Eight clients at once take the weights of one adapter version (269 MB) from the real product, signed in, over loopback:

- `nginx`      the product allows it, nginx sends it (docker/nginx.conf, X-Accel-Redirect)
- `plain`      the same nginx sends the same file without asking anybody: sendfile and nothing else
- `embedded`   the product's own web process sends it (uvicorn, what `make up` runs)
- `peer`       Django's FileResponse in such a process, behind the same sign-in
- `floor`      os.sendfile from a bare socket server

The variants take turns within each repetition, so that whatever else the machine does meets all of them; ratios are
taken within a repetition. Before anything counts, each variant's bytes are compared by SHA-256. Memory is the peak of a
process above what it had after one client, divided by the number of clients.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "download.json"
SIZE_BYTES = 269_060_552  # SmolLM2-135M in bfloat16
CLIENTS = 8
FILE = "adapter_model.safetensors"
PIECE = 1024 * 1024


def fetch(port: int, path: str, cookie: str, *, check: bool = False) -> str:
    """Read one answer to its end and throw it away; with `check`, its SHA-256."""
    digest, buffer = hashlib.sha256(), bytearray(PIECE)
    with socket.create_connection(("127.0.0.1", port)) as line:
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        line.sendall(head.encode())
        start = b""
        while b"\r\n\r\n" not in start:
            piece = line.recv(65_536)
            if not piece:
                raise RuntimeError(f"{path} was cut off: {start[:300]!r}")
            start += piece
        headers, body = start.split(b"\r\n\r\n", 1)
        if not headers.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path} answered {headers[:300]!r}")
        digest.update(body)
        received = len(body)
        while count := line.recv_into(buffer):
            received += count
            if check:
                digest.update(memoryview(buffer)[:count])
    if received < SIZE_BYTES:
        raise RuntimeError(f"{path} ended after {received} bytes")
    return digest.hexdigest() if check else ""


def together(port: int, path: str, cookie: str) -> float:
    """GB/s of CLIENTS at once."""
    failed: list[BaseException] = []

    def one() -> None:
        try:
            fetch(port, path, cookie)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=one) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return CLIENTS * SIZE_BYTES / (time.perf_counter() - started) / 1e9


def memory(pid: int, name: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


def floor_server(path: Path) -> int:
    """A socket server that knows nothing but os.sendfile; returns its port."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(line: socket.socket) -> None:
        with line, path.open("rb") as file:
            line.recv(65_536)
            line.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE_BYTES}\r\n\r\n".encode())
            offset = 0
            while offset < SIZE_BYTES:
                offset += os.sendfile(line.fileno(), file.fileno(), offset, SIZE_BYTES - offset)

    def serve() -> None:
        while True:
            line, _address = listening.accept()
            threading.Thread(target=answer, args=[line], daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return int(listening.getsockname()[1])


def nginx_config(folder: Path, *, port: int, upstream: int, files: Path) -> Path:
    """What we ship, in the smallest frame, and beside it a place that asks nobody."""
    shipped = (ROOT / "docker" / "nginx.conf").read_text()
    shipped = shipped.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace("127.0.0.1:80;", f"127.0.0.1:{port};")
    shipped = shipped.replace("/srv/tunesmith/files/", f"{files}/")
    plain = f"location /plain/ {{ alias {files}/; sendfile on; tcp_nopush on; }}\n    location / {{"
    shipped = shipped.replace("location / {", plain, 1)
    temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    kept = "".join(f"{name}_temp_path {folder}/{name};\n" for name in temporary)
    user = "user root;\n" if os.getuid() == 0 else ""
    frame = f"{user}pid {folder}/pid;\ndaemon off;\nworker_processes auto;\nevents {{}}\n"
    path = folder / "nginx.conf"
    path.write_text(f"{frame}http {{\naccess_log off;\n{kept}{shipped}}}\n")
    return path


def start_web(state: Path, **environment: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    known = os.environ | {"TUNESMITH_STATE": str(state), "PYTHONPATH": str(ROOT), "DISK_RESERVE_BYTES": "0"}
    known.pop("DATABASE_URL", None)
    command = [sys.executable, str(ROOT / "benchmarks" / "download_server.py"), str(SIZE_BYTES)]
    process = subprocess.Popen(command, env=known | environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def summary(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def measure(repetitions: int, state: Path, nginx: str) -> dict[str, Any]:
    embedded, told = start_web(state)
    peer, told_peer = start_web(state)
    behind, told_behind = start_web(state, ACCEL_PREFIX="/stored-files/")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config = nginx_config(state, port=port, upstream=told_behind["port"], files=state / "files")
    front = subprocess.Popen([nginx, "-e", str(state / "error.log"), "-c", str(config)])
    try:
        time.sleep(1)
        floor = floor_server(Path(told["stored"]))
        ways = {
            "nginx": (port, told["path"]),
            "plain": (port, f"/plain/{told['key']}"),
            "embedded": (told["port"], told["path"]),
            "peer": (told_peer["port"], told_peer["peer"]),
            "floor": (floor, "/"),
        }
        for name, (where, path) in ways.items():
            if fetch(where, path, told["cookie"], check=True) != told["sha256"]:
                raise RuntimeError(f"{name} sent other bytes")
        speeds: dict[str, list[float]] = {name: [] for name in ways}
        grown: dict[str, list[float]] = {"embedded": [], "peer": []}
        idle = {"embedded": memory(embedded.pid, "VmRSS"), "peer": memory(peer.pid, "VmRSS")}
        processes = {"embedded": embedded.pid, "peer": peer.pid}
        for turn in range(repetitions):
            first = turn % len(ways)
            for name, (where, path) in [*ways.items()][first:] + [*ways.items()][:first]:
                if name in processes:
                    Path(f"/proc/{processes[name]}/clear_refs").write_text("5")
                speed = together(where, path, told["cookie"])
                if name in processes:
                    grown[name].append((memory(processes[name], "VmHWM") - idle[name]) / CLIENTS)
                speeds[name].append(speed)
                sys.stdout.write(f"{turn + 1}/{repetitions} {name:9} {speed:5.2f} GB/s\n")
    finally:
        for process in (front, embedded, peer, behind):
            process.terminate()
            process.wait(20)
    ratio = {
        "nginx / plain": [a / b for a, b in zip(speeds["nginx"], speeds["plain"], strict=True)],
        "nginx / floor": [a / b for a, b in zip(speeds["nginx"], speeds["floor"], strict=True)],
        "embedded / peer": [a / b for a, b in zip(speeds["embedded"], speeds["peer"], strict=True)],
    }
    return {
        "clients": CLIENTS,
        "size_bytes": SIZE_BYTES,
        "repetitions": repetitions,
        "gigabytes_per_second": {name: summary(values) for name, values in speeds.items()},
        "ratios": {name: summary(values) for name, values in ratio.items()},
        "peak_bytes_per_client": {name: summary(values) for name, values in grown.items()},
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        sys.exit("nginx was not found. On Debian: apt-get install nginx-light")
    with tempfile.TemporaryDirectory() as state:
        found = measure(options.repetitions, Path(state), nginx)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
