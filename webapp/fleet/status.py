"""What a worker does now, as far as one team may know it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import Team
from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.fleet.models import Device, Worker


@dataclass(frozen=True)
class Place:
    """A device with what it does; `job` is the team's own, None where it is free or works for others."""

    device: Device
    job: Any
    is_busy: bool

    @property
    def speed(self) -> str:
        """Measured floating-point operations a second, in 10¹², without the unit."""
        if not self.device.matmul_flops:
            return ""
        teraflops = self.device.matmul_flops / 1e12
        return units.number(teraflops, 0 if teraflops >= 100 else 1 if teraflops >= 10 else 2)


@dataclass(frozen=True)
class Standing:
    """A worker with its devices, and the team's jobs on it that need no device."""

    worker: Worker
    places: Sequence[Place]
    light_jobs: Sequence[Any]
    others_count: int

    @property
    def state(self) -> str:
        """busy, idle, draining or lost, as the badges call it."""
        if self.worker.stopped_at is not None:
            return "lost"
        if self.worker.is_draining:
            return "draining"
        return "busy" if self.jobs_count else "idle"

    @property
    def jobs_count(self) -> int:
        return sum(place.is_busy for place in self.places) + len(self.light_jobs) + self.others_count


def of(worker: Worker, *, team: Team, jobs: Sequence[Any]) -> Standing:
    """`jobs` are those that the worker holds, of all teams. The titles of other teams' jobs are not shown."""
    occupied = {hold.device_id: job for job in jobs for hold in job.holds.all()}
    places = []
    for device in sorted(worker.devices.all(), key=lambda device: device.index):
        job = occupied.get(device.pk)
        places.append(Place(device, job if job is not None and _is_known(job, team) else None, job is not None))
    light = [job for job in jobs if not job.holds.all()]
    ours = [job for job in light if _is_known(job, team)]
    return Standing(worker, places, ours, len(light) - len(ours))


def _is_known(job: Any, team: Team) -> bool:
    """The team's own, or the installation's."""
    return job.team_id in {team.pk, None}


def verdict(standings: Sequence[Standing]) -> Verdict:
    """Can what waits here be done?"""
    if not standings:
        return Verdict(_("*No worker is running*, so what waits does not start."))
    places = [place for standing in standings for place in standing.places if not standing.worker.is_draining]
    if not places:
        return Verdict(_("*Every worker is being drained* and takes nothing new."))
    free = sum(not place.is_busy for place in places)
    if not free and len(places) == 2:
        return Verdict(_("*Both devices are busy.*"))
    if not free:
        text = ngettext("*The device is busy.*", "*All %(count)s devices are busy.*", len(places))
        return Verdict(text, count=units.in_words(len(places)))
    if free == len(places) == 2:  # "all two" is no English
        return Verdict(_("*Both devices are free* and take the next runs at once."))
    if free == len(places):
        text = ngettext("*The device is free* and takes the next run at once.",
                        "*All %(count)s devices are free* and take the next runs at once.", free)  # fmt: skip
    else:
        text = ngettext("*%(free)s of %(count)s devices is free* and takes the next run at once.",
                        "*%(free)s of %(count)s devices are free* and take the next runs at once.", free)  # fmt: skip
    return Verdict(text, free=units.in_words(free, opens=True), count=units.in_words(len(places)))


def verdict_of_one(standing: Standing) -> Verdict:
    if standing.state == "lost":
        return Verdict(_("*It has stopped*; what it had to do goes on elsewhere."))
    if standing.state == "draining":
        if standing.jobs_count:
            return Verdict(_("*It finishes what it runs* and takes nothing new."))
        return Verdict(_("*It is empty* and takes nothing new, so it can be stopped."))
    if not standing.jobs_count:
        return Verdict(_("*It is ready* and takes the next job at once."))
    text = ngettext("*It works on %(count)s job.*", "*It works on %(count)s jobs.*", standing.jobs_count)
    return Verdict(text, count=units.in_words(standing.jobs_count))
