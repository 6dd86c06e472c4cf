"""The sentence at the head of the team's home: what is running, what waits, what needs you."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core.verdict import Verdict


def of_home(*, running: int, waiting: int, needs: int, has_data: bool, has_worker: bool) -> Verdict:
    """Two short sentences; the second says what to do next, or that nothing is to be done."""
    if not has_data and not running and not waiting:
        return Verdict(_("Nothing here yet. *Bring a file of good answers to begin.*"))
    return Verdict(
        f"%(now)s *{_next(needs=needs, waiting=waiting, has_worker=has_worker)}*", now=_now(running, waiting)
    )


def _now(running: int, waiting: int) -> str:
    if not running and not waiting:
        return _("All is quiet.")
    if not running:
        return ngettext("One run waits.", "%(n)d runs wait.", waiting) % {"n": waiting}
    runs = ngettext("One run is training", "%(n)d runs are training", running) % {"n": running}
    if not waiting:
        return _("%(runs)s.") % {"runs": runs}
    waits = ngettext("one waits behind it", "%(n)d wait behind it", waiting) % {"n": waiting}
    return _("%(runs)s and %(waits)s.") % {"runs": runs, "waits": waits}


def _next(*, needs: int, waiting: int, has_worker: bool) -> str:
    if waiting and not has_worker:
        return _("No worker is running, so nothing starts.")
    if needs:
        return ngettext("One thing needs you.", "%(n)d things need you.", needs) % {"n": needs}
    return _("Nothing needs you.")
