"""Where versions stand: who holds which stage, what their gates say, what was decided, and what waits for whom."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from webapp.accounts.models import Team, User
from webapp.adapters import gates, names, queries
from webapp.adapters.models import Adapter, AdapterVersion, Gate, Opinion, Review, Rule, Score, Stage, StageChange
from webapp.artifacts import storage

NEWEST_SCORES = 2000  # a suggestion need not read the scores of a hundred thousand versions


def holder(adapter: Adapter, stage: str) -> AdapterVersion | None:
    """Who is candidate or in production; the database sees to it that there is one at most."""
    return adapter.versions.filter(stage=stage).select_related("created_by", "run__dataset_version").first()


def made(adapter: Adapter) -> QuerySet[StageChange]:
    """The changes that were made, newest first."""
    return adapter.stage_changes.filter(refusal="").select_related("by").order_by("-id")


def last_change(adapter: Adapter) -> str:
    """The mark of the stages as they stand: its id, empty before the first change. Who decides says what they saw."""
    return made(adapter).values_list("public_id", flat=True).first() or ""


def before_production(adapter: Adapter) -> AdapterVersion | None:
    """The version that was in production before the present one: where a rollback leads."""
    others = adapter.versions.exclude(stage=Stage.PRODUCTION)
    left = made(adapter).filter(from_stage=Stage.PRODUCTION, version__in=others)
    change = left.select_related("version").first()
    return change.version if change else None


def history(adapter: Adapter) -> QuerySet[StageChange]:
    """All decisions, the refused ones too, newest first."""
    return adapter.stage_changes.select_related("by", "version").order_by("-id")


def gates_of(team: Team) -> list[Gate]:
    """In the order in which they are told: by stage, approvals last."""
    found = team.gates.select_related("created_by").order_by("stage", "score", "id")
    return sorted(found, key=lambda gate: (gate.stage, gate.rule == Rule.APPROVALS))


def results(version: AdapterVersion, stage: str) -> list[gates.Result]:
    """What each gate of the stage says about the version now."""
    team = version.adapter.team
    rows = [gate for gate in gates_of(team) if gate.stage == stage]
    if not rows:
        return []
    asked = {gate.score for gate in rows if gate.score}
    return gates.decide([condition(gate) for gate in rows], _situation(version, stage, asked))


def condition(gate: Gate) -> gates.Condition:
    return gates.Condition(rule=Rule(gate.rule), score=gate.score, limit=gate.limit, id=gate.public_id)


def _situation(version: AdapterVersion, stage: str, asked: Iterable[str]) -> gates.Situation:
    held = holder(version.adapter, Stage.PRODUCTION)
    other = held if held is not None and held.pk != version.pk else None
    scores = measured(version)
    missing = [name for name in asked if name not in scores]
    return gates.Situation(
        scores=scores,
        production=gates.Holder(name=f"v{other.number}", scores=measured(other)) if other else None,
        approvals=len(approvals(version, stage)),
        known={name for name in missing if is_known(version.adapter.team, name)},
    )


def measured(version: AdapterVersion) -> dict[str, gates.Measured]:
    """The newest score of each name."""
    rows = _held_out_rows(version)
    return {
        score.name: gates.Measured(
            value=score.value,
            base=score.base_value,
            is_higher_better=score.is_higher_better,
            rows=rows if names.is_of_held_out_rows(score.name) else "",
        )
        for score in version.scores.order_by("id")
    }


def _held_out_rows(version: AdapterVersion) -> str:
    return version.run.dataset_version.content_sha256 if version.run is not None else ""


def known_scores(team: Team) -> list[str]:
    """The names of scores to choose from: those that the team's newest versions bear."""
    newest = _scores(team).order_by("-id").values_list("name", flat=True)[:NEWEST_SCORES]
    return sorted(set(newest))


def is_known(team: Team, score: str) -> bool:
    """Whether any version of the team bears such a score."""
    return _scores(team).filter(name=score).exists()


def _scores(team: Team) -> QuerySet[Score]:
    return Score.objects.filter(version__adapter__team=team, version__adapter__deleted_at=None)


def approvals(version: AdapterVersion, stage: str) -> list[Opinion]:
    """Those that count: by others than the author, and given since the version was last sent back."""
    asked = version.reviews.filter(stage=stage)
    sent_back = asked.filter(outcome=Review.Outcome.SENT_BACK).order_by("-id").values_list("id", flat=True).first()
    found = Opinion.objects.filter(review__in=asked.filter(pk__gt=sent_back or 0), is_approval=True)
    found = found.exclude(review__outcome=Review.Outcome.DROPPED).select_related("by").order_by("id")
    author = version.created_by_id
    by_person = {opinion.by_id: opinion for opinion in found if author is None or opinion.by_id != author}
    return list(by_person.values())


def open_reviews(version: AdapterVersion) -> list[Review]:
    asked = version.reviews.filter(outcome=Review.Outcome.OPEN).select_related("asked_by")
    return list(asked.prefetch_related("opinions__by").order_by("id"))


def waiting_for(team: Team, user: User, *, limit: int) -> list[Review]:
    """Open reviews that this reviewer can still answer: of versions that others made."""
    versions = AdapterVersion.objects.filter(adapter__team=team, adapter__deleted_at=None)
    asked = Review.objects.filter(outcome=Review.Outcome.OPEN, version__in=versions)
    mine = Q(version__created_by=user) | Q(opinions__by=user)
    return list(asked.exclude(mine).select_related("version__adapter", "asked_by").order_by("-id")[:limit])


@dataclass(frozen=True)
class BadFile:
    path: str
    is_missing: bool


def bad_files(version: AdapterVersion) -> list[BadFile]:
    """The version's files that the storage does not hold any more, or not as they were. Reads all of them."""
    return list(_bad(queries.files(version)))


def _bad(files: Iterable[queries.BundleFile]) -> Iterable[BadFile]:
    for item in files:
        try:
            found = storage.digest_stored(item.blob.sha256)
        except storage.MissingContent:
            yield BadFile(item.path, is_missing=True)
        else:
            if found != item.blob.sha256:
                yield BadFile(item.path, is_missing=False)
