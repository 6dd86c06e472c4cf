"""Finding in the catalog: what may be asked, and the one question to the database that answers it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.db.models import BooleanField, F, Func, Q, QuerySet, Subquery, Value
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.accounts.models import Team, User
from webapp.adapters import search
from webapp.adapters.models import Listing, Stage, Tag, Task
from webapp.basemodels.models import PretrainedModel
from webapp.core.faults import UserFault
from webapp.core.paging import Page

PAGE = 30
MOST_TAGS = 5  # of a question
COUNT_TO = 1000  # more are not counted: nobody reads them, and counting them is what would take long


class Sort(models.TextChoices):
    NEWEST = "newest", gettext_lazy("Newest first")
    NAME = "name", gettext_lazy("By name")
    GAIN = "gain", gettext_lazy("Most gained first")


# The column, and the one that decides between equals.
ORDERS: dict[Sort, tuple[str, str]] = {
    Sort.NEWEST: ("-version_id", "-adapter_id"),
    Sort.NAME: ("sort_name", "adapter_id"),
    Sort.GAIN: ("-gain", "-adapter_id"),
}
FILTERS = ("q", "stage", "task", "base", "tag", "licence", "owner")
KNOWN = {*FILTERS, "sort"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a person or a program asks for; all of it must be true of what is found."""

    text: str = ""
    stage: str = ""
    task: str = ""
    base: str = ""
    tags: tuple[str, ...] = ()
    licence: str = ""
    owner: str = ""
    sort: Sort = Sort.NEWEST

    @property
    def filters(self) -> int:
        """How many conditions there are."""
        single = [self.text, self.stage, self.task, self.base, self.licence, self.owner]
        return sum(1 for value in single if value) + len(self.tags)

    @property
    def only_facet(self) -> tuple[str, str] | None:
        """The filter and its value where there is exactly one, and it is one that is counted."""
        single = {"stage": self.stage, "task": self.task, "base": self.base, "licence": self.licence}
        single |= {"owner": self.owner, "tag": self.tags[0] if self.tags else ""}
        given = [(name, value) for name, value in single.items() if value]
        return given[0] if self.filters == 1 and given else None


def read(params: QueryDict) -> Wanted:
    """The question in an address. What is unknown or not allowed is left out, as pages do."""
    found = _plain(params)
    return replace(
        found,
        stage=found.stage if found.stage in Stage.values else "",
        task=found.task if found.task in Task.values else "",
        sort=_sort(params) or Sort.NEWEST,
    )


def read_strictly(params: QueryDict, *, besides: Sequence[str] = ()) -> Wanted:
    """As `read`, for programs: an unknown filter, value or order is a fault (400) that names it."""
    for name in params:
        if name not in KNOWN and name not in besides:
            known = ", ".join([*FILTERS, "sort", *besides])
            raise _fault(name, _("There is no filter “%(name)s”. These are known: %(known)s."), name, known)
    found = _plain(params)
    for name, value, allowed in (("stage", found.stage, Stage.values), ("task", found.task, Task.values)):
        if value and value not in allowed:
            raise _fault(name, _("“%(name)s” cannot be asked for here. Use one of: %(known)s."), value, *allowed)
    if params.get("sort") and _sort(params) is None:
        raise _fault(
            "sort", _("There is no order “%(name)s”. Use one of: %(known)s."), params.get("sort", ""), *Sort.values
        )
    if len(found.tags) > MOST_TAGS:
        raise _fault("tag", _("Ask for at most %(name)s tags at once."), str(MOST_TAGS))
    return found


def query(wanted: Wanted) -> str:
    """The question as an address bears it, without what was not asked."""
    asked = [("q", wanted.text), ("stage", wanted.stage), ("task", wanted.task), ("base", wanted.base)]
    asked += [("tag", tag) for tag in wanted.tags] + [("licence", wanted.licence), ("owner", wanted.owner)]
    asked += [("sort", "" if wanted.sort == Sort.NEWEST else wanted.sort.value)]
    return urlencode([(name, value) for name, value in asked if value])


def _plain(params: QueryDict) -> Wanted:
    return Wanted(
        text=" ".join(params.get("q", "").split())[:1000],
        stage=params.get("stage", ""),
        task=params.get("task", ""),
        base=params.get("base", "")[:40],
        tags=tuple(dict.fromkeys(tag for tag in params.getlist("tag") if tag)),
        licence=params.get("licence", "")[:200],
        owner=params.get("owner", "")[:40],
        sort=_sort(params) or Sort.NEWEST,
    )


