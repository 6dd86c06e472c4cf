"""What is right and wrong with a version, each with its evidence and one thing to do. Made from the reader's report."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units
from webapp.core.findings import Action, Finding, Severity
from webapp.datasets import verdict, words
from webapp.datasets.models import DatasetVersion

GOOD_START_ROWS = 200
NAMES_SHOWN = 5


@dataclass(frozen=True)
class Links:
    """Where the findings lead; the view knows the addresses."""

    problems: str
    columns: str


def of(version: DatasetVersion, links: Links) -> list[Finding]:
    """In the order of the checks; core.findings.split sorts them for the page."""
    return [
        *_bad_rows(version, links),
        *_amount(version),
        *_held_out(version),
        *_encoding(version),
        *_duplicates(version),
        *_left_aside(version, links),
    ]


def _bad_rows(version: DatasetVersion, links: Links) -> Iterator[Finding]:
    counts: dict[str, int] = version.report.get("problem_counts", {})
    named: dict[str, list[int]] = version.report.get("problem_rows", {})
    for code, count in sorted(counts.items(), key=lambda item: -item[1]):
        where = words.rows_named(named.get(code, []), count)
        yield Finding(
            severity=Severity.WARN,
            title=words.problem_title(code, count),
            text=f"{where}. {words.problem_remedy(code)}",
            actions=(Action(_("Show"), f"{links.problems}?code={code}"),),
        )
    if not counts:
        yield _passed(_("Every row can be used"))


def _amount(version: DatasetVersion) -> Iterator[Finding]:
    good = version.rows_good
    if good < verdict.FEW_ROWS:
        text = _("The model will hardly change, or learn these rows by heart. 200 good examples are a good start.")
        title = ngettext("There is only %(n)s row", "There are only %(n)s rows", good) % {"n": units.number(good)}
        yield Finding(severity=Severity.WARN, title=title, text=text)
    elif good < GOOD_START_ROWS:
        yield Finding(
            severity=Severity.NOTE,
            title=_("%(n)s rows are few") % {"n": units.number(good)},
            text=_("Enough to try. For a behaviour that holds, bring 200 or more."),
        )
    else:
        yield _passed(_("There are enough rows to learn from"))


def _held_out(version: DatasetVersion) -> Iterator[Finding]:
    if version.validation_rows:
        yield _passed(_("Rows are held back to check what was learned"))
    elif version.validation_share:
        title = _("Nothing is held back for checking")
        text = _("There are too few rows to spare any. Without them nobody can tell learning from learning by heart.")
        yield Finding(severity=Severity.WARN, title=title, text=text)
    else:
        title = _("Nothing is held back for checking, as you chose")
        text = _("A run on it shows no validation loss, and there is no report against the base model.")
        yield Finding(severity=Severity.NOTE, title=title, text=text)


def _encoding(version: DatasetVersion) -> Iterator[Finding]:
    name = words.encoding(version.encoding)
    if version.report.get("encoding_found_by") == "content":
        text = _("The file does not say how its letters are written, so it was found out from them. If letters with "
                 "accents look wrong below, save the file as UTF-8 and upload it again.")  # fmt: skip
        yield Finding(severity=Severity.NOTE, title=_("Read as %(name)s") % {"name": name}, text=text)
    else:
        yield _passed(_("Every letter could be read (%(name)s)") % {"name": name})


def _duplicates(version: DatasetVersion) -> Iterator[Finding]:
    count = version.report.get("exact_duplicates", 0)
    if not count:
        yield _passed(_("No conversation stands there twice"))
        return
    title = ngettext("%(n)s exact duplicate", "%(n)s exact duplicates", count) % {"n": units.number(count)}
    text = _("What stands there twice weighs twice. Fine if that is meant; equal rows never stand on both sides of the "
             "split.")  # fmt: skip
    yield Finding(severity=Severity.NOTE, title=title, text=text)


def _left_aside(version: DatasetVersion, links: Links) -> Iterator[Finding]:
    """What the file says and nobody will learn."""
    unused = version.report.get("unused_columns", [])
    if unused:
        count = len(unused)
        title = ngettext("%(n)s column is not used", "%(n)s columns are not used", count) % {"n": units.number(count)}
        action = Action(_("Choose columns"), links.columns)
        yield Finding(severity=Severity.NOTE, title=title, text=_listed(unused), actions=(action,))
    ignored = list(version.report.get("ignored_keys", {}))
    if ignored:
        count = len(ignored)
        title = ngettext("%(n)s field of the messages is not used", "%(n)s fields of the messages are not used", count)
        yield Finding(severity=Severity.NOTE, title=title % {"n": units.number(count)}, text=_listed(ignored))
    if not unused and not ignored:
        yield _passed(_("Everything the file says is used"))


def _listed(names: list[str]) -> str:
    shown = [f"“{name}”" for name in names[:NAMES_SHOWN]]
    more = len(names) - len(shown)
    if more > 0:
        return _("%(names)s and %(n)s more") % {"names": ", ".join(shown), "n": units.number(more)}
    return str(get_text_list(shown, _("and")))


def _passed(title: str) -> Finding:
    return Finding(severity=Severity.PASS, title=title)
