import datetime as dt
import math

import pytest
from django.utils import timezone, translation

from webapp.core import units


def plain(text: str) -> str:
    return text.replace(units.NBSP, " ")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (1, "one"), (2, "two"), (12, "twelve"), (13, "13"), (1842, "1,842")]
)
def test_a_small_count_in_a_sentence_is_a_word(count: int, text: str) -> None:
    assert units.in_words(count) == text
    assert units.in_words(count, opens=True) == text.capitalize()


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1842, None, "1,842"),
        (1.0943, 3, "1.094"),
        (-0.0272, 3, "−0.027"),
        (-0.0001, 2, "0.00"),
        (2.5, None, "2.50"),
        (0, 0, "0"),
    ],
)
def test_a_number_has_separators_and_a_real_minus(value: float, digits: int | None, text: str) -> None:
    assert units.number(value, digits) == text


@pytest.mark.parametrize(("value", "text"), [(12, "+12"), (-2, "−2"), (0, "±0"), (0.0001, "±0.00"), (-0.0001, "±0.00")])
def test_a_difference_always_has_a_sign(value: float, text: str) -> None:
    assert units.delta(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (940, "940"),
        (12_400, "12.4 k"),
        (999_960, "1 M"),
        (1_880_000, "1.88 M"),
        (40_400_000, "40.4 M"),
        (7_660_000_000, "7.66 B"),
    ],
)
def test_a_large_number_keeps_three_digits(value: float, text: str) -> None:
    assert plain(units.compact(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1 kB"), (44_100_000, "44.1 MB"), (2 * 1000**3, "2 GB")],
)
def test_files_are_counted_in_thousands(value: int, text: str) -> None:
    assert plain(units.filesize(value)) == text


def test_a_24_gb_card_has_24_gb() -> None:
    assert plain(units.memory(24 * 1024**3)) == "24 GB"
    assert plain(units.memory(16.2 * 1024**3)) == "16.2 GB"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0053, "0.53 %"), (0.033, "3.3 %"), (0.41, "41 %"), (0, "0 %"), (1, "100 %")]
)
def test_a_small_share_keeps_its_digits(value: float, text: str) -> None:
    assert plain(units.percent(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2e-4, "2e-4"), (5e-5, "5e-5"), (1.25e-4, "1.25e-4"), (8.0e-5, "8e-5"), (0.0, "0"), (16, "16"), (0.05, "0.0500")],
)
def test_a_learning_rate_is_written_as_people_type_it(value: float, text: str) -> None:
    assert units.scientific(value) == text


@pytest.mark.parametrize(
    ("seconds", "short", "words"),
    [
        (8, "8 s", "less than a minute"),
        (59.6, "1 min", "1 minute"),
        (840, "14 min", "14 minutes"),
        (3590, "1 h", "1 hour"),
        (10_200, "2 h 50 min", "2 hours 50 minutes"),
        (10_320, "2 h 52 min", "2 hours 50 minutes"),
        (90_000, "1 day 1 h", "25 hours"),
    ],
)
def test_a_duration_is_rounded_as_one_would_say_it(seconds: float, short: str, words: str) -> None:
    assert plain(units.duration(seconds)) == short
    assert units.duration_words(seconds) == words


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
def test_what_is_not_known_is_never_shown_as_zero(unknown: float | None) -> None:
    written = [units.number, units.delta, units.compact, units.filesize, units.memory, units.percent, units.duration]
    assert {write(unknown) for write in written} == {units.UNKNOWN}


def test_the_locale_decides_the_separators() -> None:
    with translation.override("de"):
        assert units.number(1842.5, 1) == "1.842,5"
        assert plain(units.compact(1_880_000)) == "1,88 M"


def test_how_long_ago_goes_from_minutes_to_years() -> None:
    now = timezone.now()
    ages = {
        10: "just now",
        120: "2 minutes ago",
        7200: "2 hours ago",
        2 * 86_400: "2 days ago",
        90 * 86_400: "3 months ago",
    }
    for seconds, text in ages.items():
        assert units.ago(now - dt.timedelta(seconds=seconds), now) == text
    assert units.ago(now + dt.timedelta(minutes=14), now) == "in 14 minutes"


def test_the_clock_shows_the_date_only_when_it_is_not_today() -> None:
    now = timezone.now().replace(year=2026, month=6, day=12, hour=15, minute=0)
    assert units.clock(now.replace(hour=14, minute=41), now) == "14:41"
    assert plain(units.clock(now.replace(day=2, hour=14, minute=41), now)) == "2 Jun, 14:41"
    assert plain(units.clock(now.replace(year=2025, hour=9, minute=5), now)) == "12 Jun 2025, 09:05"
