import json
import math

import pytest

from webapp.runs import actions, series
from webapp.runs.actions import recording
from webapp.runs.models import MetricBuffer, MetricChunk
from webapp.runs.points import CHUNK_POINTS

pytestmark = pytest.mark.django_db


def batch(steps, **names):
    """Points at these steps; each name's value is a function of the step."""
    return [(step, {name: value(step) for name, value in names.items()}, {}) for step in steps]


def loss(step):
    return 2.0 - step / 1000


def read(run, *names, **options):
    run.refresh_from_db()
    return series.read(run, names, **options)


def shown(run, name="loss"):
    answer = read(run, name, points=10**9)["series"].get(name, {"step": [], "value": []})
    return list(zip(answer["step"], answer["value"], strict=True))


def test_what_was_appended_is_read_back(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 4), loss=loss, lr=lambda step: 2e-4))
    assert shown(run) == [(1, 1.999), (2, 1.998), (3, 1.997)]
    assert shown(run, "lr") == [(1, 2e-4), (2, 2e-4), (3, 2e-4)]
    run.refresh_from_db()
    assert run.last_values == pytest.approx({"loss": 1.997, "lr": 2e-4})


@pytest.mark.row("F31")
def test_a_batch_that_comes_twice_changes_nothing(run):
    points = batch(range(1, CHUNK_POINTS + 500), loss=loss)
    actions.append_metrics(run=run, attempt=1, points=points)
    before = shown(run), read(run)["cursor"]
    actions.append_metrics(run=run, attempt=1, points=points)
    actions.append_metrics(run=run, attempt=1, points=points[200:300])
    assert (shown(run), read(run)["cursor"]) == before
    assert run.last_values["loss"] == pytest.approx(loss(CHUNK_POINTS + 499))


@pytest.mark.row("F31")
def test_points_out_of_order_lead_to_the_same_chart(run, team, make_run):
    other = make_run(team=team, name="other", dataset_version=run.dataset_version)
    points = batch(range(1, 41), loss=loss)
    actions.append_metrics(run=run, attempt=1, points=points)
    for part in (points[20:], points[:25], points[:5]):
        actions.append_metrics(run=other, attempt=1, points=part)
    assert shown(other) == shown(run)


def test_a_full_buffer_is_sealed_with_its_bounds(run):
    points = batch(range(1, 2 * CHUNK_POINTS + 11), loss=loss)
    for start in range(0, len(points), 100):
        actions.append_metrics(run=run, attempt=1, points=points[start : start + 100])
    chunks = list(MetricChunk.objects.order_by("pk"))
    assert [(chunk.first_step, chunk.last_step, chunk.count) for chunk in chunks] == [
        (1, 1024, 1024),
        (1025, 2048, 1024),
    ]
    assert chunks[0].maximum == pytest.approx(loss(1)) and chunks[0].minimum == pytest.approx(loss(1024))
    assert MetricBuffer.objects.get().count == 10
    assert [step for step, _value in shown(run)] == list(range(1, 2059))


def test_a_rewind_hides_later_points_and_keeps_them(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 10), loss=lambda step: 1.0))
    actions.record_rewind(run=run, attempt=2, step=6)
    assert [step for step, _value in shown(run)] == [1, 2, 3, 4, 5, 6]
    actions.append_metrics(run=run, attempt=2, points=batch([7, 8], loss=lambda step: 2.0))
    assert shown(run)[5:] == [(6, 1.0), (7, 2.0), (8, 2.0)]
    assert MetricChunk.objects.get(attempt=1).last_step == 9


def test_a_plan_of_a_later_attempt_is_a_rewind(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 10), loss=loss))
    for _time in range(2):
        actions.record_planned(run=run, attempt=2, planned={"total_steps": 20, "resumed_from_step": 4})
    assert [step for step, _value in shown(run)] == [1, 2, 3, 4]
    assert run.rewinds.count() == 1
    assert read(run)["total_steps"] == 20


def test_the_first_plan_is_none(run):
    actions.record_planned(run=run, attempt=1, planned={"total_steps": 20, "resumed_from_step": 0})
    assert not run.rewinds.exists()


@pytest.mark.row("F34")
def test_who_comes_back_with_a_cursor_gets_what_is_new_and_nothing_twice(run):
    collected = []
    cursor = ""
    for start in range(1, 3000, 173):
        actions.append_metrics(run=run, attempt=1, points=batch(range(start, start + 173), loss=loss))
        answer = read(run, "loss", after=cursor)
        assert answer["reset"] is (cursor == "")
        collected += answer["series"]["loss"]["step"]
        cursor = answer["cursor"]
    assert collected == list(range(1, collected[-1] + 1))
    again = read(run, "loss", after=cursor)
    assert again["series"]["loss"] == {"step": [], "value": []} and again["cursor"] == cursor


def test_a_metric_that_appears_later_is_sent_whole(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 5), loss=loss))
    cursor = read(run)["cursor"]
    actions.append_metrics(run=run, attempt=1, points=batch([4], validation_loss=lambda step: 1.5))
    answer = read(run, after=cursor)
    assert answer["reset"] is False
    assert answer["series"]["validation_loss"] == {"step": [4], "value": [1.5]}


