"""Words for what was measured: one table for the page, the card and the API."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class ScoreName:
    """How a score is told. `kind` is "loss" (three decimals) or "share" (a percentage)."""

    label: str | Promise
    help: str | Promise
    kind: str


KNOWN: dict[str, ScoreName] = {
    "validation_loss": ScoreName(
        _("Held-out loss"), _("how wrong the model is on rows it never learned from; lower is better"), "loss"
    ),
    "exact_match": ScoreName(_("Same as expected"), _("answers equal to the expected one, word for word"), "share"),
    "json_fields": ScoreName(
        _("Right form"), _("answers that are valid JSON with exactly the expected fields"), "share"
    ),
}


def describe(name: str) -> ScoreName:
    """Words for any score; `json_values.part` is the share of answers whose field `part` is right."""
    if name in KNOWN:
        return KNOWN[name]
    if name.startswith("json_values."):
        field = name.removeprefix("json_values.")
        return ScoreName(_("“%(field)s” is right") % {"field": field}, "", "share")
    return ScoreName(name, "", "number")


def is_of_held_out_rows(name: str) -> bool:
    """Whether it is measured on the held-out rows of the version's own dataset, and so on others for other data."""
    return name in KNOWN or name.startswith("json_values.")
