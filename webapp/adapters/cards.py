"""The card of a version as it stands: a person's words where somebody wrote some, else written from what is known now.

README.md is the same card for other tools, with the header that model hubs and their clients read.
"""

import hashlib
import json
import math
from collections.abc import Iterator

from django.conf import settings
from django.utils import translation
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.adapters import card, scoretable, terms, trained_with, usage
from webapp.adapters.models import AdapterVersion
from webapp.core import units
from webapp.datasets import words
from webapp.datasets.models import DatasetVersion
from webapp.lineage import queries as lineage
from webapp.runs import fields, series
from webapp.runs.models import Run

README, README_TYPE = "README.md", "text/markdown; charset=utf-8"


def text(version: AdapterVersion) -> str:
    """Markdown. Of a version that was made elsewhere, what came with it counts as a person's words."""
    is_given = version.is_card_edited or (version.run is None and version.card)
    return version.card if is_given else card.write(facts(version))


def revision(markdown: str) -> str:
    """Tells one state of a card from another, for who changes it."""
    return hashlib.sha256(markdown.encode()).hexdigest()[:16]


def beside(version: AdapterVersion) -> dict[str, bytes]:
    """The files that a download carries beside those that are stored: equal bytes as long as nothing changes."""
    return {README: readme(version).encode()}


def readme(version: AdapterVersion) -> str:
    """In the language of the installation, whoever asks."""
    with translation.override(settings.LANGUAGE_CODE):
        return f"{_header(version)}\n{text(version)}"


def facts(version: AdapterVersion) -> card.CardFacts:
    run, base = version.run, version.base_model
    return card.CardFacts(
        name=version.adapter.name,
        number=version.number,
        description=version.adapter.description,
        base_name=base.name,
        base_revision=base.revision,
        base_context=base.context_length,
        licence=terms.of(version),
        data=_data(version, run.dataset_version) if run else None,
        training=_training(version, run) if run else None,
        scores=[(row.label, row.base_text, row.value_text) for row in scoretable.rows(version)],
        withdrawn=list(_withdrawn(version)),
        uses=[card.Use(tool=str(use.label), note=use.note, text=use.text) for use in usage.snippets(version)],
    )


def _withdrawn(version: AdapterVersion) -> Iterator[str]:
    for row in lineage.withdrawn_ancestors(version.adapter.team, version.public_id):
        yield _("Withdrawn: %(name)s. %(reason)s") % {"name": row.name, "reason": row.reason}


def _data(version: AdapterVersion, data: DatasetVersion) -> card.Data:
    """The engine may leave rows out, for instance those with nothing to learn, so its own counts come first."""
    return card.Data(
        name=str(data),
        train_rows=int(version.facts.get("train_rows", data.train_rows)),
        validation_rows=int(version.facts.get("validation_rows", data.validation_rows)),
        read_as=words.read_as(data) if data.format else "",
        findings=list(_findings(data)),
    )


def _findings(version: DatasetVersion) -> Iterator[str]:
    for code, count in sorted(version.report.get("problem_counts", {}).items()):
        yield words.problem_title(code, count)
    repeated = int(version.report.get("exact_duplicates") or 0)
    if repeated:
        said = ngettext("%(n)s row repeats another", "%(n)s rows repeat others", repeated)
        yield said % {"n": units.number(repeated)}


def _training(version: AdapterVersion, run: Run) -> card.Training:
    config = fields.stored(run.config)
    return card.Training(
        settings=trained_with.of(version),
        recipe=str(run.recipe or ""),
        steps=int(version.facts.get("steps") or 0),
        used_step=int(version.facts.get("used_step") or 0),
        is_stopped_early=bool(version.facts.get("is_stopped_early")),
        seed=config.seed,
        max_length=config.max_length,
        curve=_curve(run),
    )


def _curve(run: Run) -> list[tuple[int, float]]:
    points = series.whole(run, ["validation_loss"])["validation_loss"]
    return [(step, loss) for step, loss in zip(points.steps, points.values, strict=True) if math.isfinite(loss)]


def _header(version: AdapterVersion) -> str:
    """YAML between rules. JSON is YAML, so each value is written as JSON and nothing in it can break out."""
    base, licence, run = version.base_model, terms.of(version), version.run
    known: dict[str, object] = {
        "base_model": base.repository or base.name,
        "base_model_relation": "adapter",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "license": licence.hub,
    }
    if licence.hub == "other":
        known["license_name"] = licence.expression
    known["tags"] = ["lora", "peft", "tunesmith"]
    if run is not None:
        dataset = run.dataset_version.dataset
        known["datasets"] = [f"{version.adapter.team.slug}/{slugify(dataset.name) or dataset.public_id}"]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in known.items()]
    return "\n".join(["---", *lines, "---", ""])
