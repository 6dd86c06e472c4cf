"""The sentence at the head of a catalog page, written from scores by rules that are tested."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.adapters import gains
from webapp.adapters.models import Stage
from webapp.adapters.scoretable import ScoreRow
from webapp.core import units
from webapp.core.verdict import Verdict


def of_version(rows: Sequence[ScoreRow], *, can_be_measured: bool = False, is_ours: bool = True) -> Verdict:
    """Better, worse, or not clear, and by what. Says what was measured; without a measurement, why there is none."""
    by_name = {row.name: row for row in rows}
    form = by_name.get("json_fields")
    if form is not None and form.base is not None and form.value != form.base:
        return _by_form(form)
    loss = by_name.get("validation_loss")
    if loss is None or loss.base is None:
        if not is_ours:
            return Verdict(_("Trained elsewhere. It fits its base, *and was not measured here.*"))
        if can_be_measured:
            return Verdict(_("Made and checked, *not measured yet.*"))
        return Verdict(_("Made and checked, *not measured yet*: no rows were held out to compare it with its base."))
    return _by_loss(loss.base, loss.value)


def _by_form(form: ScoreRow) -> Verdict:
    values = {"value": form.value_text, "base": form.base_text}
    if form.is_better:
        return Verdict(
            _("Better than its base: *%(value)s* of its answers have the right form, base %(base)s."), **values
        )
    return Verdict(_("Worse than its base: *%(value)s* of its answers have the right form, base %(base)s."), **values)


def _by_loss(base: float, value: float) -> Verdict:
    gain = gains.of_losses(base, value)
    if gain is None or gain.is_better is None:
        return Verdict(_("*About as good as its base*: the held-out loss hardly moved."))
    values = {
        "share": units.percent(abs(gain.share), 0),
        "value": units.number(value, 3),
        "base": units.number(base, 3),
    }
    if gain.is_better:
        return Verdict(
            _("Better than its base: held-out loss *%(share)s lower*, %(value)s against %(base)s."), **values
        )
    return Verdict(_("Worse than its base: held-out loss *%(share)s higher*, %(value)s against %(base)s."), **values)


def in_stage(stage: str, said: Verdict) -> Verdict:
    """The sentence with the stage before it, where the stage says what a person may rely on."""
    if stage == Stage.PRODUCTION:
        return said.after(_("In production."))
    if stage == Stage.RETIRED:
        return said.after(_("Retired."))
    return said


def of_gates(stages: Sequence[str]) -> Verdict:
    """What stands before production, the stage on which people rely."""
    if not stages:
        return Verdict(_("*Nothing is asked* of a version before it is relied on."))
    count = sum(1 for stage in stages if stage == Stage.PRODUCTION)
    if not count:
        return Verdict(_("Candidates are checked, *production asks nothing more.*"))
    return Verdict(
        ngettext("*%(count)s rule* stands before production.", "*%(count)s rules* stand before production.", count),
        count=units.in_words(count, opens=True),
    )


def of_catalog(*, count: int, in_production: int) -> Verdict:
    """How many there are and what may be relied on."""
    if not count:
        return Verdict(_("No adapters yet. *The first run makes one.*"))
    have = ngettext("One adapter.", "%(count)s adapters.", count) % {"count": units.in_words(count, opens=True)}
    if not in_production:
        return Verdict(_("%(have)s *None is in production yet.*"), have=have)
    stands = ngettext("*One is in production.*", "*%(n)s are in production.*", in_production) % {
        "n": units.in_words(in_production, opens=True)
    }
    return Verdict(f"%(have)s {stands}", have=have)
