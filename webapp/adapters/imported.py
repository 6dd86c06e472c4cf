"""What is said about adapters from elsewhere: how an import stands, and what is known of a version that came so."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import Team
from webapp.adapters.models import AdapterImport, AdapterVersion
from webapp.basemodels.models import PretrainedModel
from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.jobs import notes, queries, words
from webapp.jobs.lifecycle import State
from webapp.runs import shapes


def of_team(team: Team) -> QuerySet[AdapterImport]:
    """Newest first, with what a list of them shows."""
    return (
        AdapterImport.objects.filter(team=team)
        .select_related("job", "base_model", "created_by", "team", "version__adapter")
        .order_by("-id")
    )


def bases(team: Team) -> list[PretrainedModel]:
    """Those that an adapter can be compared with."""
    ready = PretrainedModel.objects.for_team(team).ready().own_first()
    return [base for base in ready if shapes.of(base.config) is not None]


def state(found: AdapterImport) -> str:
    if found.is_done:
        return "succeeded"
    return found.job.state if found.job else "cancelled"


def live_version(found: AdapterImport) -> AdapterVersion | None:
    """What it became, unless that lies in the trash."""
    version = found.version
    is_live = version is not None and version.deleted_at is None and version.adapter.deleted_at is None
    return version if is_live else None


def verdict(found: AdapterImport) -> Verdict:
    """Is it taken?"""
    if found.is_done and live_version(found) is None:
        return Verdict(_("It was taken, *and what it became was deleted since.*"))
    if found.is_done and found.was_known:
        return Verdict(_("The catalog *had exactly this adapter already.* Nothing was added."))
    if found.is_done:
        return Verdict(_("It fits its base model *and is in the catalog.*"))
    match state(found):
        case State.FAILED:
            assert found.job is not None
            return Verdict(_("It was *not taken.* %(why)s."), why=words.fault(found.job).title)
        case State.SUCCEEDED:
            return Verdict(_("It was taken, *and what it became was deleted since.*"))
        case State.CANCELLED:
            return Verdict(_("Cancelled. *Nothing was added to the catalog.*"))
        case State.QUEUED:
            return Verdict(_("Waits for a worker *that can check it.*"))
    return Verdict(_("Being checked *before anything may use it.*"))


def progress(found: AdapterImport) -> dict[str, Any]:
    """How far it is; empty when it is over."""
    job = found.job
    if found.is_done or job is None or job.is_over:
        return {}
    return {
        "now": words.now(job),
        "why": words.waiting(queries.why_waiting(job)) if job.state == State.QUEUED else "",
        "share": job.progress_done / job.progress_total if job.progress_total else None,
        "state": job.state,
    }


@dataclass(frozen=True)
class Warning:
    text: str
    is_warning: bool


def warnings(version: AdapterVersion) -> list[Warning]:
    """What the check noticed, in sentences."""
    said = version.facts.get("warnings", []) if version.run_id is None else []
    return [Warning(notes.sentence(item["code"], item["data"]) or item["code"], item["is_warning"]) for item in said]


def settings(version: AdapterVersion) -> list[tuple[str, str]]:
    """Label and value of what the config and the weights say; empty for a version that did not come so."""
    facts = version.facts
    if "import" not in facts:
        return []
    method = [_("LoRA")] if not facts["use_dora"] else [_("DoRA")]
    if facts["use_rslora"]:
        method.append(_("rank-stabilised"))
    layers = ngettext("%(n)s block", "%(n)s blocks", facts["layers"]) % {"n": units.number(facts["layers"])}
    return [
        (_("Method"), ", ".join(method)),
        (_("Rank"), units.number(facts["rank"])),
        (_("Alpha"), units.number(facts["lora_alpha"])),
        (_("Layers"), _("%(names)s in %(layers)s") % {"names": _list(facts["target_modules"]), "layers": layers}),
        (_("Parameters"), units.number(facts["trainable_parameters"])),
        (_("Stored as"), _list(facts["dtypes"])),
        (_("Says it was trained on"), facts["trained_on"] or "–"),
        *([(_("Licence it names"), facts["licence"])] if facts["licence"] else []),
    ]


def _list(names: list[str]) -> str:
    return str(get_text_list(names, _("and")))
