"""The rows that the catalog's list is read from, and the numbers beside its filters.

Whoever changes what a list shows or finds (a name, a description, a task, tags, a card, a score, a stage, a licence,
a version more or less, the way to the trash and back) calls `relist` in the same transaction.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.db.models import F

from webapp.accounts.models import Team
from webapp.adapters import gains, search
from webapp.adapters.models import UNMEASURED, Adapter, AdapterVersion, Facet, Listing, Score, Stage, Tag

BATCH = 500
Value = tuple[Facet.Kind, str]


@transaction.atomic
def relist(*, adapter: Adapter) -> None:
    """Write the adapter's listing anew from what is known of it now; in the trash it has none."""
    _lock(adapter.team)
    before = Listing.objects.filter(adapter=adapter).select_related("base_model", "owner").first()
    after, texts = _listings([adapter.pk])
    if after:
        after[0].save()
        search.write(texts)
    elif before is not None:
        search.forget([adapter.pk])
        Listing.objects.filter(adapter=adapter).delete()
    _count(adapter.team, before, after[0] if after else None)


@transaction.atomic
def relist_team(*, team: Team) -> int:
    """Write all listings of a team and its counts anew; returns how many adapters it lists."""
    _lock(team)
    old = list(Listing.objects.filter(team=team).values_list("pk", flat=True))
    search.forget(old)
    Listing.objects.filter(team=team).delete()
    counts: Counter[Value] = Counter()
    samples: dict[Value, Listing] = {}
    for batch in _batches(team):
        listings, texts = _listings(batch)
        Listing.objects.bulk_create(listings)
        search.write(texts)
        for listing in listings:
            counts.update(found := _values(listing))
            samples |= dict.fromkeys(found, listing)
    Facet.objects.filter(team=team).exclude(kind=Facet.Kind.ALL).delete()
    Facet.objects.filter(team=team, kind=Facet.Kind.ALL).update(count=counts.pop((Facet.Kind.ALL, ""), 0))
    Facet.objects.bulk_create([_facet(team, value, samples[value], count) for value, count in counts.items()])
    return Listing.objects.filter(team=team).count()


def relist_missing() -> int:
    """Write the listings of teams that have adapters without one, as after an upgrade; returns how many teams."""
    missing = Adapter.objects.live().filter(listing=None, versions__isnull=False)
    teams = Team.objects.filter(pk__in=missing.values("team"))
    for team in teams:
        relist_team(team=team)
    return len(teams)


def _lock(team: Team) -> None:
    """One at a time in a team: the row of the total is its lock."""
    Facet.objects.bulk_create([Facet(team=team, kind=Facet.Kind.ALL, value="")], ignore_conflicts=True)
    Facet.objects.select_for_update().get(team=team, kind=Facet.Kind.ALL)


def _batches(team: Team) -> Iterator[list[int]]:
    last = 0
    while batch := list(
        Adapter.objects.live().filter(team=team, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        yield batch
        last = batch[-1]


def _listings(adapter_ids: Sequence[int]) -> tuple[list[Listing], dict[int, str]]:
    """The listings of those that are live and have a version, and the texts to find them by."""
    versions = (
        AdapterVersion.objects.filter(adapter__in=adapter_ids, adapter__deleted_at=None)
        .select_related("adapter__created_by", "base_model")
        .defer("facts")
        .order_by("number")
    )
    by_adapter: dict[int, list[AdapterVersion]] = {}
    for version in versions:
        by_adapter.setdefault(version.adapter_id, []).append(version)
    newest = [found[-1].pk for found in by_adapter.values()]
    losses = {
        score.version_id: score
        for score in Score.objects.filter(version__in=newest, name="validation_loss").order_by("id")
    }
    tags: dict[int, list[str]] = {}
    for tag in Tag.objects.filter(adapter__in=by_adapter).order_by("name"):
        tags.setdefault(tag.adapter_id, []).append(tag.name)
    listings, texts = [], {}
    for adapter_id, found in by_adapter.items():
        listing = _listing(found, tags.get(adapter_id, []), losses.get(found[-1].pk))
        listings.append(listing)
        texts[adapter_id] = _text(listing)
    return listings, texts


def _listing(versions: Sequence[AdapterVersion], tags: list[str], loss: Score | None) -> Listing:
    newest = versions[-1]
    holders = {version.stage: version.number for version in versions}
    gain = gains.of_losses(loss.base_value, loss.value) if loss else None
    return Listing(
        adapter=newest.adapter,
        team_id=newest.adapter.team_id,
        version=newest,
        sort_name=search.fold(newest.adapter.name)[:240],
        stage=newest.stage,
        production=holders.get(Stage.PRODUCTION),
        candidate=holders.get(Stage.CANDIDATE),
        base_model=newest.base_model,
        task=newest.adapter.task,
        licence=newest.licence,
        owner=newest.adapter.created_by,
        tags=tags,
        loss=loss.value if loss else None,
        base_loss=loss.base_value if loss else None,
        gain=-gain.share if gain else UNMEASURED,
    )


def _text(listing: Listing) -> str:
    """What an adapter is found by. A card that was written from facts says nothing that stands not here already."""
    adapter, version = listing.adapter, listing.version
    parts = [adapter.name, adapter.description, *listing.tags, str(adapter.get_task_display())]
    parts += [listing.base_model.name, listing.licence, str(listing.owner or "")]
    if version.is_card_edited or version.run_id is None:
        parts.append(version.card)
    return "\n".join(parts)


def _values(listing: Listing) -> set[Value]:
    """Under which filters it is found."""
    kinds = Facet.Kind
    found = {(kinds.ALL, ""), (kinds.STAGE, listing.stage), (kinds.BASE, listing.base_model.public_id)}
    if listing.production is not None:
        found.add((kinds.STAGE, Stage.PRODUCTION.value))
    if listing.candidate is not None:
        found.add((kinds.STAGE, Stage.CANDIDATE.value))
    if listing.task:
        found.add((kinds.TASK, listing.task))
    if listing.licence:
        found.add((kinds.LICENCE, listing.licence))
    if listing.owner is not None:
        found.add((kinds.OWNER, listing.owner.public_id))
    return found | {(kinds.TAG, name) for name in listing.tags}


def _facet(team: Team, value: Value, listing: Listing, count: int = 0) -> Facet:
    kind, text = value
    return Facet(
        team=team,
        kind=kind,
        value=text,
        base_model=listing.base_model if kind == Facet.Kind.BASE else None,
        owner=listing.owner if kind == Facet.Kind.OWNER else None,
        count=count,
    )


def _count(team: Team, before: Listing | None, after: Listing | None) -> None:
    """Move the counts from what the listing said to what it says now."""
    was = _values(before) if before is not None else set()
    now = _values(after) if after is not None else set()
    if was == now:
        return
    if after is not None:
        new = [_facet(team, value, after) for value in now - was]
        Facet.objects.bulk_create(new, ignore_conflicts=True)
    facets = Facet.objects.filter(team=team)
    for change, values in ((-1, was - now), (1, now - was)):
        for kind, text in values:
            facets.filter(kind=kind, value=text).update(count=F("count") + change)
    facets.filter(count__lte=0).exclude(kind=Facet.Kind.ALL).delete()
