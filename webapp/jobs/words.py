"""What a job does and what happened to it, in sentences. Why it failed is in faults.py."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from webapp.contract.events import Outcome, Phase
from webapp.core import units
from webapp.jobs import notes
from webapp.jobs.faults import FaultWords, fault
from webapp.jobs.lifecycle import Asked, EndedBecause, State
from webapp.jobs.models import Job, JobEvent
from webapp.jobs.queries import Waiting

__all__ = ["FaultWords", "event_sentence", "fault", "now", "phase", "waiting"]

Data = Mapping[str, Any]

PHASES: dict[str, str | Promise] = {
    Phase.STARTING: gettext_lazy("Starting the program"),
    Phase.DOWNLOADING: gettext_lazy("Downloading"),
    Phase.CONVERTING: gettext_lazy("Converting the weights"),
    Phase.READING: gettext_lazy("Reading the rows"),
    Phase.LOADING_MODEL: gettext_lazy("Loading the base model"),
    Phase.TOKENIZING: gettext_lazy("Turning rows into tokens"),
    Phase.TRAINING: gettext_lazy("Training"),
    Phase.EVALUATING: gettext_lazy("Measuring on held-out rows"),
    Phase.ANSWERING: gettext_lazy("Answering held-out prompts"),
    Phase.INSPECTING: gettext_lazy("Looking inside the adapter"),
    Phase.COMPRESSING: gettext_lazy("Cutting the adapter down"),
    Phase.SAVING: gettext_lazy("Saving"),
    Phase.CHECKING: gettext_lazy("Checking the files"),
}

STATES: dict[str, str | Promise] = {
    State.QUEUED: gettext_lazy("Waiting for a worker"),
    State.STARTING: gettext_lazy("Bringing files to the worker"),
    State.RUNNING: gettext_lazy("Starting the program"),
    State.FINISHING: gettext_lazy("Storing and checking the result"),
    State.PAUSED: gettext_lazy("Paused"),
    State.INTERRUPTED: gettext_lazy("Interrupted; it will go on by itself"),
    State.SUCCEEDED: gettext_lazy("Done"),
    State.FAILED: gettext_lazy("Failed"),
    State.CANCELLED: gettext_lazy("Cancelled"),
}

ASKED: dict[str, str | Promise] = {
    Asked.PAUSE: gettext_lazy("Pausing at the next checkpoint"),
    Asked.STOP_AND_KEEP: gettext_lazy("Stopping, to keep what was learned"),
    Asked.CANCEL: gettext_lazy("Cancelling"),
}


def now(job: Job) -> str:
    """What it does at this moment, in a few words."""
    if job.is_held and job.asked:
        return str(ASKED[job.asked])
    if job.state == State.RUNNING and job.phase:
        return phase(job.phase)
    return str(STATES[job.state])


def phase(code: str) -> str:
    return str(PHASES.get(code, code))


def waiting(found: Waiting) -> str:
    """Why a queued job does not run yet, and what to do where that helps."""
    memory = {"needed": units.memory(found.needs_memory_bytes), "largest": units.memory(found.largest_memory_bytes)}
    match found.code:
        case "no_worker":
            return _(
                "No worker is running. Whoever runs this installation can start one; the job then begins by itself."
            )
        case "no_label":
            return _("No worker that runs now takes this kind of work. It begins when one does (WORKER_LABELS).")
        case "too_little_memory":
            return _("It needs %(needed)s of memory, and the largest device has %(largest)s.") % memory
        case "too_few_devices":
            return _("It needs more devices than any worker has.")
        case "draining":
            return _("The workers are being drained and take nothing new for now.")
    if found.position <= 1:
        return _("It is next, and begins as soon as there is room.")
    return ngettext("%(count)s job is before it.", "%(count)s jobs are before it.", found.position - 1) % {
        "count": units.in_words(found.position - 1, opens=True)
    }


def event_sentence(event: JobEvent) -> str:
    """One thing that happened. A code that this version does not know is shown as it is."""
    teller = _EVENTS.get(event.code)
    said = teller(event.data) if teller else notes.sentence(event.code, event.data)
    return said or _("Noted: %(code)s") % {"code": event.code}


def _by(data: Data, somebody: str, nobody: str) -> str:
    return somebody % {"who": data["by"]} if data.get("by") else nobody


def _claimed(data: Data) -> str:
    devices = get_text_list(data.get("devices", []), _("and"))
    words = {"worker": data.get("worker", ""), "devices": devices}
    return (_("%(worker)s took it, on %(devices)s.") if devices else _("%(worker)s took it.")) % words


def _asked(data: Data) -> str:
    what = data.get("what")
    if what == Asked.CANCEL:
        return _by(data, _("%(who)s asked to cancel it."), _("It was asked to cancel."))
    if what == Asked.PAUSE:
        return _by(data, _("%(who)s asked for a pause."), _("It was asked to pause."))
    return _by(data, _("%(who)s asked to stop and keep it."), _("It was asked to stop and keep what was learned."))


def _interrupted(data: Data) -> str:
    if data.get("because") == EndedBecause.WORKER_LOST:
        return _("Contact with the worker %(worker)s was lost. It goes on from its last checkpoint.") % {
            "worker": data.get("worker", "")
        }
    if data.get("reason") == "killed_by_kernel":
        return _("The machine ran out of memory and ended the program. It goes on from its last checkpoint.")
    if data.get("signal"):
        return _("The program was ended by signal %(signal)s. It goes on from its last checkpoint.") % data
    return _("The program ended unexpectedly. It goes on from its last checkpoint.")


def _queued(data: Data) -> str:
    if data.get("because") == EndedBecause.WORKER_STOPPED:
        return _("The worker was stopped. It waits for the next and goes on from its last checkpoint.")
    return _("It waits for a worker.")


def _planned(data: Data) -> str:
    words = {
        "steps": units.number(data.get("total_steps")),
        "rows": units.number(data.get("train_rows")),
        "step": units.number(data.get("resumed_from_step")),
    }
    if data.get("resumed_from_step"):
        return _("It goes on from step %(step)s of %(steps)s.") % words
    return _("Planned: %(steps)s steps over %(rows)s rows.") % words


def _checkpoint(data: Data) -> str:
    words = {"step": units.number(data.get("step")), "size": units.filesize(data.get("size_bytes"))}
    return _("A checkpoint was saved at step %(step)s (%(size)s).") % words


def _ended(data: Data) -> str:
    if data.get("outcome") == Outcome.SUCCEEDED:
        return _("The program ended well. Its files are being stored and read back.")
    if data.get("outcome") == Outcome.STOPPED:
        return _("The program stopped and left a checkpoint.")
    return _("The program ended with a fault.")


def _failed(data: Data) -> str:
    job = Job(fault=data.get("fault", ""), fault_data=data.get("fault_data") or data)
    said = fault(job)
    return f"{said.title}. {said.meaning}"


_EVENTS: dict[str, Callable[[Data], str]] = {
    # By the web tier and the workers.
    "queued": _queued,
    "queued_again": lambda data: _("It waits for a worker again."),
    "claimed": _claimed,
    "asked": _asked,
    "paused": lambda data: _by(data, _("%(who)s paused it."), _("It is paused; its checkpoint is kept.")),
    "resumed": lambda data: _by(data, _("%(who)s let it go on."), _("It goes on.")),
    "retried": lambda data: _by(data, _("%(who)s started it again."), _("It was started again.")),
    "cancelled": lambda data: _by(data, _("%(who)s cancelled it."), _("It was cancelled.")),
    "interrupted": _interrupted,
    "checkpoint_brought": lambda data: (
        _("The checkpoint of step %(step)s was brought from storage to this machine.")
        % {"step": units.number(data.get("step"))}
    ),
    "succeeded": lambda data: _("Every file was stored, read back and found right."),
    "failed": _failed,
    "metrics_dropped": lambda data: (
        _("Only the first %(limit)s measures of a run are kept; others were left out.")
        % {"limit": units.number(data.get("limit"))}
    ),
    # By the programs.
    "started": lambda data: _("The program runs on %(device)s.") % {"device": data.get("device", "")},
    "phase": lambda data: _("%(phase)s.") % {"phase": phase(data.get("phase", ""))},
    "planned": _planned,
    "checkpoint": _checkpoint,
    "ended": _ended,
}
