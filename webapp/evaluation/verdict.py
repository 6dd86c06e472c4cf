"""The sentence at the head of a report."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.jobs.lifecycle import State


def of_report(scores: Mapping[str, Any], *, state: str) -> Verdict:
    """What the answers say, first by form where there is one to keep, else by loss."""
    match state:
        case State.SUCCEEDED:
            return _of_scores(scores)
        case State.FAILED | State.CANCELLED:
            return Verdict(_("*The report could not be made.* The adapter itself is not affected."))
        case State.QUEUED:
            return Verdict(_("Waits for its turn: *trainings go first.*"))
        case _:
            return Verdict(_("Being measured: *base and adapter answer the same held-out prompts.*"))


def _of_scores(scores: Mapping[str, Any]) -> Verdict:
    form, loss = scores.get("json_fields"), scores.get("validation_loss") or {}
    if form:
        return Verdict(
            _("The adapter keeps the expected form in *%(adapter)s* of its answers, the base in %(base)s."),
            adapter=units.percent(form["adapter"], 0),
            base=units.percent(form["base"], 0),
        )
    if loss.get("adapter") is None or loss.get("base") is None:
        return Verdict(_("Here are their answers, *side by side*."))
    return Verdict(
        _("Held-out loss *%(adapter)s*, base %(base)s. Read the answers below before you decide."),
        adapter=units.number(loss["adapter"], 3),
        base=units.number(loss["base"], 3),
    )
