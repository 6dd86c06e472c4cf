"""Why a file could not be read: what happened, what it means, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from webapp.contract.events import Fault
from webapp.core import units
from webapp.datasets import words
from webapp.jobs import words as job_words
from webapp.jobs.models import Job


@dataclass(frozen=True)
class ReadFault:
    """`title` is a short clause; `can_map` asks for a mapping instead of another file."""

    title: str
    meaning: str
    remedy: str
    can_map: bool = False
    is_ours: bool = False
    reference: str = ""

    @property
    def tone(self) -> str:
        """Of the notice that says it: a question is no failure."""
        return "warn" if self.can_map else "bad"


KINDS: dict[str, str | Promise] = {
    "parquet": gettext_lazy("a Parquet file"),
    "zip": gettext_lazy("a ZIP archive, as which Excel also saves its .xlsx files"),
    "gzip": gettext_lazy("gzip packed inside gzip"),
    "zstd": gettext_lazy("a Zstandard archive"),
    "bzip2": gettext_lazy("a bzip2 archive"),
    "xz": gettext_lazy("an xz archive"),
    "7z": gettext_lazy("a 7-Zip archive"),
    "arrow": gettext_lazy("an Arrow file"),
    "pdf": gettext_lazy("a PDF document"),
    "office": gettext_lazy("an old Office document"),
    "sqlite": gettext_lazy("an SQLite database"),
    "gguf": gettext_lazy("a GGUF model"),
    "binary": gettext_lazy("no text at all"),
    "text": gettext_lazy("running text without rows and columns"),
}


def of(job: Job) -> ReadFault:
    """The fault of a reading that failed. `job.fault_data` names causes, rows and sizes."""
    data = job.fault_data or {}
    match job.fault:
        case Fault.UNKNOWN_FORMAT:
            return _needs_mapping(data) if data.get("columns") else _other_kind(data)
        case Fault.NO_ROWS:
            return _no_rows(data)
        case Fault.TOO_LARGE:
            return _too_large(data)
        case Fault.BAD_FILE:
            return _damaged(data)
        case _:
            said = job_words.fault(job)
            return ReadFault(
                title=str(said.title),
                meaning=str(said.meaning),
                remedy=str(said.remedy),
                is_ours=said.is_ours,
                reference=said.reference,
            )


def _needs_mapping(data: Mapping[str, Any]) -> ReadFault:
    missing = data.get("missing_columns") or []
    if missing:
        meaning = ngettext(
            "The file has no column called %(columns)s.", "The file has no columns called %(columns)s.", len(missing)
        ) % {"columns": ", ".join(f"“{name}”" for name in missing)}
    else:
        meaning = " ".join(str(words.DOUBTS[doubt]) for doubt in data.get("doubts", []))
    return ReadFault(
        title=_("It is not clear which column holds what"),
        meaning=meaning,
        remedy=_("Choose below what each column is, then the file is read. Nothing has to be uploaded again."),
        can_map=True,
    )


def _other_kind(data: Mapping[str, Any]) -> ReadFault:
    kind = KINDS.get(data.get("seems", ""), KINDS["binary"])
    return ReadFault(
        title=_("The file is of another kind"),
        meaning=_("Its content is %(kind)s, whatever its name says.") % {"kind": kind},
        remedy=_(
            "Bring the examples as a table (CSV, TSV) or as JSON (lines or one list), each also packed with gzip. "
            "A spreadsheet can be saved as CSV."
        ),
    )


def _no_rows(data: Mapping[str, Any]) -> ReadFault:
    total = data.get("rows_total", 0)
    if data.get("cause") == "empty" or not total:
        return ReadFault(
            title=_("There are no rows in the file"),
            meaning=_("It holds nothing but blank lines or a header."),
            remedy=_("Choose the file that holds your examples, one in each row."),
        )
    meaning = ngettext("Its only row cannot be used.", "None of its %(n)s rows can be used.", total)
    return ReadFault(
        title=_("No row of the file can be used"),
        meaning=meaning % {"n": units.number(total)},
        remedy=_("Mend what is listed below, then upload the file as a new version."),
    )


def _too_large(data: Mapping[str, Any]) -> ReadFault:
    match data.get("cause"):
        case "rows":
            meaning = _("It has more than %(limit)s rows.") % {"limit": units.number(data.get("max_rows"))}
        case "bytes":
            limit = units.filesize(data.get("max_bytes"))
            meaning = _("Unpacked it has more than %(limit)s.") % {"limit": limit}
        case "ratio":
            limit = units.number(data.get("max_ratio"))
            meaning = _("It unpacks to more than %(limit)s times its size, as no real examples do.") % {"limit": limit}
        case "cpu_seconds":
            meaning = _("Reading it took longer than any file of its size should take.")
        case _:
            meaning = _("Reading it needs more memory than a file of examples may take.")
    return ReadFault(
        title=_("The file is too large to be read"),
        meaning=meaning,
        remedy=_("Split it, and add the parts as datasets of their own. A few thousand good rows are usually enough."),
    )


def _damaged(data: Mapping[str, Any]) -> ReadFault:
    meaning = {
        "gzip_cut": _("The gzip file ends too early: it was cut while it was written or copied."),
        "reader_died": _("The program that reads files ended in the middle of it, several times."),
        "gzip_damaged": _("The gzip file is damaged and cannot be unpacked."),
    }.get(data.get("cause", ""), _("It is no ordinary file, or it is no longer where it was stored."))
    return ReadFault(
        title=_("The file is damaged"), meaning=meaning, remedy=_("Export or copy it once more, then upload it again.")
    )