def test_a_rewind_reaches_the_chart_once_and_then_it_goes_on(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 1500), loss=loss))
    cursor = read(run, "loss")["cursor"]
    actions.record_rewind(run=run, attempt=2, step=1200)
    answer = read(run, "loss", after=cursor, points=10**9)
    assert answer["reset"] is True and answer["series"]["loss"]["step"][-1] == 1200
    actions.append_metrics(run=run, attempt=2, points=batch(range(1201, 1204), loss=loss))
    answer = read(run, "loss", after=answer["cursor"])
    assert answer["reset"] is False and answer["series"]["loss"]["step"] == [1201, 1202, 1203]


def test_a_late_point_between_two_that_were_sent_makes_the_chart_start_again(run):
    actions.append_metrics(run=run, attempt=1, points=batch([1, 2, 4], loss=loss))
    cursor = read(run)["cursor"]
    actions.append_metrics(run=run, attempt=1, points=batch([3], loss=loss))
    answer = read(run, after=cursor)
    assert answer["reset"] is True and answer["series"]["loss"]["step"] == [1, 2, 3, 4]


def test_points_of_a_dead_attempt_that_arrive_after_the_rewind_stay_hidden(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 8), loss=loss))
    actions.record_rewind(run=run, attempt=2, step=5)
    actions.append_metrics(run=run, attempt=2, points=batch([6, 7], loss=lambda step: 0.5))
    cursor = read(run)["cursor"]
    actions.append_metrics(run=run, attempt=1, points=batch([8, 9], loss=loss))
    assert [step for step, _value in shown(run)] == [1, 2, 3, 4, 5, 6, 7]
    assert [step for step in read(run, after=cursor)["series"]["loss"]["step"] if step > 7] == []
    run.refresh_from_db()
    assert run.last_values["loss"] == pytest.approx(0.5)


@pytest.mark.row("F32")
def test_values_that_are_no_numbers_become_gaps_and_the_answer_stays_valid_json(run):
    hostile = [None, math.nan, math.inf, -math.inf, 1e308, "x"]
    points = [(step, {"loss": value}, {}) for step, value in enumerate(hostile, start=1)]
    points.append((7, {"loss": None}, {"loss": "inf"}))
    actions.append_metrics(run=run, attempt=1, points=points)
    answer = json.loads(json.dumps(read(run, "loss"), allow_nan=False))["series"]["loss"]
    assert answer["value"] == [None] * 7
    assert answer["flags"] == {"1": "nan", "2": "nan", "3": "inf", "4": "-inf", "5": "inf", "6": "nan", "7": "inf"}
    run.refresh_from_db()
    assert run.last_values == {"loss": None}


@pytest.mark.row("F32")
def test_a_sealed_chunk_of_nothing_but_gaps_can_be_stored(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(CHUNK_POINTS), loss=lambda step: None))
    assert MetricChunk.objects.get().count == CHUNK_POINTS
    assert read(run, "loss")["series"]["loss"]["value"][0] is None


@pytest.mark.row("F32")
def test_names_beyond_the_limit_are_dropped_and_said_once(run, monkeypatch):
    monkeypatch.setattr(recording, "MAX_NAMES", 5)
    for _time in range(2):
        many = {f"name {number}": 1.0 for number in range(10_000)}
        actions.append_metrics(run=run, attempt=1, points=[(1, many, {})])
    assert run.buffers.count() == 5
    event = run.job.events.get()
    assert (event.code, event.is_warning, event.data["limit"], event.data["count"]) == (
        "metrics_dropped",
        True,
        5,
        9995,
    )


@pytest.mark.parametrize("name", ["", "a" * 101, "line\nbreak"])
def test_a_name_that_cannot_be_shown_is_dropped(run, name):
    actions.append_metrics(run=run, attempt=1, points=[(1, {name: 1.0, "loss": 1.0}, {})])
    assert series.read(run)["series"].keys() == {"loss"}


@pytest.mark.parametrize("step", [-1, 2**31, True, 1.5])
def test_a_step_that_is_none_is_dropped(run, step):
    actions.append_metrics(run=run, attempt=1, points=[(step, {"loss": 1.0}, {})])
    assert not run.buffers.exists()


def test_a_long_series_says_that_it_was_thinned(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 5000), loss=loss))
    answer = read(run, "loss", points=400)
    assert answer["thinned"] is True and len(answer["series"]["loss"]["step"]) <= 400
    assert read(run, "loss", points=5000)["thinned"] is False


def test_a_cursor_of_another_run_leads_to_a_fresh_start(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 5), loss=loss))
    answer = read(run, after="WzAseyJsb3NzIjo5OTl9XQ")
    assert answer["reset"] is True and answer["series"]["loss"]["step"] == [1, 2, 3, 4]


def test_rules_read_every_visible_point(run):
    actions.append_metrics(run=run, attempt=1, points=batch(range(1, 3000), loss=loss))
    whole = series.whole(run, ["loss", "nothing"])
    assert len(whole["loss"]) == 2999 and len(whole["nothing"]) == 0
