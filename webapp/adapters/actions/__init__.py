"""The verbs of the catalog: one module for each thing that people or runs do with adapters."""

from webapp.adapters.actions.compressing import compress, finish_compression
from webapp.adapters.actions.editing import change, describe, edit_card, rename, reset_card
from webapp.adapters.actions.forgetting import forget
from webapp.adapters.actions.gates import add_gate, change_gate, remove_gate
from webapp.adapters.actions.importing import (
    cancel_import,
    check_fetched,
    fail_import,
    finish_import,
    import_from_hub,
    import_uploads,
    purge_imports,
    retry_import,
)
from webapp.adapters.actions.inspecting import finish_inspection, inspect
from webapp.adapters.actions.linking import MadeLink, follow_link, make_link, zip_name
from webapp.adapters.actions.listing import relist, relist_missing, relist_team
from webapp.adapters.actions.registering import record_score, register_from_run, relicense
from webapp.adapters.actions.reviews import approve, ask, send_back
from webapp.adapters.actions.rights import require_change
from webapp.adapters.actions.stages import move, rollback
from webapp.adapters.actions.taking import take
from webapp.adapters.actions.trash import delete, delete_version, purge, restore, restore_version

__all__ = [
    "MadeLink",
    "add_gate",
    "approve",
    "ask",
    "cancel_import",
    "change",
    "change_gate",
    "check_fetched",
    "compress",
    "delete",
    "delete_version",
    "describe",
    "edit_card",
    "fail_import",
    "finish_compression",
    "finish_import",
    "finish_inspection",
    "follow_link",
    "forget",
    "import_from_hub",
    "import_uploads",
    "inspect",
    "make_link",
    "move",
    "purge",
    "purge_imports",
    "record_score",
    "register_from_run",
    "relicense",
    "relist",
    "relist_missing",
    "relist_team",
    "remove_gate",
    "rename",
    "require_change",
    "reset_card",
    "restore",
    "restore_version",
    "retry_import",
    "rollback",
    "send_back",
    "take",
    "zip_name",
]
