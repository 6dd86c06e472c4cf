"""The sentence at the head of the dataset pages. Pure rules over facts."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units
from webapp.core.verdict import Verdict

FEW_ROWS = 50
MOSTLY_BAD = 0.5


def of_list(*, total: int, ready: int, reading: int) -> Verdict:
    """What do we have to train on?"""
    if not total:
        return Verdict(_("Nothing to train on yet. *Bring a file of good answers.*"))
    if reading:
        text = ngettext("*One file is being read.*", "*%(n)s files are being read.*", reading)
        first = ngettext("%(ready)s dataset is ready.", "%(ready)s datasets are ready.", ready)
        first = first if ready else _("No dataset is ready yet.")
        words = {"n": units.in_words(reading, opens=True), "ready": units.in_words(ready, opens=True)}
        return Verdict(f"{first} {text}", **words)
    if ready == total:
        text = ngettext("One dataset, *ready to train on.*", "%(n)s datasets, *all ready to train on.*", total)
        return Verdict(text, n=units.in_words(total, opens=True))
    if not ready:
        return Verdict(_("No dataset can be trained on yet. *What is missing stands beside each.*"))
    waiting = total - ready
    text = ngettext(
        "%(ready)s of %(n)s datasets can be trained on. *One needs a look.*",
        "%(ready)s of %(n)s datasets can be trained on. *%(waiting)s need a look.*",
        waiting,
    )
    words = {"n": units.in_words(total), "waiting": units.in_words(waiting, opens=True)}
    return Verdict(text, ready=units.in_words(ready, opens=True), **words)


def of_ready(*, total: int, good: int, findings: int) -> Verdict:
    """Is my data good enough? `findings` counts what is worth a look beside the rows that were left out."""
    bad = total - good
    if bad > total * MOSTLY_BAD:
        return Verdict(
            _("Only %(good)s of %(total)s rows can be used. *Look at what is wrong with the others first.*"),
            good=units.number(good),
            total=units.number(total),
        )
    if good < FEW_ROWS:
        text = ngettext(
            "It can be trained on, but *one row teaches little;* 200 are a good start.",
            "It can be trained on, but *%(good)s rows teach little;* 200 are a good start.",
            good,
        )
        return Verdict(text, good=units.number(good))
    if bad:
        text = ngettext(
            "Ready to train on. *One row of %(total)s was left out;* the others are good.",
            "Ready to train on. *%(bad)s rows of %(total)s were left out;* the others are good.",
            bad,
        )
        return Verdict(text, bad=units.in_words(bad, opens=True), total=units.number(total))
    if findings:
        text = ngettext(
            "Ready to train on. *One finding could make it better;* it does not block.",
            "Ready to train on. *%(n)s findings could make it better;* none of them blocks.",
            findings,
        )
        return Verdict(text, n=units.in_words(findings, opens=True))
    return Verdict(_("Ready to train on. *All %(good)s rows can be used.*"), good=units.number(good))


def of_waiting() -> Verdict:
    return Verdict(_("The file has arrived. *It is read as soon as a worker is free.*"))


def of_reading() -> Verdict:
    return Verdict(_("*The file is being read.* Each row is looked at once, and none is lost."))


def of_interrupted() -> Verdict:
    return Verdict(_("The reading was interrupted. *It starts again by itself.*"))


def of_cancelled() -> Verdict:
    return Verdict(_("The reading was cancelled. *The file is still here.*"))


def of_failed(title: str, *, can_map: bool) -> Verdict:
    if can_map:
        return Verdict(_("Nearly there. *Say which column holds the question and which the answer.*"))
    return Verdict(_("This file could not be read. *%(title)s.*"), title=title)
