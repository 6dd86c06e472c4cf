"""The sentences at the head of the pages of lineage."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.lineage.picture import Picture


def of_picture(picture: Picture) -> Verdict:
    """Whether it may be relied on comes first; then what came of it."""
    if picture.own is not None:
        return Verdict(_("*Withdrawn:* it is not to be used any more."))
    if picture.withdrawals:
        return Verdict(_("*Something it was made of was withdrawn.* Read why before you use it."))
    count = len({line.thing.public_id for line in picture.after})
    if not count:
        return Verdict(_("*Nothing was made of it yet.*"))
    return Verdict(
        ngettext("*%(n)s thing* came of it.", "*%(n)s things* came of it.", count),
        n=units.in_words(count, opens=True),
    )


def of_withdrawal(*, things: int, people: int) -> Verdict:
    """What a withdrawal would touch."""
    if not things:
        return Verdict(_("Nothing was made of it, so *nothing else is affected.*"))
    said = ngettext("*%(n)s thing* was made of it", "*%(n)s things* were made of it", things) % {
        "n": units.in_words(things, opens=True)
    }
    told = ngettext("%(n)s person is told.", "%(n)s people are told.", people) % {"n": units.in_words(people)}
    return Verdict(f"{said}; %(told)s", told=told)
