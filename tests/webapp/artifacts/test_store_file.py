"""Every content once, complete or not at all."""

import datetime as dt
import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from webapp.artifacts import actions, storage
from webapp.artifacts.actions import files as file_actions
from webapp.artifacts.models import Blob, Bundle
from webapp.basemodels.models import PretrainedModel
from webapp.core.faults import UserFault

pytestmark = pytest.mark.django_db


def _file(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _stored(files_dir: Path) -> list[Path]:
    return sorted(path for path in files_dir.rglob("*") if path.is_file())


def test_a_file_is_stored_under_its_hash_and_verified(tmp_path: Path, files_dir: Path) -> None:
    blob = actions.store_file(_file(tmp_path, b"three horseshoes"))
    assert blob.sha256 == hashlib.sha256(b"three horseshoes").hexdigest()
    assert (blob.size_bytes, blob.verified_at is not None) == (16, True)
    assert _stored(files_dir) == [files_dir / "blobs" / blob.sha256[:2] / blob.sha256[2:4] / blob.sha256]
    with storage.open_blob(blob) as file:
        assert file.read() == b"three horseshoes"


def test_equal_content_is_stored_once(tmp_path: Path, files_dir: Path) -> None:
    first = actions.store_file(_file(tmp_path, b"same", "a"))
    second = actions.store_file(_file(tmp_path, b"same", "b"))
    assert (first.pk, Blob.objects.count(), len(_stored(files_dir))) == (second.pk, 1, 1)


def test_content_that_is_already_there_is_written_again_so_that_nobody_learns_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    put = storage.put
    monkeypatch.setattr(storage, "put", lambda *args, **kwargs: (written.append(args), put(*args, **kwargs)))
    actions.store_file(_file(tmp_path, b"same", "a"))
    actions.store_file(_file(tmp_path, b"same", "b"))
    assert len(written) == 2


def test_a_damaged_copy_heals_when_the_content_is_stored_again(tmp_path: Path) -> None:
    blob = actions.store_file(_file(tmp_path, b"whole"))
    lying = storage.path_of(blob.sha256)
    lying.chmod(0o644)
    lying.write_bytes(b"torn!")
    actions.store_file(_file(tmp_path, b"whole", "again"))
    assert lying.read_bytes() == b"whole"


def test_a_file_that_is_not_what_was_promised_is_refused(tmp_path: Path, files_dir: Path) -> None:
    with pytest.raises(storage.DamagedContent):
        actions.store_file(_file(tmp_path, b"other"), expected_sha256="0" * 64)
    assert (Blob.objects.count(), _stored(files_dir)) == (0, [])


def test_a_storage_that_returns_other_bytes_registers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "read", lambda *args, **kwargs: iter([b"bit rot"]))
    with pytest.raises(storage.DamagedContent):
        actions.store_file(_file(tmp_path, b"content"))
    assert not Blob.objects.exists()


def test_a_frozen_file_is_not_copied(tmp_path: Path, files_dir: Path) -> None:
    path = _file(tmp_path, b"frozen")
    blob = actions.store_file(path, is_frozen=True)
    assert storage.path_of(blob.sha256).samefile(path)
    assert [part for part in _stored(files_dir) if "parts" in part.parts] == []


def test_storing_the_stored_file_itself_leaves_it_whole(tmp_path: Path, files_dir: Path) -> None:
    blob = actions.store_file(_file(tmp_path, b"again"))
    actions.store_file(storage.path_of(blob.sha256), is_frozen=True)
    assert [path.read_bytes() for path in _stored(files_dir)] == [b"again"]


def test_a_link_is_stored_as_what_it_points_to(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(_file(tmp_path, b"real"))
    blob = actions.store_file(link, is_frozen=True)
    link.unlink()
    assert not storage.path_of(blob.sha256).is_symlink()


@pytest.mark.row("F8")
def test_a_disk_without_room_says_how_much_is_needed_and_keeps_nothing(
    tmp_path: Path, files_dir: Path, settings: Any
) -> None:
    settings.DISK_RESERVE_BYTES = 1 << 60
    with pytest.raises(UserFault) as caught:
        actions.store_file(_file(tmp_path, b"x" * 2000))
    assert (caught.value.code, caught.value.status) == ("disk_full", 507)
    assert "2 kB" in caught.value.message.replace("\xa0", " ")
    assert (Blob.objects.count(), _stored(files_dir)) == (0, [])


@pytest.mark.row("F8")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_while_writing_leaves_nothing_behind(
    tmp_path: Path, files_dir: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(code, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserFault, match="disk of this installation is full"):
        actions.store_file(_file(tmp_path, b"content"))
    assert (Blob.objects.count(), _stored(files_dir)) == (0, [])


def test_names_of_contents_are_hashes_and_nothing_else() -> None:
    for name in ("../../etc/passwd", "A" * 64, "", "0" * 63, "0" * 64 + "\n"):
        with pytest.raises(ValueError, match="not a SHA-256"):
            storage.key(name)


@pytest.mark.django_db(transaction=True)
def test_many_writers_of_one_content_agree(tmp_path: Path, files_dir: Path) -> None:
    found, errors = [], []

    def write(number: int) -> None:
        try:
            found.append(actions.store_file(_file(tmp_path, b"x" * 100_000, str(number))).pk)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (len(found), len(set(found)), len(_stored(files_dir))) == (6, 1, 1)


def test_a_bundle_holds_its_files_and_one_hash_of_all(tmp_path: Path, team: Any) -> None:
    files = {"train.parquet": _file(tmp_path, b"one", "1"), "sub/report.json": _file(tmp_path, b"{}", "2")}
    bundle = actions.make_bundle(team=team, kind="dataset", files=files)
    assert sorted(bundle.files.values_list("path", flat=True)) == ["sub/report.json", "train.parquet"]
    assert bundle.size_bytes == 5
    one, two = hashlib.sha256(b"one").hexdigest(), hashlib.sha256(b"{}").hexdigest()
    lines = f"{two}  sub/report.json\n{one}  train.parquet\n"
    assert bundle.manifest_sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_one_bad_file_makes_no_bundle(tmp_path: Path, team: Any) -> None:
    files = {"a": _file(tmp_path, b"one", "1"), "b": _file(tmp_path, b"two", "2")}
    with pytest.raises(storage.DamagedContent):
        actions.make_bundle(team=team, kind="dataset", files=files, expected={"b": "0" * 64})
    assert not Bundle.objects.exists()


@pytest.mark.row("S5")
@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "a\\b", "", "a//b", ".", "a/./b", "x" * 256, "a\0"])
def test_a_bundle_takes_plain_relative_paths_only(tmp_path: Path, team: Any, name: str) -> None:
    with pytest.raises(ValueError, match="not a plain relative path"):
        actions.make_bundle(team=team, kind="dataset", files={name: _file(tmp_path, b"x")})


