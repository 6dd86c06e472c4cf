"""The settings behind a version, as its page and its card tell them."""

from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from webapp.adapters.models import AdapterVersion
from webapp.runs import fields


def of(version: AdapterVersion) -> list[tuple[str, str]]:
    """Those of its training; a version that was cut down says its own rank, and from which it came."""
    if version.run is None:
        return []
    config, cut = fields.stored(version.run.config), version.facts.get("compression")
    if not cut:
        return fields.summary(config)
    words = {"number": cut["from_version"], "before": cut["from_rank"], "rank": cut["rank"]}
    came = _("from v%(number)s, rank %(before)s → %(rank)s") % words
    return [*fields.summary(replace(config, **of_cut(version))), (_("Compressed"), came)]


def of_cut(version: AdapterVersion) -> dict[str, Any]:
    """What a compression set in place of what training had; nothing for other versions."""
    cut = version.facts.get("compression")
    return {"lora_r": cut["rank"], "lora_alpha": float(cut["rank"]), "use_rslora": False} if cut else {}
