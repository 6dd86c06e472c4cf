"""The sentence at the head of a report."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from webapp.core import units
from webapp.core.verdict import Verdict


def of_report(scores: Mapping[str, Any], *, is_over: bool, has_failed: bool) -> Verdict:
    """What the answers say, first by form where there is one to keep, else by loss."""
    if has_failed:
        return Verdict(_("*The report could not be made.* The adapter itself is not affected."))
    if not is_over:
        return Verdict(_("Being measured: *the base and the adapter answer the same held-out prompts.*"))
    form = scores.get("json_fields")
    if form:
        return Verdict(
            _("The adapter keeps the expected form in *%(adapter)s* of its answers, the base in %(base)s."),
            adapter=units.percent(form["adapter"], 0),
            base=units.percent(form["base"], 0),
        )
    loss = scores.get("validation_loss") or {}
    if loss.get("adapter") is None:
        return Verdict(_("Here are their answers, *side by side*."))
    return Verdict(
        _("Held-out loss *%(adapter)s*, base %(base)s. Read the answers below before you decide."),
        adapter=units.number(loss["adapter"], 3),
        base=units.number(loss["base"], 3),
    )
