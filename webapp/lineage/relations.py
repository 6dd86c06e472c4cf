"""In which way one thing was made from another, and whether a withdrawal goes along with it."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What comes after them was not made of what lies before: the next upload of a dataset may be the cleaned one, and
# settings are no content. A withdrawal does not pass on by these; it does by every other, known or not.
PASSES_NOTHING_ON = frozenset({"revised", "recipe"})

WORDS: dict[str, str | Promise] = {
    "data": _("as data"),
    "base": _("as base model"),
    "recipe": _("as settings"),
    "revised": _("as the version before"),
    "remapped": _("the same file, read with other columns"),
    "imported": _("by bringing it in"),
    "trained": _("by training"),
    "measured": _("by measuring"),
    "compressed": _("by lowering the rank"),
    "combined": _("by combining"),
    "merged": _("by merging"),
    "exported": _("by exporting"),
}


def words(relation: str) -> str:
    """How the later thing came of the earlier one; a way that nobody named yet says nothing."""
    return str(WORDS.get(relation, ""))
