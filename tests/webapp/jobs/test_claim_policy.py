"""Who is next. No database: the policy is arithmetic."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from webapp.jobs.claim import PATIENCE, Candidate, Choice, Load, Offer, OfferedDevice, choose, in_order

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def waiting(job_id: int, *, team: int | None = 1, minutes: float = 1, **more: Any) -> Candidate:
    fields = {"priority": 0, "needs_devices": 1} | more
    return Candidate(job_id=job_id, team_id=team, queued_at=NOON - dt.timedelta(minutes=minutes), **fields)


def offer(*memory: int, busy: tuple[int, ...] = (), light_slots: int = 0, labels: tuple[str, ...] = ()) -> Offer:
    devices = tuple(
        OfferedDevice(device_id=number, memory_bytes=size, is_free=number not in busy)
        for number, size in enumerate(memory)
    )
    return Offer(labels=frozenset(labels), memory_bytes=100, light_slots=light_slots, devices=devices)


def next_job(*candidates: Candidate, given: Offer, loads: dict[Any, Load] | None = None) -> Choice | None:
    return choose(candidates, offer=given, loads=loads or {}, now=NOON)


def chosen(*candidates: Candidate, given: Offer, loads: dict[Any, Load] | None = None) -> int | None:
    found = next_job(*candidates, given=given, loads=loads)
    return found.job_id if found else None


def test_priority_comes_before_age() -> None:
    assert chosen(waiting(1, minutes=60), waiting(2, priority=1), given=offer(8)) == 2


def test_the_older_job_comes_first_within_a_team() -> None:
    assert chosen(waiting(1, minutes=1), waiting(2, minutes=2), given=offer(8)) == 2


def test_the_team_with_less_running_comes_first_however_long_the_other_waits() -> None:
    loads = {(1, True): Load(running=2)}
    assert chosen(waiting(1, team=1, minutes=600), waiting(2, team=2), given=offer(8), loads=loads) == 2


def test_what_a_team_had_of_late_counts_when_nothing_runs() -> None:
    loads = {(1, True): Load(recent_seconds=60.0)}
    assert chosen(waiting(1, team=1, minutes=600), waiting(2, team=2), given=offer(8), loads=loads) == 2


def test_reading_does_not_wait_for_a_device_nor_behind_a_training() -> None:
    reading = waiting(2, needs_devices=0)
    assert chosen(waiting(1, minutes=60, priority=5), reading, given=offer(8, busy=(0,), light_slots=1)) == 2


def test_a_training_does_not_wait_behind_readings_without_a_place() -> None:
    assert chosen(waiting(1, minutes=60, needs_devices=0), waiting(2), given=offer(8)) == 2


def test_trainings_of_a_team_do_not_count_against_its_readings() -> None:
    loads = {(1, True): Load(running=5), (2, False): Load(running=1)}
    readings = [waiting(1, team=1, needs_devices=0), waiting(2, team=2, needs_devices=0, minutes=60)]
    assert chosen(*readings, given=offer(light_slots=1), loads=loads) == 1


def test_a_device_with_too_little_memory_is_not_taken() -> None:
    assert chosen(waiting(1, needs_memory_bytes=9), given=offer(8)) is None


def test_the_smallest_device_that_fits_is_taken() -> None:
    found = next_job(waiting(1, needs_memory_bytes=5), given=offer(80, 8, 4))
    assert found == Choice(1, (1,))


def test_a_job_for_two_devices_takes_two() -> None:
    found = next_job(waiting(1, needs_devices=2), given=offer(8, 8, 8, busy=(0,)))
    assert found == Choice(1, (1, 2))


def test_a_worker_without_the_label_leaves_the_job() -> None:
    job = waiting(1, needs_devices=0, needs_labels=frozenset({"hub"}))
    assert chosen(job, given=offer(light_slots=1, labels=("reader",))) is None
    assert chosen(job, given=offer(light_slots=1, labels=("reader", "hub"))) == 1


def test_small_jobs_pass_a_large_one_that_has_not_waited_long() -> None:
    assert chosen(waiting(1, needs_devices=2, minutes=4), waiting(2), given=offer(8, 8, busy=(0,))) == 2


def test_small_jobs_stop_passing_a_large_one_that_ran_out_of_patience() -> None:
    minutes = PATIENCE.total_seconds() / 60 + 1
    large = waiting(1, needs_devices=2, minutes=minutes)
    assert chosen(large, waiting(2), given=offer(8, 8, busy=(0,))) is None
    assert chosen(large, waiting(2, needs_devices=0), given=offer(8, 8, busy=(0,), light_slots=1)) == 2
    assert chosen(large, waiting(2), given=offer(8, 8)) == 1


def test_a_job_that_no_worker_here_can_ever_run_holds_up_nobody() -> None:
    giant = waiting(1, needs_devices=9, minutes=600)
    assert chosen(giant, waiting(2), given=offer(8)) == 2


def test_teams_take_turns_in_the_line() -> None:
    many = [waiting(number, team=1, minutes=100 - number) for number in (1, 2, 3)]
    late = [waiting(number, team=2, minutes=10 - number) for number in (4, 5)]
    assert in_order([*many, *late], loads={}) == [1, 4, 2, 5, 3]


candidates = st.builds(
    waiting,
    job_id=st.integers(1, 10**6),
    team=st.integers(1, 4),
    minutes=st.floats(0, 600),
    priority=st.integers(-1, 1),
    needs_devices=st.integers(0, 3),
    needs_memory_bytes=st.integers(0, 10),
)


@given(
    st.lists(candidates, max_size=12, unique_by=lambda one: one.job_id),
    st.lists(st.integers(1, 10), max_size=4),
    st.sets(st.integers(0, 3)),
    st.integers(0, 2),
)
def test_whatever_is_chosen_fits(jobs: list[Candidate], memory: list[int], busy: set[int], slots: int) -> None:
    given_offer = offer(*memory, busy=tuple(busy), light_slots=slots)
    found = next_job(*jobs, given=given_offer)
    if found is None:
        return
    job = next(one for one in jobs if one.job_id == found.job_id)
    taken = [device for device in given_offer.devices if device.device_id in found.device_ids]
    assert len(taken) == job.needs_devices
    assert all(device.is_free and device.memory_bytes >= job.needs_memory_bytes for device in taken)
    assert job.needs_devices or slots


@given(st.lists(candidates, max_size=12, unique_by=lambda one: one.job_id))
def test_the_first_in_line_is_the_one_that_a_worker_with_everything_takes(jobs: list[Candidate]) -> None:
    everything = offer(100, 100, 100, light_slots=1)
    order = in_order(jobs, loads={})
    assert sorted(order) == sorted(one.job_id for one in jobs)
    if jobs:
        assert chosen(*jobs, given=everything) == order[0]
