"""catalog.py holds what is in the catalog, facts.py what is known of it."""

from webapp.adapters.models.catalog import Adapter, AdapterQuerySet, AdapterVersion, Stage
from webapp.adapters.models.facts import Download, Score

__all__ = ["Adapter", "AdapterQuerySet", "AdapterVersion", "Download", "Score", "Stage"]
