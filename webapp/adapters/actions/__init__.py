"""The verbs of the catalog: one module for each thing that people or runs do with adapters."""

from webapp.adapters.actions.editing import edit_card, rename
from webapp.adapters.actions.linking import MadeLink, follow_link, make_link, zip_name
from webapp.adapters.actions.registering import record_score, register_from_run, rewrite_card
from webapp.adapters.actions.taking import take
from webapp.adapters.actions.trash import delete, purge, restore

__all__ = [
    "MadeLink",
    "delete",
    "edit_card",
    "follow_link",
    "make_link",
    "purge",
    "record_score",
    "register_from_run",
    "rename",
    "restore",
    "rewrite_card",
    "take",
    "zip_name",
]
