"""What a version was made from."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.adapters.models import AdapterVersion
from webapp.core import units


@dataclass(frozen=True)
class Node:
    """One box of the picture that tells where a version comes from."""

    kind: str
    name: str
    note: str
    url: str


def of(version: AdapterVersion) -> list[list[Node]]:
    """What the version was made from, in the order of making; the first step has data and base side by side."""
    slug = version.adapter.team.slug
    base = version.base_model
    base_node = Node(
        _("Base model"),
        base.name.split("/")[-1],
        _("rev %s") % base.revision[:8] if base.revision else "",
        reverse("basemodels:detail", args=[slug, base.public_id]),
    )
    run = version.run
    if run is None:
        return [[base_node], *_brought(version), *_cut(version)]
    data = run.dataset_version
    data_node = Node(
        _("Dataset"),
        str(data),
        ngettext("%s row", "%s rows", data.rows_good) % units.number(data.rows_good),
        reverse("datasets:version", args=[slug, data.dataset.public_id, data.number]),
    )
    steps = run.result.get("steps")
    note = ngettext("%s step", "%s steps", steps) % units.number(steps) if steps else ""
    run_node = Node(_("Run"), run.name, note, reverse("runs:detail", args=[slug, run.public_id]))
    return [[data_node, base_node], [run_node], *_cut(version)]


def _cut(version: AdapterVersion) -> list[list[Node]]:
    """The version of a higher rank that it was cut down from; empty for others."""
    cut = version.facts.get("compression")
    if not cut:
        return []
    adapter, number = version.adapter, cut["from_version"]
    url = reverse("adapters:version", args=[adapter.team.slug, adapter.public_id, number])
    return [[Node(_("Adapter"), f"{adapter.name} v{number}", _("rank %s") % cut["from_rank"], url)]]


def _brought(version: AdapterVersion) -> list[list[Node]]:
    """The import by which it came; empty for a version that was made here."""
    found = version.imports.filter(was_known=False).first()
    if found is None:
        return []
    name = found.repository or _("files of %(who)s") % {"who": found.created_by or "–"}
    url = reverse("adapters:import", args=[version.adapter.team.slug, found.public_id])
    return [[Node(_("Import"), name, found.commit[:8], url)]]