def test_a_local_copy_is_a_second_name_of_the_stored_file(tmp_path: Path) -> None:
    blob = actions.store_file(_file(tmp_path, b"cached"))
    copy = storage.local_copy(sha256=blob.sha256, cache_dir=tmp_path / "cache")
    assert copy.samefile(storage.path_of(blob.sha256))
    assert copy == storage.local_copy(sha256=blob.sha256, cache_dir=tmp_path / "cache")


def test_a_local_copy_of_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(storage.MissingContent):
        storage.local_copy(sha256="0" * 64, cache_dir=tmp_path / "cache")
    assert not list(tmp_path.rglob("*0000*"))


def test_unused_contents_go_and_used_ones_stay(tmp_path: Path, team: Any) -> None:
    unused = actions.store_file(_file(tmp_path, b"unused", "1"))
    fresh = actions.store_file(_file(tmp_path, b"fresh", "2"))
    bundle = actions.make_bundle(team=team, kind="x", files={"a": _file(tmp_path, b"used", "3")})
    used = bundle.files.get().blob
    long_ago = timezone.now() - dt.timedelta(days=30)
    assert actions.collect_unused() == 0  # nobody was seen to need them, but only now
    Blob.objects.filter(pk__in=[unused.pk, used.pk]).update(unused_since=long_ago)
    assert actions.collect_unused() == 1
    assert [storage.exists(blob.sha256) for blob in (unused, fresh, used)] == [False, True, True]
    assert set(Blob.objects.values_list("pk", flat=True)) == {fresh.pk, used.pk}


def test_dropping_a_bundle_frees_its_bytes_at_the_next_collection(tmp_path: Path, team: Any) -> None:
    bundle = actions.make_bundle(team=team, kind="x", files={"a": _file(tmp_path, b"used")})
    actions.drop_bundle(bundle=bundle)
    assert actions.collect_unused(unused_for=dt.timedelta(0)) == 1
    assert not Blob.objects.exists()


def test_content_stored_again_while_it_is_collected_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path, b"wanted again")
    old = actions.store_file(path)
    register = file_actions._register

    def collected_first(sha256: str, *, size_bytes: int) -> Blob:
        monkeypatch.setattr(file_actions, "_register", register)
        assert actions.collect_unused(unused_for=dt.timedelta(0)) == 1
        return register(sha256, size_bytes=size_bytes)

    monkeypatch.setattr(file_actions, "_register", collected_first)
    blob = actions.store_file(path)
    assert blob.pk != old.pk
    assert storage.exists(blob.sha256)


def test_parts_that_a_killed_writer_left_are_swept(files_dir: Path) -> None:
    (files_dir / "parts").mkdir(parents=True)
    old, new = files_dir / "parts" / "old", files_dir / "parts" / "new"
    for part, age in ((old, 90_000), (new, 10)):
        part.write_bytes(b"half")
        os.utime(part, (1_000_000 - age, 1_000_000 - age))
    assert storage.sweep_parts(older_than_seconds=86_400, now=1_000_000) == 1
    assert not old.exists() and new.exists()


def test_files_that_nobody_registered_go_after_a_day_and_registered_ones_stay(tmp_path: Path, team: Any) -> None:
    made = {}
    for name in ("registered", "orphan", "young"):
        made[name] = actions.make_bundle(team=team, kind="report", files={name: _file(tmp_path, name.encode(), name)})
    Bundle.objects.exclude(pk=made["young"].pk).update(created_at=timezone.now() - dt.timedelta(hours=25))
    PretrainedModel.objects.create(team=team, name="a base", source="hub", bundle=made["registered"])
    assert actions.drop_orphans() == 1
    assert set(Bundle.objects.all()) == {made["registered"], made["young"]}
    assert actions.collect_unused(unused_for=dt.timedelta(0)) == 1
