"""What the programs remark while they work, in sentences. The codes are those of `contract.events.Noted`."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units

Data = Mapping[str, Any]
NAMES_SHOWN = 5


def sentence(code: str, data: Data) -> str:
    """Empty for a code that this version does not know."""
    teller = _NOTES.get(code)
    return teller(data) if teller else ""


def _n(data: Data) -> int:
    """How many rows a note is about: `count`, or `rows` where that is a number."""
    rows = data.get("rows")
    return int(data.get("count") or (rows if isinstance(rows, int) else 0))


def _rows(data: Data, text: str) -> str:
    """`text` with its count, and the numbers of some of the rows where they are known."""
    count = _n(data)
    text = text % {"count": units.number(count), "limit": units.number(data.get("max_length"))}
    rows = [units.number(row) for row in data["rows"][:NAMES_SHOWN]] if isinstance(data.get("rows"), list) else []
    if not rows:
        return text
    named = {"rows": get_text_list(rows, _("and"))}
    return text + " " + (_("It is row %(rows)s.") if count == 1 else _("Among them: rows %(rows)s.")) % named


def _names(values: object) -> str:
    shown = [f"“{value}”" for value in list(values)[:NAMES_SHOWN]] if isinstance(values, list | dict) else []
    return get_text_list(shown, _("and"))


def _encoding(data: Data) -> str:
    words = {"encoding": data.get("encoding", "")}
    if data.get("found_by") == "content":
        return _("The file does not say how its letters are encoded; it reads best as %(encoding)s.") % words
    return _("The file is encoded as %(encoding)s.") % words


def _mapping(data: Data) -> str:
    mapping = data.get("mapping", {})
    parts = get_text_list([f"{part}: “{column}”" for part, column in mapping.items()], _("and"))
    return _("Columns are read as %(parts)s.") % {"parts": parts}


def _losses(data: Data) -> dict[str, str]:
    return {"before": units.number(data.get("before"), 3), "after": units.number(data.get("after"), 3)}


def _steps(data: Data) -> dict[str, str]:
    names = ("step", "best_step", "last_step", "patience")
    return {name: units.number(data.get(name)) for name in names} | {
        "loss": units.number(data.get("validation_loss"), 3)
    }


def _versions(data: Data) -> str:
    changed = [f"{name} {before or '–'} → {after or '–'}" for name, (before, after) in data.get("changed", {}).items()]
    what = get_text_list(changed, _("and"))
    return _(
        "It goes on with other versions than it began with (%(what)s), so not every bit is as it would have been."
    ) % {"what": what}


_NOTES: dict[str, Callable[[Data], str]] = {
    # The reader.
    "unpacked": lambda data: _("The file was packed with gzip and is unpacked while it is read."),
    "encoding": _encoding,
    "format": lambda data: _("It is read as %(format)s.") % {"format": str(data.get("format", "")).upper()},
    "wrapper": lambda data: _("The rows lie under “%(field)s”.") % {"field": data.get("field", "")},
    "mapping": _mapping,
    "header_missing": lambda data: _("The first row looks like an example, so the columns have no names."),
    "array_not_closed": lambda data: _("The list is not closed: the end of the file seems to be missing."),
    "data_after_array": lambda data: _("Something follows after the end of the list and was left out."),
    "bad_rows": lambda data: _rows(
        data, ngettext("%(count)s row cannot be used.", "%(count)s rows cannot be used.", _n(data))
    ),
    "duplicates": lambda data: _rows(
        data,
        ngettext(
            "%(count)s row says the same as an earlier one.", "%(count)s rows say the same as earlier ones.", _n(data)
        ),
    ),
    "ignored_keys": lambda data: (
        _("Left out, because training does not use it: %(names)s.") % {"names": _names(data.get("keys"))}
    ),
    "unused_columns": lambda data: _("Columns that are not used: %(names)s.") % {"names": _names(data.get("columns"))},
    "nothing_held_out": lambda data: _("There are too few rows to hold some back, so nothing can be measured on them."),
    # Rows on their way into training.
    "rows_truncated": lambda data: _rows(
        data,
        ngettext(
            "%(count)s row is longer than %(limit)s tokens and was cut off.",
            "%(count)s rows are longer than %(limit)s tokens and were cut off.",
            _n(data),
        ),
    ),
    "rows_without_trained_tokens": lambda data: _rows(
        data,
        ngettext(
            "%(count)s row was left out: nothing of its answer fits into %(limit)s tokens.",
            "%(count)s rows were left out: nothing of their answers fits into %(limit)s tokens.",
            _n(data),
        ),
    ),
    "rows_refused_by_template": lambda data: _rows(
        data,
        ngettext(
            "%(count)s row was left out: the base model's chat template refuses it.",
            "%(count)s rows were left out: the base model's chat template refuses them.",
            _n(data),
        ),
    ),
    "turns_trained_one_by_one": lambda data: _rows(
        data,
        ngettext(
            "The answers of %(count)s row are trained one by one, since the chat template changes earlier turns.",
            "The answers of %(count)s rows are trained one by one, since the chat template changes earlier turns.",
            _n(data),
        ),
    ),
    "held_out_sampled": lambda data: (
        _("Of %(total)s held-out rows, %(rows)s are measured, evenly spread.")
        % {"total": units.number(data.get("total")), "rows": units.number(data.get("rows"))}
    ),
    "rows_not_asked": lambda data: _rows(
        data,
        ngettext(
            "%(count)s held-out row was not asked: no answer to compare with, or too long a prompt.",
            "%(count)s held-out rows were not asked: no answer to compare with, or too long a prompt.",
            _n(data),
        ),
    ),
    # Base models.
    "commit_pinned": lambda data: (
        _("It is fetched as it is at commit %(commit)s, and stays so whatever changes at the hub.")
        % {"commit": str(data.get("commit", ""))[:12]}
    ),
    "hub_busy": lambda data: (
        _("The hub is busy or broke off; it is asked again in %(wait)s.")
        % {"wait": units.duration(data.get("seconds"))}
    ),
    "form_of_training_unknown": lambda data: _(
        "The adapter does not say in which form its base model was trained, so it is measured in the base model's own."
    ),
    # Adapters from elsewhere.
    "files_left_out": lambda data: (
        _("Left out, because an adapter does not need it: %(names)s.") % {"names": _names(data.get("names"))}
    ),
    "trained_on_another": lambda data: (
        _(
            "It says that it was trained on %(trained_on)s, and you chose %(base)s. Its sizes fit; whether it does what"
            " it should on other weights, only a measurement shows."
        )
        % {"trained_on": data.get("trained_on", ""), "base": data.get("base", "")}
    ),
    "trained_on_unsaid": lambda data: (
        _("It does not say on which base model it was trained. Its sizes fit %(base)s.")
        % {"base": data.get("base", "")}
    ),
    "targets_from_tensors": lambda data: _(
        "Its config named layers by a pattern; the names of those that it has were written instead."
    ),
    "changes_nothing": lambda data: _("All its weights that could change an answer are zero: it does nothing yet."),
    "readme_left_out": lambda data: (
        _("Its README.md was left out: it is no text in UTF-8, or longer than %(limit)s.")
        % {"limit": units.filesize(data.get("limit"))}
    ),
    # Training.
    "checkpoint_damaged": lambda data: (
        _("The checkpoint %(folder)s is damaged (%(file)s); the one before it is used.")
        % {"folder": data.get("folder", ""), "file": data.get("file", "")}
    ),
    "checkpoint_of_another_order": lambda data: (
        _("The checkpoint %(folder)s belongs to other settings; it is not used.") % {"folder": data.get("folder", "")}
    ),
    "resumed_with_other_versions": _versions,
    "resumed_on_other_device": lambda data: (
        _("It began on %(before)s and goes on on %(now)s, so results may differ a little.")
        % {"before": data.get("before", ""), "now": data.get("now", "")}
    ),
    "early_stopping_without_validation": lambda data: _(
        "It cannot stop early by itself, because no rows were held out to measure on."
    ),
    "stopped_early": lambda data: (
        _("It stopped at step %(step)s: the loss on held-out rows has not improved since step %(best_step)s.")
        % _steps(data)
    ),
    "best_checkpoint_used": lambda data: (
        _("The adapter is that of step %(best_step)s, where the loss on held-out rows was lowest (%(loss)s).")
        % _steps(data)
    ),
    "last_checkpoint_used": lambda data: (
        _("The checkpoint of the best step, %(best_step)s, cannot be used, so the adapter is that of step %(step)s.")
        % _steps(data)
    ),
    "validation_not_better": lambda data: (
        _("The loss on held-out rows did not fall: %(before)s before, %(after)s at its best.") % _losses(data)
    ),
}
