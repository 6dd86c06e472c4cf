"""Everything that can be done to runs and recipes."""

from webapp.runs.actions.checkpoints import delete_checkpoints, purge_checkpoints, restore_checkpoints
from webapp.runs.actions.ending import fail, finish
from webapp.runs.actions.launching import launch
from webapp.runs.actions.recipes import change_recipe, delete_recipe, purge_recipes, restore_recipe, save_recipe
from webapp.runs.actions.recording import append_metrics, record_checkpoint, record_planned, record_rewind
from webapp.runs.actions.steering import cancel, delete, pause, purge, rename, restore, resume, retry, stop_and_keep

__all__ = [
    "append_metrics",
    "cancel",
    "change_recipe",
    "delete",
    "delete_checkpoints",
    "delete_recipe",
    "fail",
    "finish",
    "launch",
    "pause",
    "purge",
    "purge_checkpoints",
    "purge_recipes",
    "record_checkpoint",
    "record_planned",
    "record_rewind",
    "rename",
    "restore",
    "restore_checkpoints",
    "restore_recipe",
    "resume",
    "retry",
    "save_recipe",
    "stop_and_keep",
]
