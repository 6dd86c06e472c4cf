"""Freeing contents: nothing that anybody needs, nothing that somebody takes up meanwhile, and everything else."""

import datetime as dt
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.artifacts import actions, storage
from webapp.artifacts.actions import collecting
from webapp.artifacts.models import Blob, Bundle, BundleFile, Upload
from webapp.jobs import queries as jobs
from webapp.jobs.models import Job, State

pytestmark = pytest.mark.django_db
AT_ONCE = dt.timedelta(0)


def _store(folder: Path, content: bytes) -> Blob:
    path = folder / "content"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return actions.store_file(path)


def _bundle(folder: Path, content: bytes, team: Any = None) -> Bundle:
    path = folder / f"content-{threading.get_ident()}"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return actions.make_bundle(team=team, kind="x", files={"a": path})


def test_a_content_is_marked_first_and_freed_a_day_later(tmp_path: Path) -> None:
    blob = _store(tmp_path, b"nobody's")
    assert actions.collect_unused() == 0
    blob.refresh_from_db()
    assert blob.unused_since is not None and storage.exists(blob.sha256)
    Blob.objects.update(unused_since=timezone.now() - dt.timedelta(hours=25))
    assert actions.collect_unused() == 1
    assert not storage.exists(blob.sha256) and not Blob.objects.exists()


def test_what_is_stored_again_or_used_again_loses_its_mark(tmp_path: Path, team: Any) -> None:
    stored, used = _store(tmp_path, b"stored again"), _store(tmp_path, b"used again")
    actions.collect_unused()
    assert Blob.objects.filter(unused_since=None).count() == 0
    _store(tmp_path, b"stored again")
    bundle = Bundle.objects.create(team=team, kind="x", manifest_sha256="0" * 64, size_bytes=1)
    BundleFile.objects.create(bundle=bundle, path="a", blob=used)
    stored.refresh_from_db()
    assert stored.unused_since is None
    Blob.objects.filter(pk=used.pk).update(unused_since=timezone.now() - dt.timedelta(days=9))
    assert actions.collect_unused() == 0
    used.refresh_from_db()
    assert used.unused_since is None


def test_what_was_taken_up_after_it_was_chosen_is_noticed_under_the_lock(tmp_path: Path, team: Any) -> None:
    blob = _store(tmp_path, b"wanted")
    long_ago = timezone.now() - dt.timedelta(days=9)
    Blob.objects.update(unused_since=long_ago)
    bundle = Bundle.objects.create(team=team, kind="x", manifest_sha256="0" * 64, size_bytes=1)
    BundleFile.objects.create(bundle=bundle, path="a", blob=blob)
    assert not collecting._free(blob.pk, marked_before=timezone.now())
    assert storage.exists(blob.sha256)


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.PAUSED, State.INTERRUPTED])
def test_what_an_open_job_reads_is_left_alone(tmp_path: Path, team: Any, state: State) -> None:
    blob = _store(tmp_path, b"an input")
    inputs = [{"path": "inputs/a", "sha256": blob.sha256, "size_bytes": 1}]
    job = Job.objects.create(team=team, kind="train", title="x", state=state, spec={}, inputs=inputs)
    assert actions.collect_unused(unused_for=AT_ONCE, needed=jobs.needed_contents()) == 0
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)
    assert actions.collect_unused(unused_for=AT_ONCE, needed=jobs.needed_contents()) == 1


def test_a_stored_content_without_a_row_is_found_and_goes_like_the_others(tmp_path: Path, files_dir: Path) -> None:
    kept = _store(tmp_path, b"registered")
    (tmp_path / "stray").write_bytes(b"stray")
    sha256 = storage.digest(tmp_path / "stray")
    storage.put(tmp_path / "stray", sha256)
    assert actions.adopt_strays() == 0  # it is young: somebody may be about to register it
    assert actions.adopt_strays(older_than=dt.timedelta(seconds=-5)) == 1
    Blob.objects.filter(sha256=sha256).update(unused_since=timezone.now() - dt.timedelta(days=2))
    assert actions.collect_unused() == 1
    assert not storage.exists(sha256) and storage.exists(kept.sha256)


def test_a_second_name_of_an_old_file_is_young(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    os.utime(path, (1_000_000, 1_000_000))
    storage.put(path, storage.digest(path), is_frozen=True)
    assert actions.adopt_strays(older_than=dt.timedelta(minutes=5)) == 0


# Which contents exist, who points to each, and for how many days it has been marked.
CONTENTS = st.lists(
    st.tuples(st.sampled_from(["nobody", "bundle", "upload", "job"]), st.none() | st.integers(0, 20)), max_size=12
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=CONTENTS)
def test_whatever_points_to_what_only_the_unused_and_long_marked_goes(
    contents: list[tuple[str, int | None]], tmp_path: Path, team: Any, trainer: Any
) -> None:
    for model in (BundleFile, Bundle, Upload, Job, Blob):
        model._default_manager.all().delete()
    now, due = timezone.now(), set[str]()
    for number, (user, days) in enumerate(contents):
        blob = _store(tmp_path, b"content %d" % number)
        marked = None if days is None else now - dt.timedelta(days=days)
        Blob.objects.filter(pk=blob.pk).update(unused_since=marked)
        if user == "bundle":
            bundle = Bundle.objects.create(team=team, kind="x", manifest_sha256="0" * 64, size_bytes=1)
            BundleFile.objects.create(bundle=bundle, path="a", blob=blob)
        elif user == "upload":
            Upload.objects.create(team=team, created_by=trainer, size_bytes=1, blob=blob, expires_at=now)
        elif user == "job":
            inputs = [{"path": "inputs/a", "sha256": blob.sha256, "size_bytes": 1}]
            Job.objects.create(team=team, kind="train", title="x", state=State.PAUSED, spec={}, inputs=inputs)
        elif days is not None and days >= 1:
            due.add(blob.sha256)
    before = set(Blob.objects.values_list("sha256", flat=True))
    actions.collect_unused(needed=jobs.needed_contents())
    left = set(Blob.objects.values_list("sha256", flat=True))
    assert before - left == due
    assert {sha256 for sha256 in before if storage.exists(sha256)} == left


@pytest.mark.django_db(transaction=True)
def test_storing_dropping_and_collecting_at_once_never_loses_a_file_that_somebody_has(tmp_path: Path) -> None:
    """Two people store and drop the same contents while the collector frees whatever was unused for a moment, which is
    longer than anybody takes from storing a content to pointing to it.
    """
    until, lost, freed = time.monotonic() + 5, list[str](), list[int]()

    def stores(seed: int) -> None:
        try:
            turn = 0
            while time.monotonic() < until:
                turn += 1
                bundle = _bundle(tmp_path, b"content %d" % ((seed * 7 + turn) % 60))
                sha256 = bundle.files.select_related("blob").get().blob.sha256
                if storage.digest_stored(sha256) != sha256:
                    lost.append(sha256)
                actions.drop_bundle(bundle=bundle)
        except Exception as error:  # told to the test, which would not hear of it otherwise
            lost.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    def collects() -> None:
        try:
            while time.monotonic() < until:
                freed.append(actions.collect_unused(unused_for=dt.timedelta(seconds=0.3)))
        except Exception as error:
            lost.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=stores, args=[n]) for n in range(2)] + [threading.Thread(target=collects)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert sum(freed) > 0
