"""catalog.py holds what is in the catalog, facts.py what is known of it, stages.py how it went through its stages,
imports.py what comes from elsewhere, listing.py what the catalog's list is read from.
"""

from webapp.adapters.models.catalog import Adapter, AdapterQuerySet, AdapterVersion, Stage, Task
from webapp.adapters.models.facts import Anatomy, Compression, Download, Score
from webapp.adapters.models.imports import AdapterImport, ImportFile
from webapp.adapters.models.listing import UNMEASURED, Facet, Listing, Tag
from webapp.adapters.models.stages import Gate, Opinion, Review, Rule, StageChange

__all__ = [
    "UNMEASURED",
    "Adapter",
    "AdapterImport",
    "AdapterQuerySet",
    "AdapterVersion",
    "Anatomy",
    "Compression",
    "Download",
    "Facet",
    "Gate",
    "ImportFile",
    "Listing",
    "Opinion",
    "Review",
    "Rule",
    "Score",
    "Stage",
    "StageChange",
    "Tag",
    "Task",
]
