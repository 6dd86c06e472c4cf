from typing import Any

import pytest
import redis
from django.core.cache.backends.redis import RedisCache

from webapp.core import cache


@pytest.fixture
def away() -> cache.ForgivingRedisCache:
    """Nobody listens on port 1."""
    return cache.ForgivingRedisCache("redis://127.0.0.1:1/0", {})


@pytest.mark.row("F20")
def test_a_cache_that_is_away_is_a_miss_and_never_an_error(away: cache.ForgivingRedisCache) -> None:
    assert away.get("key", "default") == "default"
    assert away.get_many(["a", "b"]) == {}
    away.delete("key")


@pytest.mark.row("F20")
def test_limits_on_sign_in_hold_while_the_cache_is_away(away: cache.ForgivingRedisCache) -> None:
    assert away.add("tries", 1)
    assert away.incr("tries") == 2
    assert not away.add("tries", 1)


@pytest.mark.row("F20")
@pytest.mark.parametrize("error", [redis.OutOfMemoryError, redis.ReadOnlyError])
def test_a_cache_that_is_full_or_takes_nothing_is_a_miss_too(
    away: cache.ForgivingRedisCache, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> None:
        raise error("command not allowed")

    monkeypatch.setattr(RedisCache, "set", refuse)
    away.set("key", 1)
    assert away.get("key") == 1  # kept by this process


def test_redis_is_left_alone_for_a_while_after_a_failure(
    away: cache.ForgivingRedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(self: Any, key: str, *args: Any, **kwargs: Any) -> None:
        asked.append(key)
        raise redis.ConnectionError("gone")

    now = [100.0]
    monkeypatch.setattr(RedisCache, "get", refuse)
    monkeypatch.setattr(cache.time, "monotonic", lambda: now[0])
    away.get("first")
    away.get("second")
    assert asked == ["first"]
    now[0] += cache.PAUSE_SECONDS
    away.get("third")
    assert asked == ["first", "third"]


def test_a_mistake_of_ours_is_not_taken_for_an_absent_cache(
    away: cache.ForgivingRedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, *args: Any, **kwargs: Any) -> None:
        raise TypeError("cannot pickle this")

    monkeypatch.setattr(RedisCache, "set", broken)
    with pytest.raises(TypeError):
        away.set("key", object())
