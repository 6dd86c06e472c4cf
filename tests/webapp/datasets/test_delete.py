"""Deleting says who used it, can be undone for a week, and never takes anything from a run."""

import datetime as dt
import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Blob, Bundle, Upload
from webapp.audit.models import Event
from webapp.basemodels.models import PretrainedModel
from webapp.core.faults import UserFault
from webapp.datasets import actions, queries
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs.models import Job, State
from webapp.runs.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run_on(team: Any) -> Any:
    """A run that learns from a version."""

    def make(version: DatasetVersion, *, name: str, by: Any, state: State = State.SUCCEEDED) -> Run:
        job = Job.objects.create(team=team, kind="train", title=name, state=state, spec={})
        base, _made = PretrainedModel.objects.get_or_create(name="tunesmith/base", defaults={"source": "starter"})
        facts = {"dataset_version": version, "base_model": base, "config": {}, "created_by": by}
        return Run.objects.create(team=team, name=name, job=job, **facts)

    return make


def _text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).replace("\xa0", " ").split())


def _lie_in_trash_for(dataset: Dataset, *, days: float) -> None:
    Dataset.objects.filter(pk=dataset.pk).update(deleted_at=timezone.now() - dt.timedelta(days=days))


def test_deleting_asks_first_and_says_by_whom_it_is_used(
    client_as: Any, trainer: Any, owner: Any, ready: Any, run_on: Any
) -> None:
    version = ready()
    run_on(version, name="tone r8", by=owner)
    run_on(version, name="tone r16", by=trainer)
    url = reverse("datasets:delete", args=["acme", version.dataset.public_id])
    page = client_as(trainer).get(url)
    assert "2 runs learned from it: tone r16 (Tara Trainer), tone r8 (Olga Owner)." in _text(page)
    assert Dataset.objects.live().count() == 1


def test_many_runs_are_counted_and_some_named(trainer: Any, ready: Any, run_on: Any) -> None:
    version = ready()
    for number in range(8):
        run_on(version, name=f"run {number}", by=None)
    lines = " ".join(str(line) for line in queries.consequences_of_deletion(version.dataset))
    assert "8 runs learned from it:" in lines and "run 7" in lines and "run 2" not in lines and "and 3 more." in lines


def test_a_deleted_dataset_can_come_back(client_as: Any, trainer: Any, ready: Any) -> None:
    dataset, client = ready().dataset, client_as(trainer)
    response = client.post(reverse("datasets:delete", args=["acme", dataset.public_id]), follow=True)
    undo = reverse("datasets:restore", args=["acme", dataset.public_id])
    assert "rows is in the trash." in _text(response) and undo in response.content.decode()
    assert client.get(reverse("datasets:detail", args=["acme", dataset.public_id])).status_code == 404
    assert "rows is back." in _text(client.post(undo, follow=True))
    assert Dataset.objects.live().get() == dataset
    assert list(Event.objects.order_by("pk").values_list("verb", flat=True))[-2:] == [
        "dataset.deleted",
        "dataset.restored",
    ]


def test_deleting_twice_is_harmless(trainer: Any, ready: Any) -> None:
    dataset = ready().dataset
    actions.delete(by=trainer, dataset=dataset)
    when = Dataset.objects.get().deleted_at
    actions.delete(by=trainer, dataset=dataset)
    assert Dataset.objects.get().deleted_at == when
    assert Event.objects.filter(verb="dataset.deleted").count() == 1


def test_a_name_that_was_taken_meanwhile_stays_with_the_other(
    client_as: Any, trainer: Any, ready: Any, bring: Any, chat_file: Any
) -> None:
    dataset = ready().dataset
    actions.delete(by=trainer, dataset=dataset)
    bring(chat_file(), dataset_name="rows")
    response = client_as(trainer).post(reverse("datasets:restore", args=["acme", dataset.public_id]), follow=True)
    assert "Your team has a dataset called rows already" in _text(response)
    assert Dataset.objects.get(pk=dataset.pk).deleted_at is not None


