"""What is done to the database at a start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from webapp import launch
from webapp.basemodels.models import PretrainedModel
from webapp.fleet.models import Worker
from webapp.launch import prepare

ROOT = Path(launch.__file__).parents[2]


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py as from a shell."""
    command = [sys.executable, "manage.py", *arguments]
    env = os.environ | environment
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.django_db
def test_a_database_that_is_up_to_date_is_left_alone_and_the_starter_model_ordered_once() -> None:
    assert "up to date" in prepare.prepare()
    prepare.prepare()
    assert PretrainedModel.objects.filter(team=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_process_ended_is_called_stopped_at_once() -> None:
    facts = {"host": socket.gethostname(), "cpu_count": 1, "memory_bytes": 1, "version": "1"}
    now = timezone.now()
    ended, other = (
        Worker.objects.create(name=name, pid=pid, started_at=now, seen_at=now, **facts)
        for name, pid in (("ended", 4_000_001), ("other", 4_000_002))
    )
    prepare.tell_worker_exited(ended.pid)
    ended.refresh_from_db()
    other.refresh_from_db()
    assert ended.stopped_at is not None and other.stopped_at is None


def test_a_database_server_that_does_not_answer_is_named_without_a_stack_trace(tmp_path: Path) -> None:
    away = "postgres://nobody:nothing@127.0.0.1:1/none?connect_timeout=1"
    ended = manage("up", TUNESMITH_STATE=str(tmp_path), DATABASE_URL=away, PORT="")
    assert ended.returncode != 0
    assert "DATABASE_URL does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.row("S4")
@pytest.mark.parametrize("key", ["short", "django-insecure-0123456789-0123456789-0123456789", "a" * 50])
def test_nothing_starts_with_a_default_or_short_secret_key(tmp_path: Path, key: str) -> None:
    ended = manage("up", TUNESMITH_STATE=str(tmp_path), SECRET_KEY=key)
    assert ended.returncode != 0
    assert "SECRET_KEY" in ended.stderr and "Traceback" not in ended.stderr
    assert not (tmp_path / "tunesmith.sqlite3").exists()


def test_a_port_in_use_is_named_with_the_remedy_and_without_a_stack_trace(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = manage("up", TUNESMITH_STATE=str(tmp_path), PORT=str(port))
    assert ended.returncode != 0
    assert f"Port {port} is used by another program" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_state_folder_that_cannot_be_made_is_named_without_a_stack_trace(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = manage("up", TUNESMITH_STATE=str(tmp_path / "file" / "state"))
    assert ended.returncode != 0
    assert "TUNESMITH_STATE" in ended.stderr and "Traceback" not in ended.stderr
