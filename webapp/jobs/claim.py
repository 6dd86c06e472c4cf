"""Which job a worker takes next: priority, then fair share between teams, then age. Arithmetic only, no database.

Jobs that need devices and jobs that need none stand in two lanes, so that reading a file never waits behind a
training.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

# A job that waited so long for several devices gets the next that become free; smaller ones no longer pass it.
PATIENCE = dt.timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A waiting job, as far as the choice depends on it. `needs_memory_bytes` is for each device."""

    job_id: int
    team_id: int | None
    priority: int
    queued_at: dt.datetime
    needs_devices: int = 0
    needs_memory_bytes: int = 0
    needs_labels: frozenset[str] = frozenset()

    @property
    def lane(self) -> tuple[int | None, bool]:
        return self.team_id, self.needs_devices > 0


@dataclass(frozen=True, kw_only=True)
class OfferedDevice:
    device_id: int
    memory_bytes: int
    is_free: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What a worker has for the next job; `light_slots` are free places for jobs without devices."""

    labels: frozenset[str]
    memory_bytes: int
    light_slots: int
    devices: tuple[OfferedDevice, ...] = ()


@dataclass(frozen=True)
class Load:
    """What a team has in one lane now, and what it had of late. The team with less comes first."""

    running: int = 0
    recent_seconds: float = 0.0


@dataclass(frozen=True)
class Choice:
    job_id: int
    device_ids: tuple[int, ...]


Lane = tuple[int | None, bool]
Loads = Mapping[Lane, Load]


def choose(candidates: Iterable[Candidate], *, offer: Offer, loads: Loads, now: dt.datetime) -> Choice | None:
    """The best job for which the worker has what it needs, and the devices for it."""
    is_reserved = False
    for candidate in sorted(candidates, key=lambda one: _rank(one, loads)):
        if not candidate.needs_labels <= offer.labels:
            continue
        if candidate.needs_devices == 0:
            if offer.light_slots > 0 and candidate.needs_memory_bytes <= offer.memory_bytes:
                return Choice(candidate.job_id, ())
            continue
        fitting = [device for device in offer.devices if device.memory_bytes >= candidate.needs_memory_bytes]
        free = [device for device in fitting if device.is_free]
        if len(free) >= candidate.needs_devices and not is_reserved:
            return Choice(candidate.job_id, _smallest(free, candidate.needs_devices))
        if len(fitting) >= candidate.needs_devices and now - candidate.queued_at > PATIENCE:
            is_reserved = True
    return None


def _smallest(free: Sequence[OfferedDevice], count: int) -> tuple[int, ...]:
    """Those with the least memory that still fit, so that the large ones stay free for what needs them."""
    chosen = sorted(free, key=lambda device: (device.memory_bytes, device.device_id))[:count]
    return tuple(sorted(device.device_id for device in chosen))


def in_order(candidates: Iterable[Candidate], *, loads: Loads) -> list[int]:
    """The order in which the jobs will be taken if nothing new comes: each one taken counts for its team."""
    loads = dict(loads)
    waiting: dict[Lane, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda one: (one.priority, -one.queued_at.timestamp(), -one.job_id)):
        waiting.setdefault(candidate.lane, []).append(candidate)
    order = []
    while waiting:
        lane = min(waiting, key=lambda name: _rank(waiting[name][-1], loads))
        order.append(waiting[lane].pop().job_id)
        load = loads.get(lane, Load())
        loads[lane] = replace(load, running=load.running + 1)
        if not waiting[lane]:
            del waiting[lane]
    return order


def _rank(candidate: Candidate, loads: Loads) -> tuple[int, int, float, dt.datetime, int]:
    load = loads.get(candidate.lane, Load())
    return -candidate.priority, load.running, load.recent_seconds, candidate.queued_at, candidate.job_id