def test_after_a_week_nothing_comes_back(trainer: Any, ready: Any) -> None:
    dataset = ready().dataset
    actions.delete(by=trainer, dataset=dataset)
    _lie_in_trash_for(dataset, days=7.1)
    dataset.refresh_from_db()
    with pytest.raises(UserFault, match="more than 7 days ago"):
        actions.restore(by=trainer, dataset=dataset)


def test_deleting_stops_a_reading_that_goes_on(bring: Any, trainer: Any, chat_file: Any) -> None:
    version = bring(chat_file())
    actions.delete(by=trainer, dataset=version.dataset)
    assert Job.objects.get().state == State.CANCELLED


def test_who_may_delete_what_others_made(ready: Any, trainer: Any, maintainer: Any, owner: Any, bring: Any) -> None:
    others = bring(b"x\n", by=owner).dataset
    with pytest.raises(PermissionDenied):
        actions.delete(by=trainer, dataset=others)
    actions.delete(by=maintainer, dataset=others)
    assert Dataset.objects.get().deleted_at is not None


def test_after_a_week_an_unused_dataset_goes_with_its_bytes(trainer: Any, ready: Any) -> None:
    dataset = ready().dataset
    actions.delete(by=trainer, dataset=dataset)
    _lie_in_trash_for(dataset, days=6.9)
    assert actions.purge() == 0
    _lie_in_trash_for(dataset, days=7.1)
    assert actions.purge() == 1
    assert (Dataset.objects.count(), DatasetVersion.objects.count(), Bundle.objects.count()) == (0, 0, 0)
    Upload.objects.all().delete()
    assert artifacts.collect_unused(unused_for=dt.timedelta(0)) > 0
    assert not Blob.objects.exists()


def test_a_dataset_that_runs_learned_from_leaves_its_name(trainer: Any, ready: Any, run_on: Any) -> None:
    version = ready()
    run = run_on(version, name="tone", by=trainer)
    actions.delete(by=trainer, dataset=version.dataset)
    _lie_in_trash_for(version.dataset, days=8)
    assert actions.purge() == 1
    run.refresh_from_db()
    assert str(run.dataset_version) == "rows v1"
    assert (run.dataset_version.source, run.dataset_version.bundle, Bundle.objects.count()) == (None, None, 0)
    assert actions.purge() == 0


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.PAUSED, State.INTERRUPTED])
def test_what_a_run_may_still_need_stays(trainer: Any, ready: Any, run_on: Any, state: State) -> None:
    version = ready()
    run_on(version, name="tone", by=trainer, state=state)
    actions.delete(by=trainer, dataset=version.dataset)
    _lie_in_trash_for(version.dataset, days=30)
    assert actions.purge() == 0
    assert DatasetVersion.objects.get().is_ready


def test_a_name_that_no_run_bears_any_more_goes_too(trainer: Any, ready: Any, run_on: Any) -> None:
    run = run_on(ready(), name="tone", by=trainer)
    actions.delete(by=trainer, dataset=run.dataset_version.dataset)
    _lie_in_trash_for(run.dataset_version.dataset, days=8)
    assert actions.purge() == 1
    run.delete()
    assert actions.purge() == 1
    assert not Dataset.objects.exists()


def test_what_the_reader_told_of_a_purged_file_goes_with_it(
    trainer: Any, ready: Any, run_on: Any, bring: Any, chat_file: Any
) -> None:
    run = run_on(ready(), name="tone", by=trainer)
    read_twice = bring(chat_file(), dataset_name="other")
    Job.objects.filter(kind="read").update(state=State.FAILED, finished_at=timezone.now() - dt.timedelta(days=9))
    read_twice.refresh_from_db()
    actions.read_again(by=trainer, version=read_twice)
    _lie_in_trash_for(run.dataset_version.dataset, days=8)
    assert actions.purge() == 1
    assert Job.objects.filter(kind="read").get().dataset_version == read_twice
    assert DatasetVersion.objects.filter(pk=run.dataset_version_id).exists()
