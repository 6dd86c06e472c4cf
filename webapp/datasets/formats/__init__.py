"""What a file of examples may look like, and how one of its rows becomes a conversation.

Pure: no files, no Django. The reader uses it on millions of untrusted rows, the web tier on a
form's preview; so both agree on every name. Words for people live in the web tier.
"""

from webapp.datasets.formats.codes import Doubt, FileFormat, Layout, MappingError, Part, Problem, RowProblem
from webapp.datasets.formats.conversations import RowMapper, Turn
from webapp.datasets.formats.guessing import KNOWN_NAMES, Guess, check_mapping, guess, layout_of, plain_name

__all__ = [
    "KNOWN_NAMES",
    "Doubt",
    "FileFormat",
    "Guess",
    "Layout",
    "MappingError",
    "Part",
    "Problem",
    "RowMapper",
    "RowProblem",
    "Turn",
    "check_mapping",
    "guess",
    "layout_of",
    "plain_name",
]
