"""Everything that can be done to runs and recipes."""

from webapp.runs.actions.recording import append_metrics, record_checkpoint, record_planned, record_rewind

__all__ = ["append_metrics", "record_checkpoint", "record_planned", "record_rewind"]
