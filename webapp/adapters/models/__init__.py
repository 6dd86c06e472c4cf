"""catalog.py holds what is in the catalog, facts.py what is known of it, stages.py how it went through its stages."""

from webapp.adapters.models.catalog import Adapter, AdapterQuerySet, AdapterVersion, Stage
from webapp.adapters.models.facts import Download, Score
from webapp.adapters.models.stages import Gate, Opinion, Review, Rule, StageChange

__all__ = [
    "Adapter",
    "AdapterQuerySet",
    "AdapterVersion",
    "Download",
    "Gate",
    "Opinion",
    "Review",
    "Rule",
    "Score",
    "Stage",
    "StageChange",
]
