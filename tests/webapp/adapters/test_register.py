import hashlib
from collections.abc import Callable
from typing import Any

from tests.webapp.adapters.conftest import WEIGHTS
from webapp.accounts.models import Team
from webapp.adapters import actions, cards, queries, scoretable
from webapp.adapters.models import AdapterVersion
from webapp.jobs.lifecycle import State
from webapp.lineage.models import Edge
from webapp.runs.models import Run


def test_a_finished_run_becomes_version_one_with_hash_scores_card_and_lineage(
    version: AdapterVersion, finished_run: Run
) -> None:
    assert (version.adapter.name, version.number, version.stage) == ("workshop", 1, "draft")
    assert version.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    (row,) = scoretable.rows(version)
    assert (row.name, row.base, row.value, row.is_better) == ("validation_loss", 2.0, 0.5, True)
    assert "2.000 | 0.500" in cards.text(version)
    assert Edge.objects.filter(source=finished_run.public_id, target=version.public_id, relation="trained").exists()


def test_registering_the_same_run_twice_makes_one_version(version: AdapterVersion, finished_run: Run) -> None:
    again = actions.register_from_run(run=finished_run, bundle=version.bundle, facts={})
    assert again.pk == version.pk
    assert AdapterVersion.objects.count() == 1


def test_a_second_run_of_the_same_name_becomes_the_next_version(
    version: AdapterVersion,
    make_run: Callable[..., Run],
    make_adapter_version: Callable[..., AdapterVersion],
    team: Team,
) -> None:
    other = make_adapter_version(make_run(team=team, state=State.SUCCEEDED, name="workshop"), content=b"other")
    assert other.adapter == version.adapter
    assert other.number == 2
    assert [row.version.number for row in queries.newest(team, most=5)] == [2]


def test_a_run_named_like_an_adapter_in_the_trash_starts_a_new_adapter(
    version: AdapterVersion,
    make_run: Callable[..., Run],
    make_adapter_version: Callable[..., AdapterVersion],
    team: Team,
    trainer: Any,
) -> None:
    actions.delete(by=trainer, adapter=version.adapter)
    other = make_adapter_version(make_run(team=team, state=State.SUCCEEDED, name="workshop"), content=b"other")
    assert other.number == 1 and other.adapter != version.adapter


def test_a_run_without_held_out_rows_leaves_no_invented_score(
    make_run: Callable[..., Run], make_adapter_version: Callable[..., AdapterVersion], team: Team
) -> None:
    made = make_adapter_version(make_run(team=team, state=State.SUCCEEDED, result={"validation_loss_after": None}))
    assert scoretable.rows(made) == []
