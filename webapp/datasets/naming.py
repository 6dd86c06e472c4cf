"""What people type about a dataset: checked once, for every door."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from django.utils.translation import gettext as _

from webapp.core import licences, units, visible
from webapp.core.faults import UserFault
from webapp.datasets import formats

NAME_CHARACTERS = 80
SYSTEM_PROMPT_CHARACTERS = 20_000
LICENCE_CHARACTERS = 80
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_ENDINGS = {".gz", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".tab"}


def check_name(name: str) -> str:
    """One line of at most 80 characters. Raises UserFault."""
    name = _one_line(name)
    if not name or len(name) > NAME_CHARACTERS:
        message = _("Give the dataset a name of 1 to %(limit)s characters.") % {"limit": NAME_CHARACTERS}
        raise UserFault("bad_name", message, field="name")
    return name


def from_file_name(file_name: str, *, taken: set[str]) -> str:
    """The file's name without its endings; where that is taken, with the next free number."""
    path = PurePosixPath(file_name)
    while path.suffix.lower() in _ENDINGS and path.stem:
        path = path.with_suffix("")
    stem = _one_line(path.name) or _("Dataset")
    names = [stem[:NAME_CHARACTERS]] + [f"{stem[: NAME_CHARACTERS - 5]} {number}" for number in range(2, 1000)]
    return next(name for name in names if name not in taken)


def _one_line(text: str) -> str:
    return " ".join(visible.stripped(_CONTROL.sub(" ", text)).split())


def check_licence(text: str) -> str:
    """A known licence by its id, whatever its case; "own", or nothing where nobody knows; else the words as they are.

    Raises UserFault.
    """
    text = _one_line(text)
    if len(text) > LICENCE_CHARACTERS:
        message = _("A licence is an id such as CC-BY-4.0, or at most %(limit)s characters.")
        raise UserFault("bad_licence", message % {"limit": LICENCE_CHARACTERS}, field="licence")
    found = licences.of(text)
    return found.id if found.is_known else ""


def check_system_prompt(text: str) -> str:
    text = text.strip()
    if "\x00" in text:
        message = _("The instruction holds a character with the code 0, which no text has. Take it out.")
        raise UserFault("bad_system_prompt", message, field="system_prompt")
    if len(text) > SYSTEM_PROMPT_CHARACTERS:
        message = _("The instruction may have at most %(limit)s characters, since it is repeated with every row.")
        limit = units.number(SYSTEM_PROMPT_CHARACTERS)
        raise UserFault("bad_system_prompt", message % {"limit": limit}, field="system_prompt")
    return text


def check_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    """Part → column, complete or empty. Raises UserFault."""
    found = {str(part): str(column) for part, column in mapping.items()}
    if found:
        try:
            formats.check_mapping(found)
        except formats.MappingError as error:
            raise UserFault("bad_mapping", _mapping_words(error), field="mapping", data=error.data) from error
    return found


def _mapping_words(error: formats.MappingError) -> str:
    match error.code:
        case "incomplete":
            return _("Say which column holds the question and which the answer, or which holds whole conversations.")
        case "contradictory":
            return _(
                "One column holds whole conversations, so no other can hold question, context or answer. "
                "Choose either the one or the others."
            )
        case "same_column":
            return _("Two parts were given to the same column. Choose one column for each part, and one part for each.")
        case _:
            parts = ", ".join(error.data.get("parts", []))
            return _("There is no part called %(parts)s. Known are: %(known)s.") % {
                "parts": parts,
                "known": ", ".join(formats.Part),
            }
