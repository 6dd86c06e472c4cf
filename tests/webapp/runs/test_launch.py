import datetime as dt
from dataclasses import replace

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from webapp.audit.models import Event
from webapp.contract import codec
from webapp.contract.spec import LoraConfig, Method, TrainSpec
from webapp.core.faults import UserFault
from webapp.fleet.models import Device, Measurement
from webapp.jobs.models import Job, State
from webapp.lineage.models import Edge
from webapp.runs import actions
from webapp.runs.models import Recipe, Run

pytestmark = pytest.mark.django_db

CONFIG = LoraConfig()


@pytest.fixture
def launch(team, trainer, make_base, make_version, device):
    """Launch with something good of everything; `changes` replace a part of it."""

    def go(**changes):
        good = {"by": trainer, "team": team, "config": CONFIG}
        if "dataset_version" not in changes:
            good["dataset_version"] = make_version(team=team)
        if "base_model" not in changes:
            good["base_model"] = make_base()
        return actions.launch(**(good | changes))

    return go


def refused(launch, **changes):
    with pytest.raises(UserFault) as caught:
        launch(**changes)
    assert not Run.objects.exists() and not Job.objects.exists()
    return caught.value


def test_a_launch_writes_the_order_down_with_everything_it_needs(launch, trainer):
    run = launch(config=replace(CONFIG, lora_r=8), name="  bike   messages ")
    job = run.job
    spec = codec.from_dict(TrainSpec, job.spec)
    assert (run.name, job.title, job.state, job.created_by) == ("bike messages", "bike messages", State.QUEUED, trainer)
    assert spec.config.lora_r == 8 and spec.base.name == run.base_model.name and spec.base.revision == "b" * 64
    assert spec.dataset.validation_path == "inputs/validation.parquet"
    assert [item["path"] for item in job.inputs] == [
        "inputs/base/config.json",
        "inputs/base/model.safetensors",
        "inputs/train.parquet",
        "inputs/validation.parquet",
    ]
    assert all(len(item["sha256"]) == 64 and item["size_bytes"] > 0 for item in job.inputs)


def test_what_a_run_is_made_of_is_frozen(launch, team, trainer):
    recipe = actions.save_recipe(by=trainer, team=team, name="Ours", config=CONFIG)
    run = launch(recipe=recipe)
    actions.change_recipe(by=trainer, recipe=recipe, name="Ours", config=replace(CONFIG, lora_r=64))
    run.refresh_from_db()
    assert run.config["lora_r"] == CONFIG.lora_r and run.recipe == recipe


def test_the_estimate_stays_with_the_run_and_decides_which_device_it_needs(launch, device):
    run = launch()
    assert run.estimate["trainable_parameters"] == 4_884_480
    assert run.estimate["steps"] == 51 and run.estimate["device"] == device.name
    assert run.job.needs_devices == 1
    assert run.job.needs_memory_bytes == run.estimate["memory_bytes"] <= device.memory_bytes


def test_an_estimate_a_little_beyond_the_largest_device_does_not_keep_it_waiting_for_ever(launch):
    Device.objects.update(memory_bytes=1_350_000_000)
    run = launch(config=replace(CONFIG, micro_batch_size=1))
    assert run.estimate["memory_bytes"] > run.job.needs_memory_bytes == 1_350_000_000


def test_without_a_worker_a_run_is_ordered_all_the_same(launch, device):
    device.worker.delete()
    run = launch()
    assert run.job.needs_memory_bytes == 0 and "seconds" not in run.estimate


def test_where_a_run_comes_from_and_who_launched_it_is_written_down(launch, trainer):
    run = launch()
    assert set(Edge.objects.values_list("source", "target", "relation")) == {
        (run.dataset_version.public_id, run.public_id, "data"),
        (run.base_model.public_id, run.public_id, "base"),
    }
    assert Event.objects.get(verb="run.launched").actor_id == trainer.public_id


def test_a_run_without_a_name_is_called_by_dataset_and_rank(launch):
    first = launch()
    again = launch(dataset_version=first.dataset_version, base_model=first.base_model)
    third = launch(dataset_version=first.dataset_version, base_model=first.base_model)
    assert [run.name for run in (first, again, third)] == [
        "Bicycle workshop r16", "Bicycle workshop r16 (2)", "Bicycle workshop r16 (3)",
    ]  # fmt: skip


def test_a_viewer_may_not_launch_and_a_stranger_finds_no_team(launch, viewer, stranger):
    with pytest.raises(PermissionDenied):
        launch(by=viewer)
    with pytest.raises(Http404):
        launch(by=stranger)
    assert not Job.objects.exists()


