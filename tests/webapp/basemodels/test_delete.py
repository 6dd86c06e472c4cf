import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from webapp.artifacts.models import Blob, Bundle
from webapp.basemodels import actions, queries
from webapp.basemodels.models import PretrainedModel
from webapp.core.faults import UserFault
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs.models import Job, State
from webapp.runs.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(team, trainer, make_bundle, facts):
    model = actions.add_from_hub(by=trainer, team=team, repository="HuggingFaceTB/SmolLM2-135M-Instruct")
    Job.objects.update(state=State.SUCCEEDED)
    return actions.finish_fetch(job=model.job, bundle=make_bundle(team=team), facts=facts)


@pytest.fixture
def run(team, model):
    dataset = Dataset.objects.create(team=team, name="rows")
    source = Blob.objects.create(sha256="a" * 64, size_bytes=1)
    version = DatasetVersion.objects.create(dataset=dataset, number=1, source=source)
    job = Job.objects.create(team=team, kind="train", title="x", spec={})
    return Run.objects.create(team=team, name="x", job=job, dataset_version=version, base_model=model, config={})


def test_a_deleted_model_can_come_back(team, trainer, model):
    actions.delete(by=trainer, model=model)
    assert model not in PretrainedModel.objects.for_team(team)
    actions.restore(by=trainer, model=model)
    assert model in PretrainedModel.objects.for_team(team)


def test_a_model_that_a_run_stands_on_stays_and_says_so(trainer, model, run):
    with pytest.raises(UserFault, match="is used by 1 run"):
        actions.delete(by=trainer, model=model)
    run.deleted_at = timezone.now()
    run.save()
    actions.delete(by=trainer, model=model)


def test_deleting_what_is_still_on_its_way_stops_it(team, trainer):
    model = actions.add_from_hub(by=trainer, team=team, repository="Qwen/Qwen3-0.6B")
    actions.delete(by=trainer, model=model)
    assert Job.objects.get().state == State.CANCELLED


def test_the_starter_belongs_to_all_and_stays(maintainer):
    with pytest.raises(UserFault, match="belongs to every team"):
        actions.delete(by=maintainer, model=actions.ensure_starter())


def test_what_somebody_else_added_is_deleted_only_by_who_manages(model, maintainer, reviewer):
    with pytest.raises(PermissionDenied):
        actions.delete(by=reviewer, model=model)
    actions.delete(by=maintainer, model=model)


def test_a_model_that_was_added_again_is_not_brought_back_beside_itself(team, trainer, model):
    actions.delete(by=trainer, model=model)
    actions.add_from_hub(by=trainer, team=team, repository=model.name, revision=model.commit)
    with pytest.raises(UserFault, match="added again meanwhile"):
        actions.restore(by=trainer, model=model)


def test_after_its_days_in_the_trash_a_model_is_gone_with_its_files(trainer, model):
    actions.delete(by=trainer, model=model)
    assert actions.purge() == 0
    PretrainedModel.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 1
    assert not PretrainedModel.objects.exists() and not Bundle.objects.exists()


def test_a_model_that_a_run_in_the_trash_needs_is_kept(trainer, model, run):
    Run.objects.update(deleted_at=timezone.now())
    actions.delete(by=trainer, model=model)
    PretrainedModel.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 0


def test_a_job_gets_the_files_where_it_expects_its_base(model):
    assert [file.path for file in queries.inputs(model)] == ["inputs/base/config.json", "inputs/base/model.safetensors"]


def test_a_model_that_cannot_be_removed_does_not_keep_the_others(team, trainer, model):
    actions.add_from_hub(by=trainer, team=team, repository="Qwen/Qwen3-0.6B")
    PretrainedModel.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    twin = PretrainedModel.objects.create(team=team, name="a twin", source="hub", bundle=model.bundle)
    assert actions.purge() == 1  # the twin holds the files of `model`
    assert set(PretrainedModel.objects.all()) == {model, twin}
