from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.api.conftest import Program
from webapp.artifacts.models import Upload
from webapp.datasets.models import DatasetVersion
from webapp.jobs.models import Job

Make = Callable[..., Program]
ROWS = b'{"prompt": "a", "completion": "b"}\n' * 3


def send(asked: Program, content: bytes = ROWS) -> str:
    """The whole way of a chunked upload; returns its id."""
    _status, upload = asked.ask("POST", "/uploads", {"file_name": "answers.jsonl", "size_bytes": len(content)})
    half = len(content) // 2
    for offset, chunk in ((0, content[:half]), (half, content[half:])):
        asked.ask("PATCH", f"/uploads/{upload['id']}", chunk, **{"upload-offset": str(offset)})
    status, finished = asked.ask("POST", f"/uploads/{upload['id']}/finish")
    assert (status, finished["state"]) == (200, "complete")
    return str(upload["id"])


def test_a_file_sent_in_chunks_becomes_a_dataset_that_is_being_read(program: Make, trainer: Any) -> None:
    asked = program(trainer)
    status, dataset = asked.ask("POST", "/datasets", {"upload": send(asked), "name": "Answers"})
    assert (status, dataset["name"], dataset["versions"][0]["state"]) == (201, "Answers", "queued")
    assert Job.objects.get().kind == "read"
    assert asked.ask("GET", f"/datasets/{dataset['id']}/versions/1")[1]["file_name"] == "answers.jsonl"


@pytest.mark.row("D17")
def test_the_same_chunk_twice_is_harmless_and_a_wrong_place_is_named(program: Make, trainer: Any) -> None:
    asked = program(trainer)
    upload = asked.ask("POST", "/uploads", {"file_name": "a.jsonl", "size_bytes": 9})[1]
    path = f"/uploads/{upload['id']}"
    for _time in range(2):
        assert asked.ask("PATCH", path, b"abc", **{"upload-offset": "0"})[1]["offset"] == 3
    status, problem = asked.ask("PATCH", path, b"xyz", **{"upload-offset": "6"})
    assert (status, problem["code"], problem["offset"]) == (409, "wrong_offset", 3)
    assert asked.ask("GET", path)[1]["offset"] == 3
    assert asked.ask("PATCH", path, b"xyz", **{"upload-offset": "-1"})[0] == 400


def test_a_file_above_the_limit_is_refused_before_a_byte_is_sent(program: Make, trainer: Any, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    status, problem = program(trainer).ask("POST", "/uploads", {"file_name": "a.jsonl", "size_bytes": 1001})
    assert (status, problem["code"]) == (413, "too_large")
    assert not Upload.objects.exists()


@pytest.mark.row("S2")
def test_the_upload_of_another_team_cannot_be_used_or_seen(program: Make, trainer: Any, stranger: Any) -> None:
    id = send(program(trainer))
    other = program(stranger)
    assert other.ask("GET", f"/uploads/{id}")[0] == 404
    assert other.ask("POST", "/datasets", {"upload": id, "name": "Mine now"})[0] == 404
    assert not DatasetVersion.objects.exists()


@pytest.mark.row("S6")
def test_a_path_in_a_field_is_only_ever_a_name(program: Make, trainer: Any) -> None:
    asked = program(trainer)
    body = {"file_name": "../../etc/passwd", "size_bytes": len(ROWS)}
    upload = asked.ask("POST", "/uploads", body)[1]
    assert "/" not in upload["file_name"]
    assert asked.ask("POST", "/datasets", {"upload": "/etc/passwd", "name": "x"})[0] == 422


def test_a_file_whose_columns_are_unclear_is_not_called_unreadable(program: Make, trainer: Any) -> None:
    """The words are those of the dataset's page: it is a table, only nobody knows which column is what."""
    asked = program(trainer)
    dataset = asked.ask("POST", "/datasets", {"upload": send(asked), "name": "Answers"})[1]
    Job.objects.update(
        state="failed",
        fault="unknown_format",
        fault_data={"columns": ["ticket", "reply"], "doubts": ["unknown_names"], "guess": {}},
    )
    fault = asked.ask("GET", f"/datasets/{dataset['id']}")[1]["versions"][0]["job"]["fault"]
    assert fault["title"] == "It is not clear which column holds what"
    assert fault["code"] == "unknown_format" and fault["data"]["columns"] == ["ticket", "reply"]
