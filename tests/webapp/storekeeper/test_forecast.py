import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.verdict import Verdict
from webapp.storekeeper import forecast
from webapp.storekeeper.forecast import Outlook, Point

FIRST = dt.date(2026, 1, 1)
GB = 1_000_000_000


def points(*used: float) -> list[Point]:
    return [Point(FIRST + dt.timedelta(days=n), int(value)) for n, value in enumerate(used)]


def test_a_steady_pace_says_the_day() -> None:
    found = forecast.of(points(*(n * GB for n in range(10))), room_bytes=23 * GB + 1)
    assert (found.outlook, found.days_left, found.bytes_per_day) == (Outlook.FILLING, 23, GB)
    assert str(Verdict(forecast.sentence(found))) == "At this pace, 1\xa0GB a day, the disk is full in 23 days."


def test_one_large_model_that_came_bends_the_pace_little() -> None:
    used = [n * GB + (400 * GB if n >= 5 else 0) for n in range(14)]
    found = forecast.of(points(*used), room_bytes=100 * GB)
    straight_line = (used[-1] - used[0]) / 13
    assert found.bytes_per_day < straight_line / 2


@pytest.mark.parametrize("days", range(forecast.DAYS_NEEDED))
def test_too_little_history_makes_no_forecast(days: int) -> None:
    found = forecast.of(points(*(n * GB for n in range(days))), room_bytes=GB)
    assert (found.outlook, found.days_left) == (Outlook.TOO_SHORT, None)
    assert f"{days} of 7 days are known" in forecast.sentence(found)


def test_a_disk_that_empties_or_rests_is_never_full() -> None:
    for used in ([9 * GB - n for n in range(9)], [GB] * 9):
        assert forecast.of(points(*used), room_bytes=GB).outlook is Outlook.STEADY


def test_a_full_disk_and_a_bucket_are_said_as_they_are() -> None:
    assert forecast.of([], room_bytes=0).outlook is Outlook.FULL
    assert forecast.of([], room_bytes=None).outlook is Outlook.UNKNOWN


def test_only_the_last_thirty_days_count() -> None:
    long_ago = [n * 50 * GB for n in range(40)]
    lately = [long_ago[-1] + n * GB for n in range(1, 31)]
    assert forecast.of(points(*long_ago, *lately), room_bytes=100 * GB).bytes_per_day == GB


@given(pace=st.integers(1_000_000, 50 * GB), noise=st.floats(0, 0.3), seed=st.integers(0, 99), days=st.integers(10, 30))
def test_the_pace_is_found_through_noise(pace: int, noise: float, seed: int, days: int) -> None:
    dice = random.Random(seed)
    used = [pace * (n + dice.uniform(-noise, noise)) for n in range(days)]
    found = forecast.of(points(*used), room_bytes=pace * 100)
    assert found.bytes_per_day == pytest.approx(pace, rel=0.1)
