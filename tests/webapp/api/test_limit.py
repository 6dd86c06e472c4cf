"""A token that asks too often is told how long to wait; nobody else notices."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from tests.webapp.api.conftest import Program
from webapp.api import limit
from webapp.artifacts.models import Upload

Make = Callable[..., Program]
NOW = 1_800_000_015.0  # fifteen seconds into a minute


@pytest.fixture(autouse=True)
def _three_a_minute(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    monkeypatch.setattr(limit.time, "time", lambda: NOW)


def statuses(asked: Program, times: int) -> list[int]:
    return [asked.ask("GET", "/me")[0] for _time in range(times)]


def test_beyond_the_limit_the_answer_is_429_with_the_seconds_to_wait(program: Make, trainer: Any) -> None:
    asked = program(trainer)
    assert statuses(asked, 3) == [200, 200, 200]
    status, problem = asked.ask("GET", "/me")
    assert (status, problem["code"]) == (429, "too_many_requests")
    assert asked.headers["Content-Type"] == "application/problem+json"
    assert asked.headers["Retry-After"] == "45"
    assert "3 times a minute" in problem["detail"] and "45 seconds" in problem["detail"]


def test_another_token_of_the_same_person_has_a_bucket_of_its_own(program: Make, trainer: Any) -> None:
    assert statuses(program(trainer), 4)[-1] == 429
    assert statuses(program(trainer), 1) == [200]


def test_the_next_minute_brings_a_full_bucket(program: Make, trainer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = program(trainer)
    assert statuses(asked, 4)[-1] == 429
    monkeypatch.setattr(limit.time, "time", lambda: NOW + 45)
    assert statuses(asked, 4) == [200, 200, 200, 429]


def test_a_refused_request_does_nothing(program: Make, trainer: Any) -> None:
    asked = program(trainer)
    statuses(asked, 3)
    assert asked.ask("POST", "/uploads", {"file_name": "a.jsonl", "size_bytes": 3})[0] == 429
    assert not Upload.objects.exists()


def test_a_cache_that_lost_the_count_refuses_nobody(
    program: Make, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_arguments: Any) -> int:
        raise ValueError("no such key")

    monkeypatch.setattr(cache, "incr", lost)
    assert set(statuses(program(trainer), 6)) == {200}


def test_zero_means_no_limit(program: Make, trainer: Any, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 0
    assert set(statuses(program(trainer), 6)) == {200}
