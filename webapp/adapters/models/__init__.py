"""catalog.py holds what is in the catalog, facts.py what is known of it, stages.py how it went through its stages,
imports.py what comes from elsewhere.
"""

from webapp.adapters.models.catalog import Adapter, AdapterQuerySet, AdapterVersion, Stage
from webapp.adapters.models.facts import Download, Score
from webapp.adapters.models.imports import AdapterImport, ImportFile
from webapp.adapters.models.stages import Gate, Opinion, Review, Rule, StageChange

__all__ = [
    "Adapter",
    "AdapterImport",
    "AdapterQuerySet",
    "AdapterVersion",
    "Download",
    "Gate",
    "ImportFile",
    "Opinion",
    "Review",
    "Rule",
    "Score",
    "Stage",
    "StageChange",
]
