"""What happened to an adapter's stages, in sentences: moves, refusals, rollbacks, and what people said about them."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.translation import gettext as _

from webapp.adapters import gates, refusals, standing
from webapp.adapters.models import Adapter, Opinion, Review, Stage, StageChange
from webapp.core.verdict import Verdict

SHOWN = 200


@dataclass(frozen=True)
class Entry:
    """One line, with what the gates said. `tone` is that of a pin of the timeline."""

    at: dt.datetime
    text: str
    word: str = ""
    lines: tuple["Line", ...] = ()
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """`cell` is "pass", "fail" or "none"."""

    text: str
    cell: str


def of(adapter: Adapter) -> list[Entry]:
    """Newest first, the SHOWN newest of each kind; the team's record keeps all."""
    changes = standing.history(adapter)[:SHOWN]
    reviews = Review.objects.filter(version__adapter=adapter).select_related("asked_by", "version").order_by("-id")
    opinions = Opinion.objects.filter(review__version__adapter=adapter).select_related("by", "review__version")
    entries = [_of_change(change) for change in changes]
    entries += [_of_review(review) for review in reviews[:SHOWN]]
    entries += [_of_opinion(opinion) for opinion in opinions.order_by("-id")[:SHOWN]]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)


def verdict(adapter: Adapter) -> Verdict:
    newest = standing.made(adapter).first()
    if newest is None:
        return Verdict(_("*Nothing was decided yet*: each version is still in the stage in which it was made."))
    words = {"what": refusals.what_was_done(newest), "who": newest.by or refusals.OUR_COMMAND}
    return Verdict(_("The last decision: *%(what)s*, by %(who)s."), **words)


def _of_change(change: StageChange) -> Entry:
    return Entry(
        at=change.at,
        text=_sentence(change),
        word=change.reason,
        lines=tuple(_lines(change)),
        tone="warn" if change.refusal else "good" if change.to_stage == Stage.PRODUCTION else "",
    )


def _sentence(change: StageChange) -> str:
    words = {
        "who": change.by or refusals.OUR_COMMAND,
        "version": f"v{change.number}",
        "from": Stage(change.from_stage).label,
        "to": Stage(change.to_stage).label,
        "by_version": f"v{change.decision.get('by_version', '')}",
    }
    if change.refusal:
        text = _("<b>{version}</b> was refused for {to}, asked by {who}")
    elif change.cause == StageChange.Cause.DISPLACED:
        text = _("<b>{version}</b> from {from} to {to}, in favour of {by_version}, by {who}")
    elif change.cause == StageChange.Cause.ROLLED_BACK:
        text = _("Rolled back to <b>{version}</b>, from {from} to {to}, by {who}")
    else:
        text = _("<b>{version}</b> from {from} to {to}, by {who}")
    return format_html(text, **words)


def _lines(change: StageChange) -> Iterator[Line]:
    for file in change.decision.get("files", []):
        said = _("%(path)s is missing") if file["is_missing"] else _("%(path)s is damaged")
        yield Line(said % {"path": file["path"]}, "fail")
    for row in change.decision.get("withdrawn", []):
        yield Line(refusals.withdrawn_words(row), "fail")
    for result in change.decision.get("gates", []):
        yield Line(result["sentence"], gates.CELLS[gates.Outcome(result["outcome"])])


def _of_review(review: Review) -> Entry:
    words = {
        "who": review.asked_by or _("Somebody"),
        "version": f"v{review.version.number}",
        "to": Stage(review.stage).label,
    }
    text = format_html(_("{who} asked for a review of <b>{version}</b> for {to}"), **words)
    return Entry(at=review.asked_at, text=text, word=review.word, tone="accent")


def _of_opinion(opinion: Opinion) -> Entry:
    words = {
        "who": opinion.by or _("Somebody"),
        "version": f"v{opinion.review.version.number}",
        "to": Stage(opinion.review.stage).label,
    }
    if opinion.is_approval:
        text = format_html(_("{who} approved <b>{version}</b> for {to}"), **words)
    else:
        text = format_html(_("{who} sent <b>{version}</b> back instead of moving it to {to}"), **words)
    return Entry(at=opinion.at, text=text, word=opinion.word, tone="good" if opinion.is_approval else "warn")