@pytest.mark.row("A4")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lora_r": 0}, "lora_r"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
        ({"learning_rate": 1e9}, "learning_rate"),
        ({"batch_size": 2, "micro_batch_size": 3}, "micro_batch_size"),
        ({"max_length": 8193}, "max_length"),
    ],
)
def test_an_impossible_setting_is_refused_with_its_name(launch, change, field):
    assert refused(launch, config=replace(CONFIG, **change)).field == field


def test_a_limit_beyond_what_the_base_reads_names_the_nearest_that_works(launch):
    fault = refused(launch, config=replace(CONFIG, max_length=9000))
    assert str(fault) == (
        "Longest row is 9,000 tokens, but the base model reads at most 8,192. The nearest that works is 8,192."
    )


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"is_ready": False}, "dataset_not_ready"),
        ({"train_rows": 0}, "no_rows"),
    ],
)
def test_a_dataset_that_cannot_be_learned_from_is_refused(launch, team, make_version, facts, code):
    fault = refused(launch, dataset_version=make_version(team=team, **facts))
    assert (fault.code, fault.field) == (code, "dataset")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"is_ready": False}, "base_not_ready"),
        ({"has_chat_template": False}, "no_chat_template"),
        ({"deleted_at": timezone.now()}, "base_deleted"),
    ],
)
def test_a_base_that_cannot_be_trained_is_refused(launch, make_base, facts, code):
    fault = refused(launch, base_model=make_base(**facts))
    assert (fault.code, fault.field) == (code, "base_model")


def test_a_dataset_in_the_trash_is_refused(launch, team, make_version):
    version = make_version(team=team)
    version.dataset.deleted_at = timezone.now()
    version.dataset.save()
    assert refused(launch, dataset_version=version).code == "dataset_deleted"


def test_what_can_fit_nowhere_is_refused_with_what_would_help(launch, make_base):
    Device.objects.update(memory_bytes=10**9)
    fault = refused(launch, config=replace(CONFIG, method=Method.LORA, micro_batch_size=16))
    assert fault.code == "does_not_fit" and "QLoRA" in str(fault)


def test_things_of_another_team_are_never_taken(launch, other_team, make_version, make_base):
    with pytest.raises(AssertionError):
        launch(dataset_version=make_version(team=other_team))
    with pytest.raises(AssertionError):
        launch(base_model=make_base(team=other_team))


@pytest.mark.parametrize("name", ["x" * 81, "tab\u0000x", "right\u202eto left"])
def test_a_name_that_cannot_be_shown_is_refused(launch, name):
    assert refused(launch, name=name).field == "name"


def test_what_a_finished_run_took_corrects_the_next_estimate(launch, device):
    first = launch()
    raw = first.estimate["raw_seconds"]
    held = first.job.holds.create(device=device)
    actions.finish(job=first.job, result={"seconds": 3 * raw, "steps": first.estimate["steps"]})
    held.delete()
    again = launch(dataset_version=first.dataset_version, base_model=first.base_model)
    assert again.estimate["seconds"] == pytest.approx(15 + 3 * raw)


def test_memory_is_compared_with_what_was_said_of_the_precision_that_was_used(launch, device):
    first = launch()
    actions.record_planned(run=first, attempt=1, planned={"decisions": {"precision": "bfloat16"}})
    peak = 3e9
    actions.append_metrics(run=first, attempt=1, points=[(1, {"memory_bytes": peak}, {})])
    first.refresh_from_db()
    held = first.job.holds.create(device=device)
    actions.finish(job=first.job, result={"seconds": 60.0, "steps": 51})
    held.delete()
    again = launch(dataset_version=first.dataset_version, base_model=first.base_model)
    assert again.estimate["memory_bytes"] == pytest.approx(peak, rel=1e-3)
    assert again.estimate["memory"]["weights"] < first.estimate["memory"]["weights"]


def test_a_run_that_stopped_early_is_measured_by_the_steps_it_made(launch, device):
    run = launch()
    run.job.holds.create(device=device)
    actions.finish(job=run.job, result={"seconds": 100.0, "steps": 17})
    assert Measurement.objects.get().features["raw_seconds"] == pytest.approx(run.estimate["raw_seconds"] / 3)


def test_a_worker_that_was_not_heard_of_is_no_place_to_train(launch, device):
    device.worker.seen_at = timezone.now() - dt.timedelta(minutes=5)
    device.worker.save()
    assert "device" not in launch().estimate


def test_the_presets_are_there_from_the_start(db):
    assert set(Recipe.objects.filter(team=None).values_list("public_id", "name")) == {
        ("rec_quick_try", "Quick try"),
        ("rec_balanced", "Balanced"),
        ("rec_thorough", "Thorough"),
    }