def _sort(params: QueryDict) -> Sort | None:
    wanted = params.get("sort", "")
    return Sort(wanted) if wanted in Sort.values else None


def _fault(field: str, sentence: str, name: str, *known: str) -> UserFault:
    return UserFault(
        "bad_filter", sentence % {"name": name[:80], "known": ", ".join(known)}, field=field[:80], status=400
    )


def listings(team: Team, wanted: Wanted) -> QuerySet[Listing]:
    """What is found, without an order."""
    found = Listing.objects.filter(team=team)
    if wanted.text:
        found = search.matching(found, wanted.text)
    if wanted.stage:
        found = found.filter(_in_stage(wanted.stage))
    if wanted.task:
        found = found.filter(task=wanted.task)
    if wanted.base:
        found = found.filter(base_model=_one(PretrainedModel, wanted.base))
    if wanted.licence:
        found = found.filter(licence=wanted.licence)
    if wanted.owner:
        found = found.filter(owner=_one(User, wanted.owner))
    for tag in wanted.tags[:MOST_TAGS]:
        found = found.filter(adapter__in=Tag.objects.filter(team=team, name=tag).values("adapter"))
    return found


def _one(model: type[PretrainedModel] | type[User], public_id: str) -> Subquery:
    """Its key, looked up inside the same question: with a join instead the index would not give the order."""
    return Subquery(model._base_manager.filter(public_id=public_id).values("pk")[:1])


def _in_stage(stage: str) -> Q:
    """An adapter stands where its newest version does, and where it holds production or candidate besides."""
    if stage == Stage.PRODUCTION:
        return Q(production__isnull=False)
    if stage == Stage.CANDIDATE:
        return Q(candidate__isnull=False)
    return Q(stage=stage)


SHOWN = (
    "adapter__public_id", "adapter__name", "adapter__description", "adapter__task", "adapter__created_at",
    "version__public_id", "version__number", "version__stage", "version__created_at", "version__bundle__size_bytes",
    "base_model__public_id", "base_model__name", "base_model__revision", "owner__public_id", "owner__name",
    "owner__email", "team", "stage", "production", "candidate", "licence", "tags", "loss", "base_loss",
)  # fmt: skip


def shown(found: QuerySet[Listing]) -> QuerySet[Listing]:
    """With what a list shows of each, and nothing else: cards and facts stay where they are."""
    related = ("adapter", "version__bundle", "base_model", "owner")
    return found.select_related(*related).only(*SHOWN)


def page(team: Team, wanted: Wanted, *, after: str = "", size: int = PAGE) -> Page[Listing]:
    """The `size` adapters that follow the one whose public id is `after`; an unknown one starts again.

    Raises LookupError where there is none of that name in the catalog.
    """
    order = ORDERS[wanted.sort]
    found = listings(team, wanted).order_by(*order)
    if after:
        start = Listing.objects.filter(team=team, adapter__public_id=after).values(*_columns(order)).first()
        if start is None:
            raise LookupError(after)
        found = found.filter(_beyond(order, start))
    items = list(shown(found)[: size + 1])
    cursor = items[size - 1].adapter.public_id if len(items) > size else ""
    return Page(items=items[:size], next=cursor, is_first=not after)


def count(team: Team, wanted: Wanted) -> int:
    """How many are found; COUNT_TO + 1 stands for "more than COUNT_TO"."""
    return listings(team, wanted)[: COUNT_TO + 1].count()


def _columns(order: Sequence[str]) -> list[str]:
    return [column.removeprefix("-") for column in order]


def _beyond(order: Sequence[str], start: Mapping[str, Any]) -> Func:
    """`(gain, adapter_id) < (0.3, 17)`: a comparison of rows, which an index answers at any depth.

    Written as `gain < 0.3 OR gain = 0.3 AND …` it would read all the rows before.
    """
    names = _columns(order)
    here = _row(*(F(name) for name in names))
    there = _row(*(Value(start[name]) for name in names))
    side = " < " if order[0].startswith("-") else " > "
    return Func(here, there, template="%(expressions)s", arg_joiner=side, output_field=BooleanField())


def _row(*values: F | Value) -> Func:
    return Func(*values, template="(%(expressions)s)", output_field=BooleanField())
