"""`servers.py COMMAND …`: run a command with DATABASE_URL and REDIS_URL of real servers, started for it alone.

PostgreSQL and Redis come from the system (as root they are installed from Debian when they are missing). A test that
starts a broker of its own is told by BROKER_PROGRAM to start that Redis as well. The servers keep their data in
temporary folders, listen on loopback ports of their own, and are ended by their process ids.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 60


def find(name: str) -> Path | None:
    """A program on PATH, or where Debian keeps the PostgreSQL servers."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return found[0] if found else (Path(path) if (path := shutil.which(name)) else None)


def require(package: str, program: str) -> Path:
    """The program, installed first where that is possible."""
    found = find(program)
    if found is None and os.getuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for argv in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-qq", "-y", "--no-install-recommends", package],
        ):
            subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)
        found = find(program)
    if found is None:
        sys.exit(f"{program} was not found. On Debian: apt-get install {package}")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged() -> pwd.struct_passwd | None:
    """Whom to become: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@contextlib.contextmanager
def running(argv: list[str], *, port: int, log: Path, user: pwd.struct_passwd | None) -> Iterator[None]:
    """A server that accepts connections, ended when the block ends."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
        )
    try:
        wait_for(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"{process.args[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")  # type: ignore[index]


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The address of a new, empty PostgreSQL."""
    require("postgresql", "postgres")
    initdb, server = require("postgresql", "initdb"), require("postgresql", "postgres")
    port, password, user = free_port(), secrets.token_hex(12), unprivileged()
    data, password_file = folder / "data", folder / "password"
    password_file.write_text(password)
    if user:
        shutil.chown(folder, user.pw_uid, user.pw_gid)
        shutil.chown(password_file, user.pw_uid, user.pw_gid)
    subprocess.run(
        [initdb, "--pgdata", data, "--username=tunesmith", "--auth=scram-sha-256", "--pwfile", password_file,
         "--encoding=UTF8", "--locale=C", "--no-sync"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
    )  # fmt: skip
    argv = [str(server), "-D", str(data), "-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1",
            "-c", "fsync=off", "-c", "max_connections=200"]  # fmt: skip
    with running(argv, port=port, log=folder / "log", user=user):
        yield f"postgres://tunesmith:{password}@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """The address of a new, empty Redis."""
    server = require("redis-server", "redis-server")
    port, password = free_port(), secrets.token_hex(12)
    configuration = folder / "redis.conf"
    configuration.write_text(f'port {port}\nbind 127.0.0.1\nrequirepass {password}\ndir "{folder}"\nsave ""\n')
    with running([str(server), str(configuration)], port=port, log=folder / "log", user=None):
        yield f"redis://:{password}@127.0.0.1:{port}/0"


def main() -> int:
    with contextlib.ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="servers"))) for _ in range(2)]
        database_url = stack.enter_context(postgresql(folders[0]))
        redis_url = stack.enter_context(redis(folders[1]))
        environment = os.environ | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        environment["BROKER_PROGRAM"] = str(require("redis-server", "redis-server"))
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
