"""A lower rank as the next version: what may be ordered, what the order names, what comes of it."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from tests.webapp.workshop import ADAPTER_FILES, Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions, cards, queries, scoretable, trained_with, usage
from webapp.adapters.models import AdapterVersion, Compression, Listing
from webapp.audit import words
from webapp.audit.models import Event
from webapp.basemodels.models import PretrainedModel
from webapp.contract import codec
from webapp.contract.spec import CompressSpec
from webapp.core.faults import UserFault
from webapp.jobs.models import State
from webapp.lineage import queries as lineage
from webapp.lineage import things
from webapp.lineage.models import Edge

FACTS = {
    "format": 1,
    "from_rank": 16,
    "rank": 4,
    "kept": 0.996,
    "error": 0.063,
    "bytes_before": 19_554_848,
    "bytes_after": 4_888_712,
    "validation_loss": {"base": 2.31, "original": 0.412, "compressed": 0.415},
    "validation_rows": 45,
    "modules": [],
}


def came_of(version: AdapterVersion) -> str:
    """The name of what it was cut down from."""
    team = version.adapter.team
    nearest = next(edge for edge in lineage.ancestors(team, version.public_id) if edge.relation == "compressed")
    return things.find(team, [nearest.source])[nearest.source].name


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def tickets(workshop: Workshop) -> AdapterVersion:
    version = workshop.adapter("tickets")
    workshop.look_inside(version)
    return version


def finish(workshop: Workshop, order: Compression, **facts: Any) -> AdapterVersion:
    bundle = workshop._bundle(workshop.team, "adapter", ADAPTER_FILES, salt=order.public_id)
    return actions.finish_compression(job=order.job, bundle=bundle, facts=FACTS | facts)


def test_an_order_names_adapter_base_held_out_rows_and_rank(tickets: AdapterVersion, trainer: Any) -> None:
    order = actions.compress(by=trainer, version=tickets, rank=4)
    spec = codec.from_dict(CompressSpec, order.job.spec)
    assert (order.job.kind, order.job.needs_devices, spec.rank, order.rank) == ("compress", 1, 4, 4)
    assert spec.dataset is not None and spec.dataset.validation_path
    paths = {item["path"] for item in order.job.inputs}
    assert paths >= {"inputs/adapter/adapter_config.json", "inputs/base/model.safetensors", "inputs/validation.parquet"}
    assert "inputs/train.parquet" not in paths


def test_a_share_becomes_the_lowest_rank_that_keeps_it(tickets: AdapterVersion, trainer: Any) -> None:
    assert actions.compress(by=trainer, version=tickets, share=0.99).rank == 4
    assert actions.compress(by=trainer, version=tickets, share=0.75).rank == 1


def test_without_held_out_rows_nothing_is_measured_and_no_device_is_needed(workshop: Workshop, trainer: Any) -> None:
    rows = workshop.version("Short notes", validation_rows=0)
    version = workshop.adapter("blind", dataset_version=rows)
    workshop.look_inside(version)
    order = actions.compress(by=trainer, version=version, rank=2)
    assert (order.job.needs_devices, order.job.spec["dataset"]) == (0, None)
    assert {item["path"].split("/")[1] for item in order.job.inputs} == {"adapter"}


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        ({"rank": 16}, "bad_rank", "Choose one from 1 to 15"),
        ({"rank": 400}, "bad_rank", "no lower rank than the 16 it has"),
        ({"rank": 0}, "bad_rank", "Choose one from 1 to 15"),
        ({"rank": -3}, "bad_rank", "Choose one from 1 to 15"),
        ({}, "rank_or_share", "either a rank or the share"),
        ({"rank": 4, "share": 0.9}, "rank_or_share", "one of the two"),
        ({"share": 0.0}, "bad_share", "99 % is usual"),
        ({"share": 99.0}, "bad_share", "less than 100 %"),
        ({"share": float("nan")}, "bad_share", "less than 100 %"),
        ({"share": 0.9999999999}, "bad_rank", "Choose a smaller share"),
    ],
)
def test_what_is_no_lower_rank_is_refused_with_the_nearest_that_is(
    tickets: AdapterVersion, trainer: Any, wanted: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(UserFault, match=words) as caught:
        actions.compress(by=trainer, version=tickets, **wanted)
    assert caught.value.code == code
    assert not Compression.objects.exists()


def test_before_a_look_inside_nobody_knows_which_rank(workshop: Workshop, trainer: Any) -> None:
    with pytest.raises(UserFault, match="looked inside"):
        actions.compress(by=trainer, version=workshop.adapter("unknown"), rank=4)


@pytest.mark.parametrize("inside", [{"rank": 1, "fall": 0.5}, {"rank": 16, "fall": 0}])
def test_where_nothing_can_be_cut_off_it_is_said(workshop: Workshop, trainer: Any, inside: dict[str, Any]) -> None:
    version = workshop.adapter("least")
    workshop.look_inside(version, **inside)
    with pytest.raises(UserFault, match="nothing that could be cut off"):
        actions.compress(by=trainer, version=version, rank=1)


def test_a_removed_base_an_adapter_in_the_trash_and_a_second_order_are_refused(
    tickets: AdapterVersion, trainer: Any
) -> None:
    actions.compress(by=trainer, version=tickets, rank=4)
    with pytest.raises(UserFault, match="rank 4 already"):
        actions.compress(by=trainer, version=tickets, rank=4)
    assert actions.compress(by=trainer, version=tickets, rank=2).rank == 2
    PretrainedModel.objects.update(deleted_at=timezone.now())
    tickets.refresh_from_db()
    with pytest.raises(UserFault, match="was removed"):
        actions.compress(by=trainer, version=tickets, rank=8)
    actions.delete(by=trainer, adapter=tickets.adapter)
    tickets.adapter.refresh_from_db()
    with pytest.raises(UserFault, match="in the trash"):
        actions.compress(by=trainer, version=tickets, rank=8)


def test_only_who_may_train_orders_one(tickets: AdapterVersion, reviewer: Any, stranger: Any) -> None:
    with pytest.raises(PermissionDenied):
        actions.compress(by=reviewer, version=tickets, rank=4)
    with pytest.raises(Http404):
        actions.compress(by=stranger, version=tickets, rank=4)


def test_what_was_made_is_the_next_version_with_its_loss_its_rank_and_where_it_comes_from(
    workshop: Workshop, tickets: AdapterVersion, trainer: Any
) -> None:
    order = actions.compress(by=trainer, version=tickets, rank=4)
    made = finish(workshop, order)
    order.refresh_from_db()
    assert (made.adapter, made.number, order.made) == (tickets.adapter, 2, made)
    (row,) = scoretable.rows(made)
    assert (row.name, row.base, row.value) == ("validation_loss", 2.31, 0.415)
    assert Edge.objects.filter(source=tickets.public_id, target=made.public_id, relation="compressed").exists()
    settings = dict(trained_with.of(made))
    assert settings["Rank, alpha"] == "4, 4"
    assert settings["Compressed"] == "from v1, rank 16 → 4"
    assert "rank 16 → 4" in cards.text(made)
    known = usage.names(made)
    assert (known.rank, known.alpha) == (4, 4.0) and usage.names(tickets).rank == 16
    assert came_of(made) == "tickets v1"
    assert "Compressed" not in dict(trained_with.of(tickets))
    assert Listing.objects.get(adapter=tickets.adapter).version == made
    said = [words.plain(event) for event in Event.objects.order_by("id")]
    assert "Tunesmith cut tickets v1 down from rank 16 to 4: tickets v2" in said


def test_what_a_run_left_stays_the_version_that_its_page_names(
    workshop: Workshop, tickets: AdapterVersion, trainer: Any
) -> None:
    finish(workshop, actions.compress(by=trainer, version=tickets, rank=4))
    assert tickets.run_id is not None
    assert queries.live_for_run(tickets.run_id) == tickets


def test_finishing_twice_makes_one_version(workshop: Workshop, tickets: AdapterVersion, trainer: Any) -> None:
    order = actions.compress(by=trainer, version=tickets, rank=4)
    made = finish(workshop, order)
    assert finish(workshop, order) == made
    assert tickets.adapter.versions.count() == 2


def test_without_a_measurement_no_score_is_invented(workshop: Workshop, tickets: AdapterVersion, trainer: Any) -> None:
    made = finish(workshop, actions.compress(by=trainer, version=tickets, rank=4), validation_loss=None)
    assert scoretable.rows(made) == []


def test_a_version_that_was_cut_down_can_be_cut_down_again(
    workshop: Workshop, tickets: AdapterVersion, trainer: Any
) -> None:
    made = finish(workshop, actions.compress(by=trainer, version=tickets, rank=4))
    workshop.look_inside(made, rank=4)
    again = finish(workshop, actions.compress(by=trainer, version=made, rank=2), from_rank=4, rank=2)
    assert again.compressed_by.job.state == State.QUEUED
    assert came_of(again) == "tickets v2"
    assert dict(trained_with.of(again))["Compressed"] == "from v2, rank 4 → 2"


def test_a_version_from_elsewhere_tells_its_new_rank_too(
    workshop: Workshop, tickets: AdapterVersion, trainer: Any
) -> None:
    told = {"rank": 16, "r": 16, "lora_alpha": 32, "use_rslora": True, "trainable_parameters": 9}
    AdapterVersion.objects.filter(pk=tickets.pk).update(run=None, facts=told)
    tickets.refresh_from_db()
    order = actions.compress(by=trainer, version=tickets, rank=4)
    assert order.job.needs_devices == 0
    made = finish(workshop, order, validation_loss=None)
    assert (made.facts["rank"], made.facts["use_rslora"]) == (4, False)
    assert made.facts["trainable_parameters"] == 4 * 210 * (576 + 576)
    assert usage.names(made).rank == 4
    assert came_of(made) == "tickets v1"
