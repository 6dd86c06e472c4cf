"""The verbs of the catalog: one module for each thing that people or runs do with adapters."""

from webapp.adapters.actions.editing import edit_card, rename, reset_card
from webapp.adapters.actions.gates import add_gate, change_gate, remove_gate
from webapp.adapters.actions.linking import MadeLink, follow_link, make_link, zip_name
from webapp.adapters.actions.registering import record_score, register_from_run, relicense
from webapp.adapters.actions.reviews import approve, ask, send_back
from webapp.adapters.actions.stages import move, rollback
from webapp.adapters.actions.taking import take
from webapp.adapters.actions.trash import delete, purge, restore

__all__ = [
    "MadeLink",
    "add_gate",
    "approve",
    "ask",
    "change_gate",
    "delete",
    "edit_card",
    "follow_link",
    "make_link",
    "move",
    "purge",
    "record_score",
    "register_from_run",
    "relicense",
    "remove_gate",
    "rename",
    "reset_card",
    "restore",
    "rollback",
    "send_back",
    "take",
    "zip_name",
]
