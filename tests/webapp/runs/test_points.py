import json
import math
import random
import struct

import pytest

from webapp.runs import points as p
from webapp.runs.points import Cursor, Points


def series(pairs):
    result = Points()
    for step, value in pairs:
        result.append(step, value)
    return result


def pairs(points):
    return list(zip(points.steps, points.values, strict=True))


def test_points_are_packed_as_little_endian_int32_and_float32():
    steps, values = series([(1, 0.5), (258, -2.0)]).packed()
    assert steps == struct.pack("<2i", 1, 258)
    assert values == struct.pack("<2f", 0.5, -2.0)
    assert pairs(Points.unpacked(memoryview(steps), memoryview(values))) == [(1, 0.5), (258, -2.0)]


@pytest.mark.parametrize(
    ("value", "flag", "kept"),
    [
        (1.5, "", 1.5),
        (3, "", 3.0),
        (1e308, "", math.inf),
        (-1e39, "", -math.inf),
        (math.inf, "", math.inf),
        (10**400, "", math.inf),
        (None, "inf", math.inf),
        (None, "-inf", -math.inf),
    ],
)
@pytest.mark.row("F32")
def test_a_value_is_kept_when_float32_can_hold_it_and_is_an_infinity_otherwise(value, flag, kept):
    assert p.storable(value, flag) == kept


@pytest.mark.parametrize(
    ("value", "flag"), [(None, ""), ("x", ""), (True, ""), (math.nan, ""), (None, "nan"), ([1], "")]
)
@pytest.mark.row("F32")
def test_what_is_no_number_is_kept_as_a_gap(value, flag):
    assert math.isnan(p.storable(value, flag))


@pytest.mark.row("F32")
def test_json_of_gaps_is_valid_and_names_what_they_were():
    answer = p.as_json(series([(1, 0.1), (2, math.nan), (3, math.inf), (4, -math.inf)]))
    assert json.loads(json.dumps(answer, allow_nan=False)) == {
        "step": [1, 2, 3, 4],
        "value": [0.1, None, None, None],
        "flags": {"2": "nan", "3": "inf", "4": "-inf"},
    }


def test_thinning_keeps_both_ends_and_the_true_extremes():
    numbers = random.Random(1)
    raw = [(step, numbers.gauss(1.0, 0.1)) for step in range(1, 50_001)]
    raw[31_007] = (31_008, 9.0)
    raw[31_009] = (31_010, -9.0)
    thin = p.thinned(series(raw), 1200)
    assert len(thin) <= 1200
    assert thin.steps[0] == 1 and thin.steps[-1] == 50_000
    assert (31_008, 9.0) in pairs(thin) and (31_010, -9.0) in pairs(thin)
    assert p.is_rising(thin.steps)


def test_thinning_never_joins_over_a_gap():
    raw = [(step, math.nan if step == 700 else 1.0) for step in range(1, 5001)]
    assert 700 in p.thinned(series(raw), 100).steps


def test_a_short_series_is_not_thinned():
    points = series((step, 1.0) for step in range(100))
    assert p.thinned(points, 100) is points


def test_a_rewind_hides_what_the_dead_attempt_did_beyond_it():
    first = series((step, 1.0) for step in range(1, 10))
    second = series((step, 2.0) for step in range(7, 9))
    shown = p.visible([(1, first), (2, second)], [(2, 6)])
    assert pairs(shown) == [(step, 1.0) for step in range(1, 7)] + [(7, 2.0), (8, 2.0)]


def test_two_rewinds_hide_down_to_the_lower_one():
    attempts = [
        (number, series((step, float(number)) for step in steps))
        for number, steps in [(1, range(1, 10)), (2, range(7, 9)), (3, range(4, 6))]
    ]
    shown = p.visible(attempts, [(2, 6), (3, 3)])
    assert pairs(shown) == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 3.0), (5, 3.0)]


def test_the_newest_attempt_wins_a_step_that_both_said():
    assert pairs(p.visible([(1, series([(5, 1.0), (6, 1.0)])), (2, series([(6, 2.0)]))], [(2, 6)])) == [
        (5, 1.0),
        (6, 2.0),
    ]


def test_points_that_came_late_are_shown_at_their_step():
    assert list(p.visible([(1, series([(1, 1.0), (3, 3.0), (2, 2.0)]))], []).values) == [1.0, 2.0, 3.0]


def test_a_cursor_survives_its_own_encoding():
    cursor = Cursor(2, {"train/loss": 187, "a b": 0})
    assert Cursor.decoded(cursor.encoded()) == cursor


@pytest.mark.parametrize("text", ["", "x", "%%%", "W10", "WzEsMl0", "WzEseyJhIjotMX1d", "WyIxIix7fV0", "Wzk" * 50_000])
def test_a_cursor_that_is_not_ours_is_no_cursor(text):
    assert Cursor.decoded(text) is None
