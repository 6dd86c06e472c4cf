"""The card of an adapter version, written from what is known. Pure: facts in, Markdown out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units
from webapp.core.licences import Licence, Together

CURVE_LINES = 8
FEW_HELD_OUT = 100


@dataclass(frozen=True, kw_only=True)
class Data:
    """What it learned from. `findings` are sentences of the data report about rows that were left out or repeat."""

    name: str
    train_rows: int
    validation_rows: int
    read_as: str = ""
    findings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Training:
    """How it learned. `settings` are (label, value); `curve` is (step, held-out loss); lengths are in tokens."""

    settings: Sequence[tuple[str, str]]
    steps: int
    seed: int
    max_length: int
    recipe: str = ""
    used_step: int = 0
    is_stopped_early: bool = False
    curve: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True, kw_only=True)
class Use:
    tool: str
    note: str
    text: str


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """Everything a card is written from. Without `data` or `training` it was made elsewhere.

    `scores` are (label, base, value) in words; `withdrawn` are sentences.
    """

    name: str
    number: int
    description: str = ""
    base_name: str
    base_revision: str
    base_context: int = 0
    licence: Together
    data: Data | None = None
    training: Training | None = None
    scores: Sequence[tuple[str, str, str]] = ()
    uses: Sequence[Use] = ()
    withdrawn: Sequence[str] = ()


def write(facts: CardFacts) -> str:
    """Markdown with the sections a reader of model cards looks for. Names are escaped by `plain`."""
    sections = [
        f"# {plain(facts.name)} v{facts.number}",
        *(f"> **{plain(sentence)}**" for sentence in facts.withdrawn),
        plain(facts.description),
        _opening(facts),
        _score_section(facts),
        _curve_section(facts),
        _data_section(facts),
        _training_section(facts),
        _limits_section(facts),
        _licence_section(facts),
        _use_section(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _opening(facts: CardFacts) -> str:
    base = code(facts.base_name)
    if facts.data is None:
        return _("A LoRA adapter for %(base)s, made elsewhere and brought in.") % {"base": base}
    return ngettext(
        "A LoRA adapter for %(base)s, trained on %(rows)s row of “%(dataset)s”.",
        "A LoRA adapter for %(base)s, trained on %(rows)s rows of “%(dataset)s”.",
        facts.data.train_rows,
    ) % {"base": base, "rows": units.number(facts.data.train_rows), "dataset": plain(facts.data.name)}


def _score_section(facts: CardFacts) -> str:
    if not facts.scores:
        return ""
    rows = [f"| {plain(label)} | {base or '–'} | {value} |" for label, base, value in facts.scores]
    head = [f"## {_('Measured')}", "", f"| {_('Score')} | {_('base')} | {_('adapter')} |", "|---|---:|---:|"]
    return "\n".join([*head, *rows])


def _curve_section(facts: CardFacts) -> str:
    training = facts.training
    if training is None or len(training.curve) < 2:
        return ""
    rows = [f"| {units.number(step)} | {units.number(loss, 3)} |" for step, loss in few(training.curve)]
    head = [f"| {_('Step')} | {_('Held-out loss')} |", "|---:|---:|"]
    return "\n".join([f"## {_('How it learned')}", "", _course(training), "", *head, *rows])


def _course(training: Training) -> str:
    """The curve in a sentence or two."""
    (_start, first), (_end, last) = training.curve[0], training.curve[-1]
    step, lowest = min(training.curve, key=lambda point: point[1])
    values = {"first": units.number(first, 3), "lowest": units.number(lowest, 3), "step": units.number(step)}
    values["last"] = units.number(last, 3)
    if lowest >= first:
        said = [_("The held-out loss never fell below the %(first)s of its first measurement; it ended at %(last)s.")]
    elif last > lowest:
        said = [
            _("The held-out loss fell from %(first)s to %(lowest)s at step %(step)s and rose to %(last)s after it.")
        ]
    else:
        said = [_("The held-out loss fell from %(first)s to %(last)s and was lowest at the end.")]
    if training.used_step and training.used_step != training.steps:
        said.append(_("The adapter is that of step %(used)s."))
    if training.is_stopped_early:
        said.append(_("The training stopped by itself when it got no better."))
    return " ".join(said) % (values | {"used": units.number(training.used_step)})


def few(curve: Sequence[tuple[int, float]], count: int = CURVE_LINES) -> list[tuple[int, float]]:
    """At most `count` points: the ends, the lowest, and others at even distances between."""
    if len(curve) <= count:
        return list(curve)
    lowest = min(range(len(curve)), key=lambda index: curve[index][1])
    even = {round(place * (len(curve) - 1) / (count - 2)) for place in range(count - 1)}
    return [curve[index] for index in sorted(even | {lowest})]


def _data_section(facts: CardFacts) -> str:
    data = facts.data
    if data is None:
        return "\n".join([f"## {_('Data')}", "", _("What it learned from is not known here.")])
    values = {"train": units.number(data.train_rows), "check": units.number(data.validation_rows)}
    lines = [f"- {_('Dataset')}: “{plain(data.name)}”"]
    lines.append("- " + _("%(train)s rows to learn from, %(check)s held back for checking") % values)
    if data.read_as:
        lines.append(f"- {_('Read as')}: {plain(data.read_as)}")
    lines += [f"- {plain(finding)}" for finding in data.findings]
    return "\n".join([f"## {_('Data')}", "", *lines])


def _training_section(facts: CardFacts) -> str:
    training = facts.training
    lines = [f"- {_('Base model')}: {code(facts.base_name)} {code(facts.base_revision[:12])}"]
    if training is not None:
        if training.recipe:
            lines.append(f"- {_('Recipe')}: {plain(training.recipe)}")
        lines += [f"- {plain(label)}: {plain(value)}" for label, value in training.settings]
        if training.steps:
            lines.append(f"- {_('Steps')}: {units.number(training.steps)}")
        lines.append(f"- {_('Seed')}: {training.seed}")
    return "\n".join([f"## {_('How it was made')}", "", *lines])


def _limits_section(facts: CardFacts) -> str:
    return "\n".join([f"## {_('Limits')}", "", *(f"- {limit}" for limit in _limits(facts))])


def _limits(facts: CardFacts) -> Iterator[str]:
    """What a reader must not take for known."""
    yield _held_out(facts)
    held_out = facts.data.validation_rows if facts.data else 0
    if facts.scores and 0 < held_out < FEW_HELD_OUT:
        yield _("With so few held-out rows a share can be off by several points by chance alone.")
    yield _(
        "Not measured: what it does with other inputs than such as it learned from, whether it lost general abilities, "
        "what it refuses, how it treats different people."
    )
    yield _("The languages of the data were not determined; expect it to answer in those it learned from.")
    if facts.training is not None:
        words = {"limit": units.number(facts.training.max_length), "context": units.number(facts.base_context)}
        limit = _("It learned from conversations of at most %(limit)s tokens; longer ones were cut there.") % words
        yield limit + (" " + _("The base model reads up to %(context)s.") % words if facts.base_context else "")
    yield _("Works only with exactly these base weights and their chat template.")


def _held_out(facts: CardFacts) -> str:
    rows = facts.data.validation_rows if facts.data else 0
    if rows and facts.scores:
        say = ngettext("Measured on %(rows)s held-out row", "Measured on %(rows)s held-out rows", rows)
        return say % {"rows": units.number(rows)} + " " + _("of the same dataset; other inputs were not tried.")
    if rows:
        return _("Not measured yet; %(rows)s rows were held out for it.") % {"rows": units.number(rows)}
    if facts.data is None and facts.scores:
        return _("Its scores were measured here; how it was trained is not known here.")
    return _("No rows were held out, so nothing was measured on unseen data.")


def _licence_section(facts: CardFacts) -> str:
    named = _(" and ").join(_licence_name(part) for part in facts.licence.shown)
    return f"## {_('Licence')}\n\n{named}. {plain(facts.licence.reason)}"


def _licence_name(licence: Licence) -> str:
    if str(licence.name) == licence.id or not licence.is_known:
        return plain(str(licence.name).capitalize() if not licence.is_known else licence.id)
    return f"{plain(licence.id)} ({plain(licence.name)})"


def _use_section(facts: CardFacts) -> str:
    if not facts.uses:
        return ""
    parts = [f"## {_('How to use it')}"]
    for use in facts.uses:
        parts.append(f"### {use.tool}")
        parts += [plain(use.note)] if use.note else []
        parts.append(_fenced(use.text))
    return "\n\n".join(parts)


def _fenced(text: str) -> str:
    """A block of code, in a fence that nothing inside can close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def code(text: str) -> str:
    """A name as code in a line of Markdown. (Only folders of an administrator can bear a backtick.)"""
    return f"`{text.replace('`', '')}`" if text else ""


def plain(text: str | Promise) -> str:
    """A person's words inside a line of Markdown, with nothing left that Markdown would read there."""
    return "".join("\\" + char if char in r"\`*_[]<>#!|~&" else char for char in " ".join(str(text).split("\n")))
