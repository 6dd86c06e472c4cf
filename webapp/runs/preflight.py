"""What is looked at before a run is launched. The page shows it, and the launch refuses what blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import LoraConfig, Method
from webapp.core import units
from webapp.core.findings import Action, Finding, Severity
from webapp.datasets.models import DatasetVersion
from webapp.fleet.models import Device
from webapp.lineage import queries as lineage
from webapp.runs import estimate, places
from webapp.runs.estimate import CHARACTERS_PER_TOKEN, TEMPLATE_TOKENS, Fit

FEW_ROWS = 20
FEW_STEPS = 10
# An estimate is no proof: only what is this far beyond the largest device is refused.
HOPELESS = 1.3


@dataclass(frozen=True)
class Check:
    """One finding; `code` and `field` are for programs."""

    code: str
    finding: Finding
    field: str = ""

    @property
    def is_blocking(self) -> bool:
        return self.finding.severity is Severity.BLOCK


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a person is about to launch. `fit` is the best place for it, None where nothing is known."""

    version: DatasetVersion
    base: PretrainedModel
    config: LoraConfig
    fit: Fit | None
    has_worker: bool


def look(plan: Plan) -> list[Check]:
    """Everything that can be known now, in the order in which a reader needs it."""
    return [check for rule in _RULES for check in rule(plan)]


def _check(
    code: str, severity: Severity, title: str, text: str = "", *, field: str = "", action: Action | None = None
) -> Check:
    finding = Finding(severity=severity, title=title, text=text, actions=(action,) if action else ())
    return Check(code, finding, field)


def _dataset(plan: Plan) -> Iterator[Check]:
    version = plan.version
    dataset = version.dataset
    look = Action(_("Look"), reverse("datasets:version", args=[dataset.team.slug, dataset.public_id, version.number]))
    if version.bundle_id is None:
        title = _("%(name)s is not ready") % {"name": version}
        text = _("It is still being read, or its file could not be read. Its page says which.")
        yield _check("dataset_not_ready", Severity.BLOCK, title, text, field="dataset", action=look)
        return
    if version.train_rows == 0:
        title = _("%(name)s has no row to learn from") % {"name": version}
        yield _check("no_rows", Severity.BLOCK, title, _("Add rows to it."), field="dataset", action=look)
        return
    if version.train_rows < FEW_ROWS:
        title = ngettext("Only %(count)s row to learn from", "Only %(count)s rows to learn from", version.train_rows)
        text = _("A model learns a manner from some dozens of good examples; with so few it mostly repeats them.")
        yield _check("few_rows", Severity.WARN, title % {"count": version.train_rows}, text, field="dataset")
    if version.rows_bad:
        title = ngettext(
            "%(count)s row of the file is left out", "%(count)s rows of the file are left out", version.rows_bad
        )
        text = _("They could not be read as conversations. The others are used.")
        yield _check("bad_rows", Severity.NOTE, title % {"count": units.number(version.rows_bad)}, text, action=look)
    else:
        yield _check("all_rows_good", Severity.PASS, _("Every row of the file could be read"))
    repeated = int(version.report.get("exact_duplicates") or 0)
    if repeated:
        title = ngettext("%(count)s row is there twice", "%(count)s rows repeat others word for word", repeated)
        text = _("What is repeated weighs more.")
        yield _check("repeated_rows", Severity.NOTE, title % {"count": units.number(repeated)}, text, action=look)


def _withdrawn(plan: Plan) -> Iterator[Check]:
    team = plan.version.dataset.team
    for public_id, field in ((plan.version.public_id, "dataset"), (plan.base.public_id, "base_model")):
        for row in lineage.withdrawn_ancestors(team, public_id):
            title = _("%(name)s was withdrawn") % {"name": row.name}
            text = _("%(reason)s Choose another one.") % {"reason": row.reason.rstrip(".") + "."}
            look = Action(_("Look"), reverse("lineage:show", args=[team.slug, row.thing]))
            yield _check("withdrawn", Severity.BLOCK, title, text, field=field, action=look)


def _validation(plan: Plan) -> Iterator[Check]:
    if plan.version.validation_rows:
        title = ngettext(
            "%(count)s row is held back for checking", "%(count)s rows are held back for checking",
            plan.version.validation_rows,
        )  # fmt: skip
        text = _("The model never learns from them, so they show what it really learned.")
        yield _check("validation", Severity.PASS, title % {"count": units.number(plan.version.validation_rows)}, text)
        return
    text = _("Nobody can see then whether the model learns the manner or only repeats its rows.")
    if plan.config.early_stopping_patience:
        text += " " + _("It will not stop early either.")
    yield _check("no_validation", Severity.WARN, _("No rows are held back for checking"), text, field="dataset")


