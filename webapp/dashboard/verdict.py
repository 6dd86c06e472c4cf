"""The sentences at the heads of home and trash."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units
from webapp.core.verdict import Verdict


def of_home(
    *, running: int, waiting: int, others: int, needs: int, has_data: bool, has_worker: bool, paused: int = 0
) -> Verdict:
    """Two short sentences; the second says what to do next, or that nothing is to be done.

    `others` counts what is no training: files that are read, models that come, adapters that are measured.
    """
    if not has_data and not running and not waiting and not needs and not paused:
        return Verdict(_("Nothing here yet. *Bring a file of good answers to begin.*"))
    stands = (waiting or others) and not has_worker
    return Verdict(
        f"%(now)s *{_next(needs=needs, stands=bool(stands))}*",
        now=_now(running=running, waiting=waiting, others=others, paused=paused),
    )


def _now(*, running: int, waiting: int, others: int, paused: int) -> str:
    if running:
        runs = ngettext("One run is training", "%(n)s runs are training", running) % {
            "n": units.in_words(running, opens=True)
        }
        if not waiting:
            return _("%(runs)s.") % {"runs": runs}
        waits = ngettext("one waits behind it", "%(n)s wait behind it", waiting) % {"n": units.in_words(waiting)}
        return _("%(runs)s and %(waits)s.") % {"runs": runs, "waits": waits}
    if waiting:
        return ngettext("One run waits.", "%(n)s runs wait.", waiting) % {"n": units.in_words(waiting, opens=True)}
    if others:
        return ngettext("One thing is being prepared.", "%(n)s things are being prepared.", others) % {
            "n": units.in_words(others, opens=True)
        }
    if paused:
        return ngettext("One run is paused.", "%(n)s runs are paused.", paused) % {
            "n": units.in_words(paused, opens=True)
        }
    return _("All is quiet.")


def _next(*, needs: int, stands: bool) -> str:
    if stands:
        return _("No worker is running, so nothing starts.")
    if needs:
        return ngettext("One thing needs you.", "%(n)s things need you.", needs) % {
            "n": units.in_words(needs, opens=True)
        }
    return _("Nothing needs you.")


def of_trash(count: int) -> Verdict:
    if not count:
        return Verdict(_("Nothing was deleted lately."))
    text = ngettext("One thing *can come back.*", "%(n)s things *can come back.*", count)
    return Verdict(text, n=units.in_words(count, opens=True))


def of_search(wanted: str, found: int) -> Verdict:
    if not wanted:
        return Verdict(_("What are you looking for? *Names are enough.*"))
    if not found:
        return Verdict(_("Nothing is called *%(wanted)s.*"), wanted=wanted)
    text = ngettext("One thing has *%(wanted)s* in its name.", "%(n)s things have *%(wanted)s* in their names.", found)
    return Verdict(text, n=units.in_words(found, opens=True), wanted=wanted)
