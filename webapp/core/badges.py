"""Which shape and word a state has. The states are listed here as text, since their enums stand above core."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Badge:
    css: str
    label: str | Promise


BADGES = {
    # Jobs, round.
    "queued": Badge("queued", _("Waiting")),
    "starting": Badge("starting", _("Starting")),
    "running": Badge("running", _("Running")),
    "finishing": Badge("running", _("Finishing")),
    "paused": Badge("paused", _("Paused")),
    "interrupted": Badge("interrupted", _("Continues by itself")),
    "succeeded": Badge("done", _("Done")),
    "failed": Badge("failed", _("Failed")),
    "cancelled": Badge("cancelled", _("Cancelled")),
    # Things that are read before they can be used.
    "reading": Badge("running", _("Being read")),
    "ready": Badge("done", _("Ready")),
    # Adapter stages, square.
    "draft": Badge("draft", _("Draft")),
    "candidate": Badge("candidate", _("Candidate")),
    "production": Badge("production", _("Production")),
    "retired": Badge("retired", _("Retired")),
    # Workers.
    "busy": Badge("running", _("Busy")),
    "idle": Badge("queued", _("Idle")),
    "draining": Badge("paused", _("Draining")),
    "lost": Badge("interrupted", _("Lost")),
    # Judgements with a word of their own.
    "done": Badge("done", _("Done")),
    "good": Badge("done", _("Good")),
    "warn": Badge("warn", _("Warning")),
    "bad": Badge("failed", _("Blocked")),
    "note": Badge("note", _("Note")),
    "plain": Badge("plain", ""),
}


def badge(state: object, label: str = "") -> Badge:
    """Raises KeyError for a state that nobody drew: an unknown state on a page is a fault of ours."""
    known = BADGES[str(getattr(state, "value", state)).lower()]
    return Badge(known.css, label or known.label)
