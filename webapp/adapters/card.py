"""The card of an adapter version, written from what is known. Pure: facts in, Markdown out."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """Everything the first card is written from. `settings` are (label, value), `scores` (label, base, value)."""

    name: str
    number: int
    base_name: str
    base_revision: str
    base_licence: str
    dataset: str
    train_rows: int
    validation_rows: int
    settings: Sequence[tuple[str, str]]
    steps: int
    seed: int
    scores: Sequence[tuple[str, str, str]]


def write(facts: CardFacts) -> str:
    """Markdown with the sections a reader of model cards looks for. Names are escaped by `_plain`."""
    sections = [
        f"# {_plain(facts.name)} v{facts.number}",
        _("A LoRA adapter for %(base)s, trained on %(rows)d rows of “%(dataset)s”.")
        % {"base": f"`{facts.base_name}`", "rows": facts.train_rows, "dataset": _plain(facts.dataset)},
        _score_section(facts),
        _training_section(facts),
        _limits_section(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _score_section(facts: CardFacts) -> str:
    if not facts.scores:
        return ""
    rows = [f"| {_plain(label)} | {base} | {value} |" for label, base, value in facts.scores]
    head = [f"## {_('Measured')}", "", f"| {_('Score')} | {_('base')} | {_('adapter')} |", "|---|---:|---:|"]
    return "\n".join([*head, *rows])


def _training_section(facts: CardFacts) -> str:
    lines = [f"## {_('How it was made')}", ""]
    lines += [f"- {_plain(label)}: {_plain(value)}" for label, value in facts.settings]
    if facts.steps:
        lines.append(f"- {_('Steps')}: {facts.steps}")
    lines.append(f"- {_('Seed')}: {facts.seed}")
    lines.append(f"- {_('Base model')}: `{facts.base_name}` `{facts.base_revision[:12]}`")
    return "\n".join(lines)


def _limits_section(facts: CardFacts) -> str:
    if facts.validation_rows and facts.scores:
        held_out = _("Measured on %(rows)d held-out rows of the same dataset; other inputs were not tried.") % {
            "rows": facts.validation_rows
        }
    elif facts.validation_rows:
        held_out = _("Not measured yet; %(rows)d rows were held out for it.") % {"rows": facts.validation_rows}
    else:
        held_out = _("No rows were held out, so nothing was measured on unseen data.")
    licence = facts.base_licence or _("unknown")
    return "\n".join(
        [
            f"## {_('Limits and licence')}",
            "",
            f"- {held_out}",
            f"- {_('Works only with exactly these base weights and their chat template.')}",
            f"- {_('Licence of the base model')}: {licence}",
        ]
    )


def _plain(text: str) -> str:
    """A person's words inside a line of Markdown, with nothing left that Markdown would read there."""
    return "".join("\\" + char if char in r"\`*_[]<>#!|~&" else char for char in text.replace("\n", " "))