def _base(plan: Plan) -> Iterator[Check]:
    base = plan.base
    if base.bundle_id is None:
        title = _("%(name)s is not here yet") % {"name": base.name}
        text = _("It is being fetched, or fetching it failed. Its page says which.")
        yield _check("base_not_ready", Severity.BLOCK, title, text, field="base_model")
    elif not base.has_chat_template:
        title = _("%(name)s has no chat template") % {"name": base.name}
        text = _("Without one nobody knows how it expects a conversation to be written. Choose an “Instruct” model.")
        yield _check("no_chat_template", Severity.BLOCK, title, text, field="base_model")
    else:
        text = _("Training, answering and export will use the same one.")
        yield _check("chat_template", Severity.PASS, _("The base model brings its chat template"), text)


def _length(plan: Plan) -> Iterator[Check]:
    limit, context = plan.config.max_length, plan.base.context_length
    if context and limit > context:
        words = {"limit": units.number(limit), "context": units.number(context)}
        title = _("Longest row is %(limit)s tokens, but the base model reads at most %(context)s") % words
        text = _("The nearest that works is %(context)s.") % words
        yield _check("too_long_for_base", Severity.BLOCK, title, text, field="max_length")
        return
    longest = [int(row["characters"]) for row in plan.version.report.get("longest_rows") or []]
    if not longest:
        return
    most = (limit - TEMPLATE_TOKENS) * CHARACTERS_PER_TOKEN
    cut = sum(characters > most for characters in longest)
    words = {"limit": units.number(limit), "count": units.number(cut)}
    if not cut:
        title = _("Every row fits into %(limit)s tokens") % words
        yield _check("no_row_cut", Severity.PASS, title, _("Estimated from their characters."))
        return
    if cut == len(longest) < plan.version.rows_good:
        title = _("At least %(count)s rows are longer than %(limit)s tokens") % words
    else:
        title = ngettext(
            "%(count)s row is longer than %(limit)s tokens", "%(count)s rows are longer than %(limit)s tokens", cut
        ) % words  # fmt: skip
    text = _("Their end is cut off and not learned. Raise the limit, or shorten them. Estimated from their characters.")
    yield _check("rows_cut", Severity.WARN, title, text, field="max_length")


def _amount(plan: Plan) -> Iterator[Check]:
    steps = estimate.total_steps(plan.version.train_rows, plan.config)
    if plan.version.train_rows and steps < FEW_STEPS:
        title = ngettext("Only %(count)s step will be made", "Only %(count)s steps will be made", steps)
        text, field = (
            _("That is little to learn from. More passes or smaller batches make more steps."),
            "num_train_epochs",
        )
        if plan.config.max_steps:  # it decides alone
            text, field = (
                _("That is little to learn from. Raise “Most steps”, or set it to 0 for whole passes."),
                "max_steps",
            )
        yield _check("few_steps", Severity.WARN, title % {"count": steps}, text, field=field)
    ratio = plan.config.lora_alpha / plan.config.lora_r
    if not 0.25 <= ratio <= 8:
        words = {"alpha": units.number(plan.config.lora_alpha), "rank": units.number(plan.config.lora_r)}
        title = _("Alpha is %(alpha)s at rank %(rank)s") % words
        text = _("Usual is the rank to twice the rank; far from it the adapter whispers or shouts.")
        yield _check("unusual_alpha", Severity.WARN, title, text, field="lora_alpha")


def _place(plan: Plan) -> Iterator[Check]:
    fit = plan.fit
    if not plan.has_worker:
        text = _("The run waits in the queue and starts by itself when a worker does.")
        yield _check("no_worker", Severity.WARN, _("No worker is running now"), text)
        return
    if fit is None:
        text = _("Its kind of model is not known here, so memory and time cannot be foretold.")
        yield _check("unknown_shapes", Severity.NOTE, _("No estimate for this base model"), text)
        return
    words = {
        "device": fit.device.place,
        "short": units.memory(fit.short_bytes),
        "needed": units.memory(fit.memory.total),
        "has": units.memory(fit.device.memory_bytes),
    }
    if fit.fits:
        yield _check("fits", Severity.PASS, _("It fits: %(needed)s of %(has)s on %(device)s") % words)
        return
    is_hopeless = fit.memory.total > HOPELESS * fit.device.memory_bytes
    title = _("It needs about %(needed)s; the largest device has %(has)s") % words
    text = _("Use a smaller base model or shorter rows.")
    if plan.config.method is Method.LORA:
        text = _("Keep the base model in 4 bits (QLoRA), or use a smaller one or shorter rows.")
    severity = Severity.BLOCK if is_hopeless else Severity.WARN
    yield _check("does_not_fit", severity, title, text, field="method")


_RULES: tuple[Callable[[Plan], Iterator[Check]], ...] = (
    _dataset,
    _base,
    _withdrawn,
    _length,
    _place,
    _validation,
    _amount,
)


def plan(
    version: DatasetVersion,
    base: PretrainedModel,
    config: LoraConfig,
    pairs: Sequence[tuple[Device, Fit]] | None = None,
) -> Plan:
    """The plan with the best place for it, as the fleet is now or as `pairs` say."""
    pairs = places.fits(version, base, config) if pairs is None else pairs
    has_worker = bool(pairs) or places.has_worker()
    return Plan(version=version, base=base, config=config, fit=places.best(pairs), has_worker=has_worker)
