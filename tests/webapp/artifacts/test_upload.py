"""Chunks in, a verified file out; a cut upload goes on where it stopped."""

import datetime as dt
import errno
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import connection
from django.http import Http404
from django.test import Client
from django.utils import timezone

from webapp.artifacts import actions, incoming, names, storage
from webapp.artifacts.models import Blob, Upload
from webapp.core.faults import UserFault

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 40


def _open(by: Any, team: Any, size: int = len(CONTENT), name: str = "rows.jsonl") -> Upload:
    return actions.open_upload(by=by, team=team, file_name=name, size_bytes=size)


def _whole(by: Any, team: Any) -> Upload:
    upload = _open(by, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT)
    return actions.finish_upload(upload=upload)


def _fault(call: Callable[..., Any], **arguments: Any) -> UserFault:
    with pytest.raises(UserFault) as caught:
        call(**arguments)
    return caught.value


def test_chunks_become_one_stored_file(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    for offset in range(0, len(CONTENT), 3000):
        actions.append_chunk(upload=upload, offset=offset, chunk=CONTENT[offset : offset + 3000])
    upload = actions.finish_upload(upload=upload)
    assert upload.state == Upload.State.COMPLETE
    with storage.open_blob(upload.blob) as file:
        assert file.read() == CONTENT
    assert not incoming.path_of(upload.public_id).exists()


@pytest.mark.row("D17")
def test_a_broken_upload_goes_on_where_it_stopped(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT[:5000])
    again = Upload.objects.get(pk=upload.pk)
    assert actions.received_bytes(again) == 5000
    actions.append_chunk(upload=again, offset=5000, chunk=CONTENT[5000:])
    with storage.open_blob(actions.finish_upload(upload=again).blob) as file:
        assert file.read() == CONTENT


@pytest.mark.row("D17")
def test_the_same_chunk_twice_is_harmless(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    for _time in range(2):
        upload = actions.append_chunk(upload=upload, offset=0, chunk=CONTENT[:5000])
    assert upload.received_bytes == 5000


@pytest.mark.row("D17")
@pytest.mark.parametrize(("offset", "chunk"), [(4999, b"abc"), (5001, b"abc"), (0, b"other bytes"), (9000, b"x")])
def test_a_chunk_that_does_not_fit_says_where_to_go_on(trainer: Any, team: Any, offset: int, chunk: bytes) -> None:
    upload = _open(trainer, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT[:5000])
    fault = _fault(actions.append_chunk, upload=upload, offset=offset, chunk=chunk)
    assert (fault.code, fault.status, fault.data) == ("wrong_offset", 409, {"offset": 5000})


def test_more_than_was_said_is_refused(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team, size=10)
    assert _fault(actions.append_chunk, upload=upload, offset=0, chunk=b"x" * 11).code == "upload_overrun"


def test_bytes_that_a_power_cut_took_are_asked_for_again(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT[:5000])
    os.truncate(incoming.path_of(upload.public_id), 4096)
    assert actions.received_bytes(upload) == 4096
    actions.append_chunk(upload=upload, offset=4096, chunk=CONTENT[4096:])
    with storage.open_blob(actions.finish_upload(upload=upload).blob) as file:
        assert file.read() == CONTENT


def test_finishing_too_early_says_what_is_missing(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT[:5000])
    fault = _fault(actions.finish_upload, upload=upload)
    assert (fault.code, fault.data) == ("upload_incomplete", {"offset": 5000})
    assert not Blob.objects.exists()


def test_finishing_twice_is_harmless(trainer: Any, team: Any) -> None:
    upload = _whole(trainer, team)
    assert actions.finish_upload(upload=upload).blob_id == upload.blob_id


def test_a_finished_upload_takes_nothing_more(trainer: Any, team: Any) -> None:
    upload = _whole(trainer, team)
    incoming.create(upload.public_id)  # as when the web process died between the last two steps
    assert _fault(actions.append_chunk, upload=upload, offset=0, chunk=CONTENT).code == "upload_over"


def test_an_upload_whose_bytes_are_gone_says_so(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    incoming.remove(upload.public_id)
    for call, arguments in (
        (actions.append_chunk, {"offset": 0, "chunk": b"x"}),
        (actions.finish_upload, {}),
    ):
        assert _fault(call, upload=upload, **arguments).code == "upload_lost"
    assert _fault(actions.received_bytes, upload=upload).status == 410


def test_an_empty_file_is_refused_in_words(trainer: Any, team: Any) -> None:
    fault = _fault(_open, by=trainer, team=team, size=0)
    assert (fault.code, fault.field) == ("empty_file", "file")
    assert not Upload.objects.exists()


def test_a_file_above_the_limit_is_refused_with_both_sizes(trainer: Any, team: Any, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 5_000_000
    fault = _fault(_open, by=trainer, team=team, size=7_000_000)
    assert (fault.code, fault.status) == ("too_large", 413)
    assert "7 MB" in fault.message.replace("\xa0", " ") and "5 MB" in fault.message.replace("\xa0", " ")


@pytest.mark.row("D18")
def test_a_team_may_have_only_so_many_uploads_under_way(
    trainer: Any, team: Any, settings: Any, stranger: Any, other_team: Any
) -> None:
    settings.UPLOADS_OPEN_PER_TEAM = 2
    first, _second = _open(trainer, team), _open(trainer, team)
    assert _fault(_open, by=trainer, team=team).status == 429
    assert _open(stranger, other_team).state == Upload.State.OPEN
    actions.drop_upload(upload=first)
    assert _open(trainer, team).state == Upload.State.OPEN


@pytest.mark.row("F8")
def test_an_upload_that_the_disk_cannot_hold_is_refused_before_the_first_byte(
    trainer: Any, team: Any, settings: Any
) -> None:
    settings.DISK_RESERVE_BYTES = 1 << 60
    assert _fault(_open, by=trainer, team=team).status == 507
    assert not Upload.objects.exists()


@pytest.mark.row("F8")
def test_a_disk_that_fills_under_a_chunk_keeps_what_had_arrived(
    trainer: Any, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = _open(trainer, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT[:5000])
    fsync = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert _fault(actions.append_chunk, upload=upload, offset=5000, chunk=CONTENT[5000:]).code == "disk_full"
    monkeypatch.setattr(os, "fsync", fsync)
    assert incoming.path_of(upload.public_id).stat().st_size == 5000
    actions.append_chunk(upload=upload, offset=5000, chunk=CONTENT[5000:])
    assert actions.finish_upload(upload=upload).state == Upload.State.COMPLETE


def test_who_may_not_add_datasets_cannot_upload(viewer: Any, stranger: Any, team: Any) -> None:
    with pytest.raises(PermissionDenied):
        _open(viewer, team)
    with pytest.raises(Http404):
        _open(stranger, team)


def test_uploads_that_nobody_goes_on_with_are_forgotten(trainer: Any, team: Any) -> None:
    old, new = _open(trainer, team), _open(trainer, team)
    Upload.objects.filter(pk=old.pk).update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    left = incoming.folder() / "tmpabc.upload"
    left.touch()
    os.utime(left, (0, 0))
    assert actions.expire_uploads() == 1
    assert list(Upload.objects.all()) == [new]
    assert not incoming.path_of(old.public_id).exists() and not left.exists()
    assert incoming.path_of(new.public_id).exists()


def test_a_form_file_is_taken_from_where_django_put_it(trainer: Any, team: Any) -> None:
    with TemporaryUploadedFile("C:\\Users\\me\\rows.csv", "text/csv", len(CONTENT), None) as file:
        file.write(CONTENT)
        upload = actions.receive_form_file(by=trainer, team=team, file=file)
    assert (upload.file_name, upload.state) == ("rows.csv", Upload.State.COMPLETE)
    with storage.open_blob(upload.blob) as stored:
        assert stored.read() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_two_senders_of_one_upload_cannot_mix_their_bytes(trainer: Any, team: Any) -> None:
    upload = _open(trainer, team)
    results = []

    def send(content: bytes) -> None:
        mine = Upload.objects.get(pk=upload.pk)
        for offset in range(0, len(CONTENT), 1024):
            try:
                actions.append_chunk(upload=mine, offset=offset, chunk=content[offset : offset + 1024])
                results.append("kept")
            except UserFault as fault:
                results.append(fault.code)
        connection.close()

    threads = [threading.Thread(target=send, args=(content,)) for content in (CONTENT, CONTENT[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    data = incoming.path_of(upload.public_id).read_bytes()
    pieces = [data[offset : offset + 1024] for offset in range(0, len(data), 1024)]
    wanted = [{CONTENT[o : o + 1024], CONTENT[::-1][o : o + 1024]} for o in range(0, len(data), 1024)]
    assert all(piece in either for piece, either in zip(pieces, wanted, strict=True))
    assert set(results) == {"kept", "wrong_offset"}


# The same over HTTP, as static/js/upload.js speaks it.


def _post_open(client: Client, size: int = len(CONTENT)) -> Any:
    return client.post(
        "/t/acme/uploads/", {"file_name": "rows.jsonl", "size_bytes": size}, content_type="application/json"
    )


def _patch(client: Client, url: str, offset: int, chunk: bytes) -> Any:
    return client.patch(
        url, chunk, content_type="application/offset+octet-stream", headers={"Upload-Offset": str(offset)}
    )


def test_a_script_uploads_in_parts(client_as: Any, trainer: Any) -> None:
    client = client_as(trainer)
    opened = _post_open(client)
    assert (opened.status_code, opened.json()["offset"]) == (201, 0)
    url = opened.json()["url"]
    first = _patch(client, url, 0, CONTENT[:5000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "5000")
    assert client.head(url).headers["Upload-Offset"] == "5000"
    assert client.get(url).json()["offset"] == 5000
    wrong = _patch(client, url, 100, b"x")
    assert (wrong.status_code, wrong.json()["offset"], wrong.headers["Upload-Offset"]) == (409, 5000, "5000")
    _patch(client, url, 5000, CONTENT[5000:])
    finished = client.post(f"{url}/finish")
    assert finished.json() == {"upload": opened.json()["upload"], "size_bytes": len(CONTENT)}
    with storage.open_blob(Blob.objects.get()) as file:
        assert file.read() == CONTENT


def test_faults_reach_the_script_in_words(client_as: Any, trainer: Any, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    response = _post_open(client_as(trainer))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert response.json()["title"].startswith("The file is too large")
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"file_name": 1, "size_bytes": 1}', b'{"file_name": "a", "size_bytes": true}']
)
def test_a_request_that_makes_no_sense_is_refused(client_as: Any, trainer: Any, body: bytes) -> None:
    response = client_as(trainer).post("/t/acme/uploads/", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("offset", ["", "-1", "x", "1" * 30, "１"])
def test_a_part_without_a_proper_offset_is_refused(client_as: Any, trainer: Any, offset: str) -> None:
    client = client_as(trainer)
    url = _post_open(client).json()["url"]
    response = client.patch(url, b"x", headers={"Upload-Offset": offset.encode().decode("latin-1")})
    assert response.status_code == 400


def test_a_part_above_the_limit_is_refused(client_as: Any, trainer: Any, settings: Any) -> None:
    settings.UPLOAD_CHUNK_BYTES = 1000
    client = client_as(trainer)
    response = _patch(client, _post_open(client).json()["url"], 0, CONTENT[:1001])
    assert (response.status_code, response.json()["code"]) == (413, "chunk_too_large")


def test_nobody_goes_on_with_the_upload_of_another(
    client_as: Any, trainer: Any, owner: Any, stranger: Any, viewer: Any
) -> None:
    url = _post_open(client_as(trainer)).json()["url"]
    assert [client_as(person).get(url).status_code for person in (owner, stranger, viewer)] == [404, 404, 403]
    assert _patch(client_as(owner), url, 0, b"x").status_code == 404
    assert client_as(stranger).post(f"{url}/finish").status_code == 404
    assert client_as(owner).delete(url).status_code == 404


def test_who_gives_up_frees_the_place(client_as: Any, trainer: Any) -> None:
    client = client_as(trainer)
    url = _post_open(client).json()["url"]
    assert client.delete(url).status_code == 204
    assert (Upload.objects.count(), client.get(url).status_code) == (0, 404)


@pytest.mark.row("S5")
@pytest.mark.parametrize(
    ("given", "label", "safe"),
    [
        ("../../etc/passwd", "passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini", "boot.ini"),
        ("a\x00b\r\nX: y.csv", "abX: y.csv", "abX_ y.csv"),
        ("..", "..", "file"),
        ("", "file", "file"),
        ("/", "file", "file"),
        ("CON", "CON", "_CON"),
        ("aux.txt", "aux.txt", "_aux.txt"),
        ("dots...", "dots...", "dots"),
        ("rows\u202egnp.jsonl", "rows\u202egnp.jsonl", "rowsgnp.jsonl"),
        ("Übung.csv", "Übung.csv", "Übung.csv"),
        ('a"b<c>.csv', 'a"b<c>.csv', "a_b_c_.csv"),
    ],
)
def test_a_file_name_is_a_label_and_never_a_path(given: str, label: str, safe: str) -> None:
    assert (names.label(given), names.safe(given)) == (label, safe)


def test_a_long_name_keeps_its_ending() -> None:
    assert names.safe("x" * 300 + ".jsonl") == "x" * 144 + ".jsonl"
    assert len(names.label("y" * 300)) == 255


@pytest.mark.parametrize("call", [actions.append_chunk, actions.finish_upload])
def test_an_upload_that_is_dropped_while_its_bytes_arrive_is_lost_and_says_so(
    call: Callable[..., Any], trainer: Any, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = _open(trainer, team)
    actions.append_chunk(upload=upload, offset=0, chunk=CONTENT)
    arguments = {"offset": 0, "chunk": CONTENT} if call is actions.append_chunk else {}
    real, row = incoming.size_of, Upload.objects.filter(pk=upload.pk)
    monkeypatch.setattr(incoming, "size_of", lambda file: row.delete() and real(file))  # between its look and its note
    assert _fault(call, upload=upload, **arguments).code == "upload_lost"
    monkeypatch.undo()
    assert _fault(call, upload=upload, **arguments).code == "upload_lost"


def test_a_name_with_bytes_that_are_no_text_is_kept_without_them(trainer: Any, team: Any) -> None:
    assert _open(trainer, team, name="ro\udcffws.jsonl").file_name == "rows.jsonl"
