"""The page of a new run: what can be chosen, what is chosen, and what that would mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from webapp.accounts.models import Team
from webapp.basemodels import actions as basemodels
from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import LoraConfig
from webapp.core import units
from webapp.core.charts import Part
from webapp.datasets.models import DatasetVersion
from webapp.fleet.models import Device
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job
from webapp.runs import fields, places, preflight, presets
from webapp.runs.estimate import Fit, Work
from webapp.runs.forms import RunForm
from webapp.runs.models import Recipe, Run

VERSIONS_OFFERED = 200


@dataclass(frozen=True)
class Offer:
    """What the team can choose from; the first of each is what one starts with."""

    versions: dict[str, DatasetVersion]
    bases: dict[str, PretrainedModel]
    recipes: dict[str, Recipe]

    @property
    def can_launch(self) -> bool:
        return bool(self.versions and self.bases)


def offer(team: Team) -> Offer:
    basemodels.ensure_starter()
    ready = DatasetVersion.objects.ready().filter(dataset__team=team).select_related("dataset", "dataset__team")
    bases = sorted(
        PretrainedModel.objects.for_team(team).ready().own_first(), key=lambda row: not row.has_chat_template
    )
    recipes = list(Recipe.objects.for_team(team))
    known = [preset.public_id for preset in presets.PRESETS]
    recipes.sort(key=lambda row: (known.index(row.public_id) if row.public_id in known else len(known), row.pk))
    return Offer(
        versions={row.public_id: row for row in ready.order_by("-id")[:VERSIONS_OFFERED]},
        bases={row.public_id: row for row in bases},
        recipes={row.public_id: row for row in recipes},
    )


def title_of(recipe: Recipe) -> str:
    """The built-in ones speak the reader's language."""
    return _(recipe.name) if recipe.team_id is None else recipe.name


def form_for(there: Offer, data: QueryDict | None, start: Mapping[str, str], config: LoraConfig) -> RunForm:
    """The form with its choices; with `data`, as it was sent, a changed recipe already applied."""
    return RunForm(
        applied(there, data) if data is not None else None,
        start=config,
        initial=dict(start),
        datasets=[(key, _version_label(row)) for key, row in there.versions.items()],
        bases=[(key, row.name) for key, row in there.bases.items()],
        recipes=[(key, title_of(row)) for key, row in there.recipes.items()],
    )


def applied(there: Offer, data: QueryDict) -> QueryDict:
    """When another recipe was chosen than the one the page was made with, its settings take the place of the old
    one's; what was changed by hand stays."""
    chosen, before = there.recipes.get(data.get("recipe", "")), there.recipes.get(data.get("recipe_before", ""))
    if chosen is None or chosen == before:
        return data
    mutable = data.copy()
    new = fields.stored(chosen.config)
    old = fields.stored(before.config) if before else None
    for field in fields.TABLE:
        if old is None or _is_untouched(field, data, getattr(old, field.name)):
            _put(mutable, field, getattr(new, field.name))
    return mutable


def _is_untouched(field: fields.Field, data: QueryDict, before: Any) -> bool:
    try:
        return bool(fields.value_of(field, data.get(field.name, "")) == before)
    except ValueError:
        return False


def _put(data: QueryDict, field: fields.Field, value: Any) -> None:
    if field.kind is bool and not value:
        data.pop(field.name, None)
    else:
        data[field.name] = "on" if value is True else fields.typed(field, value)


def _version_label(version: DatasetVersion) -> str:
    rows = units.number(version.train_rows)
    return _("%(name)s, %(rows)s rows") % {"name": version, "rows": rows}


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What would come of it. Any part may be missing where it is not known."""

    plan: preflight.Plan
    checks: list[preflight.Check]
    work: Work | None
    fits: list[tuple[Device, Fit]]
    ahead: int

    @property
    def best(self) -> Fit | None:
        return self.plan.fit

    @property
    def blocked(self) -> preflight.Check | None:
        return next((check for check in self.checks if check.is_blocking), None)

    @property
    def warning_count(self) -> int:
        return sum(check.finding.severity == "warn" for check in self.checks)


def forecast(version: DatasetVersion, base: PretrainedModel, config: LoraConfig) -> Forecast:
    pairs = places.fits(version, base, config)
    plan = preflight.plan(version, base, config, pairs)
    waiting = Job.objects.filter(state=State.QUEUED, needs_devices__gt=0).count()
    return Forecast(
        plan=plan,
        checks=preflight.look(plan),
        work=places.work(version, base, config),
        fits=pairs,
        ahead=waiting,
    )


@dataclass(frozen=True)
class Choice:
    """A recipe as it is offered: its words and its few numbers for this dataset and base."""

    recipe: Recipe
    title: str
    description: str
    config: LoraConfig
    is_chosen: bool
    seconds: float | None


def choices(there: Offer, chosen: str, version: DatasetVersion | None, base: PretrainedModel | None) -> list[Choice]:
    return [_choice(row, row.public_id == chosen, version, base) for row in there.recipes.values()]


def _choice(recipe: Recipe, is_chosen: bool, version: DatasetVersion | None, base: PretrainedModel | None) -> Choice:
    config = fields.stored(recipe.config)
    fit = places.best(places.fits(version, base, config)) if version and base and recipe.team_id is None else None
    description = _(recipe.description) if recipe.team_id is None and recipe.description else recipe.description
    return Choice(recipe, title_of(recipe), description, config, is_chosen, fit.seconds if fit else None)


def memory_parts(fit: Fit) -> list[Part]:
    """The memory bar, in the order in which things come into memory."""
    weights = _("weights, 4 bit") if fit.has_4_bit_weights else _("weights")
    return [
        Part(weights, fit.memory.weights, "f2"),
        Part(_("adapter"), fit.memory.adapter, "f1"),
        Part(_("activations"), fit.memory.activations, "f3"),
        Part(_("reserve"), fit.memory.reserve, "f8"),
    ]


def time_text(fit: Fit | None) -> str:
    """ "31 to 38 min"; what is not known is said to be so."""
    if fit is None or fit.seconds_low is None or fit.seconds_high is None:
        return units.UNKNOWN
    low, high = units.duration(fit.seconds_low), units.duration(fit.seconds_high)
    low_number, _space, low_unit = low.partition(units.NBSP)
    if high.endswith(units.NBSP + low_unit) and units.NBSP not in low_unit:
        low = low_number
    return low if low == high else _("%(low)s to %(high)s") % {"low": low, "high": high}


def start_from_run(run: Run) -> tuple[dict[str, str], LoraConfig]:
    """The choices of an earlier run, to be launched once more or changed."""
    start = {"dataset": run.dataset_version.public_id, "base_model": run.base_model.public_id}
    if run.recipe is not None and run.recipe.deleted_at is None:
        start["recipe"] = run.recipe.public_id
    return start, fields.stored(run.config)
