"""What the inside of a version means, in sentences for people who never saw a matrix. The rules are tested."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from webapp.adapters import anatomy
from webapp.core import units
from webapp.core.verdict import Verdict

FULL = 0.9  # a rank of which this share is needed is used to the full


def verdict(summary: Mapping[str, Any]) -> Verdict:
    """As which rank it behaves, what that means for the next run, and where the change sits."""
    if not summary["kept"]:
        return Verdict(_("It changes *nothing*: with it the base model answers as it does alone."))
    rank, behaves = summary["rank"], summary["behaves_as"]
    usual = anatomy.usual_rank(behaves)
    values = {"rank": rank, "behaves": behaves, "usual": usual, "where": where(summary)}
    if behaves >= FULL * rank:
        said = _("Rank %(rank)s *is used to the full*; if it should learn more, try a higher one. %(where)s")
    elif usual < rank:
        said = _("Rank %(rank)s *behaves as %(behaves)s*: training with rank %(usual)s would have done. %(where)s")
    else:
        said = _("Rank %(rank)s *behaves as %(behaves)s*: well chosen, little of it lies idle. %(where)s")
    return Verdict(said, **values)


def where(summary: Mapping[str, Any]) -> str:
    """One sentence on the layers; empty where there are too few to speak of parts."""
    if len(summary["layers"]) < anatomy.FEWEST_LAYERS:
        return ""
    return {
        0: _("Most of the change sits in the first third of the layers."),
        1: _("Most of the change sits in the middle third of the layers."),
        2: _("Most of the change sits in the last third of the layers."),
        None: _("The change is spread over all layers."),
    }[anatomy.third(summary)]


def strongest(summary: Mapping[str, Any]) -> str:
    found = anatomy.strongest_kind(summary)
    if found is None:
        return ""
    return _("%(kind)s carries the largest part of it, %(share)s.") % {
        "kind": found[0],
        "share": units.percent(found[1], 0),
    }


def kept(summary: Mapping[str, Any]) -> str:
    """What “behaves as” means."""
    if not summary["kept"]:
        return ""
    return _(
        "%(behaves)s of %(rank)s directions in each matrix hold %(share)s of the change. "
        "The others add the last %(rest)s; compressing measures whether the answers miss it."
    ) % {
        "behaves": summary["behaves_as"],
        "rank": summary["rank"],
        "share": units.percent(summary["energy"], 0),
        "rest": units.percent(1 - summary["energy"], 0),
    }


def compressed(facts: Mapping[str, Any]) -> str:
    """What a compression cost."""
    values = {
        "before": facts["from_rank"],
        "rank": facts["rank"],
        "kept": units.percent(facts["kept"], 1),
        "size": units.filesize(facts["bytes_after"]),
        "old_size": units.filesize(facts["bytes_before"]),
    }
    said = _("Rank %(before)s → %(rank)s keeps %(kept)s of the change, %(old_size)s → %(size)s.") % values
    loss = facts.get("validation_loss")
    if not loss:
        return said + " " + _("No rows were held out to measure its loss on.")
    was, now = units.number(loss["original"], 3), units.number(loss["compressed"], 3)
    return said + " " + _("Held-out loss %(was)s → %(now)s.") % {"was": was, "now": now}
