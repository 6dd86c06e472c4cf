"""The scores of a version, as numbers and as words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from webapp.adapters import gains, names
from webapp.adapters.gates import Result
from webapp.adapters.models import AdapterVersion, Score
from webapp.core import units


@dataclass(frozen=True)
class ScoreRow:
    """One line of the score table, as numbers and as words, with more where a page asks for it.

    `beside_text` is the value of the version that is in production; `gates` is what gates say about the score.
    """

    name: str
    label: str
    help: str
    base: float | None
    value: float
    is_better: bool | None
    base_text: str
    value_text: str
    difference_text: str
    beside_text: str = ""
    gates: Sequence[Result] = ()


def rows(version: AdapterVersion) -> list[ScoreRow]:
    """The newest score of each name: what a person sees at once first, single fields last."""
    newest: dict[str, Score] = {}
    for score in version.scores.order_by("id"):
        newest[score.name] = score
    order = {"json_fields": 0, "exact_match": 1, "validation_loss": 2}
    return [_row(newest[name]) for name in sorted(newest, key=lambda name: (order.get(name, 9), name))]


def _row(score: Score) -> ScoreRow:
    words = names.describe(score.name)
    base, difference, is_better = score.base_value, "", None
    if base is not None:
        change = score.value - base
        is_better = None if change == 0 else (change > 0) == score.is_higher_better
        difference = _difference(base, score.value, words.kind)
    return ScoreRow(
        name=score.name,
        label=str(words.label),
        help=str(words.help),
        base=base,
        value=score.value,
        is_better=is_better,
        base_text="" if base is None else number_text(base, words.kind),
        value_text=number_text(score.value, words.kind),
        difference_text=difference,
    )


def number_text(value: float, kind: str) -> str:
    return units.percent(value, 0) if kind == "share" else units.number(value, 3)


def _difference(base: float, value: float, kind: str) -> str:
    """A loss by its share, as lists tell it; a share in points of its percentage."""
    if kind == "loss":
        gain = gains.of_losses(base, value)
        return gain.text if gain else units.delta(value - base, 3)
    if kind == "share":
        return _("%(points)s points") % {"points": units.delta(100 * (value - base), 0)}
    return units.delta(value - base, 3)
