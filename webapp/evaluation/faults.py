"""Why a report could not be made, where that has other words than for a training."""

from django.utils.translation import gettext as _

from webapp.contract.events import Fault
from webapp.jobs import words
from webapp.jobs.models import Job


def of(job: Job) -> words.FaultWords:
    if job.fault != Fault.OUT_OF_MEMORY:
        return words.fault(job)
    return words.FaultWords(
        title=_("There was not enough memory"),
        meaning=_("Base and adapter did not fit into the memory of the device that was to measure them."),
        remedy=_("Try again when nothing else runs there, or on a worker with more memory."),
    )
