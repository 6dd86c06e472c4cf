"""One team with very many adapters, as rows: the worst case of the catalog's list. Asks for a set-up Django."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from webapp.accounts import actions as accounts
from webapp.accounts.models import Membership, Name, Team, User
from webapp.adapters import actions as adapters
from webapp.adapters.models import Adapter, AdapterVersion, Score, Stage, Tag, Task
from webapp.artifacts.models import Bundle
from webapp.basemodels.models import PretrainedModel

BATCH = 2000
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "za")
STAGES = [Stage.DRAFT] * 90 + [Stage.PRODUCTION] * 3 + [Stage.CANDIDATE] * 2 + [Stage.RETIRED] * 5
TAGS = ["claims", "german", "french", "pilot", "desk", "night", "mobile", "internal", "legal", "beta"]
BASES = ["SmolLM2-135M", "Llama-3.2-3B", "Qwen2.5-7B", "Llama-3.1-8B", "Qwen2.5-1.5B", "Mistral-7B"]


def vocabulary(chance: random.Random) -> list[str]:
    """4,000 words that nobody knows, the first of them much more frequent than the last, as in a language."""
    found = {"".join(chance.choices(SYLLABLES, k=3)) for _ in range(6000)}
    return sorted(found)[:4000]


def team_with(count: int, *, seed: int = 7) -> tuple[Team, User]:
    """A team with `count` adapters; every tenth has two versions, three of four are measured."""
    chance = random.Random(seed)  # noqa: S311 - the same rows each time
    Name.objects.create(key="bench", kind=Name.Kind.TEAM)
    team = Team.objects.create(slug="bench", title="Bench")
    people = [User.objects.create_user(f"person{n}@bench.test", None, name=f"Person {n}") for n in range(5)]
    for person in people:
        Membership.objects.create(team=team, user=person, role="maintainer")
    bases = [PretrainedModel.objects.create(name=f"org/{name}", source="hub", revision="a0" * 32) for name in BASES]
    words = vocabulary(chance)
    weights = [1 / (n + 5) for n in range(len(words))]
    numbers = iter(range(count))
    while batch := list(islice(numbers, BATCH)):
        _adapters(team, people, bases, chance, batch, lambda k: chance.choices(words, weights, k=k))
    adapters.relist_team(team=team)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return team, people[0]


def _adapters(
    team: Team,
    people: Sequence[User],
    bases: Sequence[PretrainedModel],
    chance: random.Random,
    batch: list[int],
    say: Any,
) -> None:
    rows = [
        Adapter(
            team=team,
            name=f"{'-'.join(say(2))}-{n}",
            description=" ".join(say(8)),
            task=chance.choice(["", *Task.values]),
            created_by=chance.choice(people),
        )
        for n in batch
    ]
    Adapter.objects.bulk_create(rows)
    versions = list(_versions(team, rows, bases, chance))
    AdapterVersion.objects.bulk_create(versions)
    Score.objects.bulk_create(
        Score(
            version=version, name="validation_loss", value=2.3 * chance.betavariate(2, 4), base_value=2.3,
            is_higher_better=False, source_id="run_bench",
        )
        for version in versions
        if chance.random() < 0.75
    )  # fmt: skip
    Tag.objects.bulk_create(
        Tag(adapter=row, team=team, name=name)
        for row in rows
        for name in set(chance.choices(TAGS, range(len(TAGS), 0, -1), k=2))
    )


def _versions(
    team: Team, rows: Sequence[Adapter], bases: Sequence[PretrainedModel], chance: random.Random
) -> Iterator[AdapterVersion]:
    bundle = Bundle.objects.create(team=team, kind="adapter", manifest_sha256="0" * 64, size_bytes=19_554_848)
    for row in rows:
        stages = chance.sample(STAGES, 2 if chance.random() < 0.1 else 1)
        if len(set(stages)) < len(stages) and stages[0] in {Stage.PRODUCTION, Stage.CANDIDATE}:
            stages = stages[:1]
        for number, stage in enumerate(stages, start=1):
            yield AdapterVersion(
                adapter=row,
                number=number,
                base_model=chance.choices(bases, range(len(bases), 0, -1))[0],
                bundle=bundle,
                sha256=hashlib.sha256(row.name.encode()).hexdigest(),
                stage=stage,
                card=f"# {row.name}\n\n" + "Written from facts. " * 60,
                facts={"steps": 96},
                licence=chance.choice(["apache-2.0", "mit", "llama3.2"]),
                created_by=row.created_by,
                run=None,
                is_card_edited=False,
            )


def sign_in(user: User) -> str:
    """The key of a session in which the person is signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def token(user: User, team: Team) -> str:
    return accounts.create_token(by=user, team=team, name="bench", scopes=["read"])[1]
