"""The pages, as people of each role see them."""

import asyncio
import csv
import io
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import escape

from webapp.artifacts.models import Upload
from webapp.datasets import exports
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs.models import Job, State

pytestmark = pytest.mark.django_db


def _url(version: DatasetVersion, name: str = "version") -> str:
    return reverse(f"datasets:{name}", args=["acme", version.dataset.public_id, version.number])


def _text(response: Any) -> str:
    """What a person reads: without tags, with single spaces."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).replace("\xa0", " ").split())


def _bytes(response: Any) -> bytes:
    if not response.is_async:
        return b"".join(response.streaming_content)

    async def collect() -> bytes:
        return b"".join([piece async for piece in response.streaming_content])

    return asyncio.run(collect())


def test_a_team_without_datasets_is_offered_the_sample(client_as: Any, trainer: Any, viewer: Any) -> None:
    page = _text(client_as(trainer).get("/t/acme/datasets/"))
    assert "Your examples come here" in page and "Try the sample" in page
    assert "Try the sample" not in _text(client_as(viewer).get("/t/acme/datasets/"))


def test_the_sample_is_imported_by_one_button(client_as: Any, trainer: Any) -> None:
    response = client_as(trainer).post("/t/acme/datasets/sample/", follow=True)
    assert response.status_code == 200
    assert "workshop" in _text(response)
    assert Dataset.objects.get().created_by == trainer


def test_the_list_shows_names_states_and_numbers(
    client_as: Any, viewer: Any, ready: Any, bring: Any, chat_file: Any
) -> None:
    ready(file_name="good.jsonl")
    bring(chat_file(), "waiting.jsonl")
    page = _text(client_as(viewer).get("/t/acme/datasets/"))
    assert "One dataset is ready. One file is being read." in page
    assert "good Ready" in page and "waiting Waiting" in page
    found = _text(client_as(viewer).get("/t/acme/datasets/?q=goo"))
    assert "good Ready" in found and "waiting Waiting" not in found
    assert "bears “zzz” in its name" in _text(client_as(viewer).get("/t/acme/datasets/?q=zzz"))


def test_a_plain_form_brings_a_dataset_without_scripts(client_as: Any, trainer: Any, chat_file: Any) -> None:
    file = SimpleUploadedFile("rows.jsonl", chat_file())
    data = {"file": file, "name": "From a form", "validation_share": "0.2", "system_prompt": "Be kind."}
    response = client_as(trainer).post("/t/acme/datasets/new/", data, follow=True)
    assert response.status_code == 200
    version = DatasetVersion.objects.get()
    assert (version.dataset.name, version.validation_share, version.system_prompt) == ("From a form", 0.2, "Be kind.")
    assert "The file has arrived." in _text(response)


def test_a_file_that_arrived_in_parts_is_imported_by_its_id(client_as: Any, trainer: Any, chat_file: Any) -> None:
    client, content = client_as(trainer), chat_file()
    opened = {"file_name": "rows.jsonl", "size_bytes": len(content)}
    upload = client.post("/t/acme/uploads/", opened, content_type="application/json").json()
    client.patch(upload["url"], content, headers={"Upload-Offset": "0"})
    client.post(upload["url"] + "/finish")
    response = client.post("/t/acme/datasets/new/", {"upload": upload["upload"], "validation_share": "0.1"})
    assert response.status_code == 302
    assert DatasetVersion.objects.get().file_name == "rows.jsonl"


def test_a_form_that_comes_back_keeps_the_file_that_has_arrived(
    client_as: Any, trainer: Any, bring: Any, chat_file: Any
) -> None:
    bring(chat_file(), dataset_name="taken")
    data = {"file": SimpleUploadedFile("rows.jsonl", chat_file()), "name": "taken", "validation_share": "0.1"}
    response = client_as(trainer).post("/t/acme/datasets/new/", data)
    assert response.status_code == 422
    assert "Your team has a dataset called taken already" in _text(response)
    assert "rows.jsonl has arrived" in _text(response)
    kept = Upload.objects.get(state=Upload.State.COMPLETE)
    assert f'name="upload" value="{kept.public_id}"' in response.content.decode()
    again = {"upload": kept.public_id, "name": "free", "validation_share": "0.1"}
    assert client_as(trainer).post("/t/acme/datasets/new/", again).status_code == 302


def test_a_file_whose_name_is_nothing_but_ending_is_taken(client_as: Any, trainer: Any, chat_file: Any) -> None:
    file = SimpleUploadedFile("a." + "x" * 250, chat_file())
    assert (
        client_as(trainer).post("/t/acme/datasets/new/", {"file": file, "validation_share": "0.1"}).status_code == 302
    )


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose the file that holds your examples."),
        ({"file": b""}, "The file is empty: it has no bytes at all."),
        ({"file": b"x" * 2001}, "The file is too large: it has 2 kB, and this installation takes at most 2 kB."),
        ({"file": b"x", "validation_share": "0.7"}, "Select a valid choice."),
    ],
)
def test_a_form_says_what_is_wrong_and_keeps_nothing(
    client_as: Any, trainer: Any, settings: Any, data: dict[str, Any], words: str
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 2000
    sent = {"validation_share": "0.1"} | data
    if "file" in sent:
        sent["file"] = SimpleUploadedFile("rows.csv", sent["file"])
    response = client_as(trainer).post("/t/acme/datasets/new/", sent)
    assert response.status_code == 422
    assert words in _text(response)
    assert (Dataset.objects.count(), Job.objects.count()) == (0, 0)


def test_nobody_imports_the_upload_of_another(client_as: Any, trainer: Any, owner: Any, chat_file: Any) -> None:
    client, content = client_as(trainer), chat_file()
    opened = {"file_name": "rows.jsonl", "size_bytes": len(content)}
    upload = client.post("/t/acme/uploads/", opened, content_type="application/json").json()
    data = {"upload": upload["upload"], "validation_share": "0.1"}
    assert client_as(owner).post("/t/acme/datasets/new/", data).status_code == 404


def test_a_page_that_waits_asks_again_and_stops_when_it_is_over(
    client_as: Any, viewer: Any, bring: Any, read: Any, chat_file: Any
) -> None:
    version, client = bring(chat_file()), client_as(viewer)
    page = client.get(_url(version)).content.decode()
    assert f'hx-get="{_url(version, "status")}" hx-trigger="every 5s"' in page
    Job.objects.update(
        state=State.RUNNING, phase="reading", progress_done=41, progress_total=100, progress_unit="bytes"
    )
    part = client.get(_url(version, "status"), headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' in part.content.decode() and "41 bytes of 100 bytes" in _text(part)
    assert "<html" not in part.content.decode()
    read(version)
    over = client.get(_url(version, "status"), headers={"HX-Request": "true"})
    assert (over.status_code, over.headers["HX-Refresh"]) == (286, "true")
    assert client.get(_url(version, "status")).status_code == 302


def test_a_hidden_tab_is_not_drawn_for(client_as: Any, viewer: Any, bring: Any, chat_file: Any) -> None:
    headers = {"HX-Request": "true", "X-Tab": "hidden"}
    assert client_as(viewer).get(_url(bring(chat_file()), "status"), headers=headers).status_code == 204


def test_a_ready_version_shows_verdict_report_and_conversations(client_as: Any, viewer: Any, ready: Any) -> None:
    page = _text(client_as(viewer).get(_url(ready())))
    assert "Ready to train on." in page
    assert "Read as JSON lines, UTF-8: chat messages" in page
    assert "Every row can be used" in page
    assert "Question 1?" in page and "Answer 1." in page and "Question 5?" not in page
    assert "Half of the conversations have at most" in page


@pytest.mark.row("D2")
def test_the_page_says_how_a_table_was_read(client_as: Any, viewer: Any, ready: Any) -> None:
    lines = ["Frage;Antwort"] + [f"Kostet Maß {n} fünf Euro?;Ja, „genau“ {n} € für Größe." for n in range(60)]
    page = _text(client_as(viewer).get(_url(ready("\r\n".join(lines).encode("cp1252"), "preise.csv"))))
    assert "Read as CSV table, separated by semicolons, Windows-1252: questions and answers" in page
    assert "Read as Windows-1252 The file does not say how its letters are written" in page
    assert "Ja, „genau“ 0 € für Größe." in page


def test_rows_are_paged_and_found_by_number(client_as: Any, viewer: Any, ready: Any) -> None:
    client, version = client_as(viewer), ready()
    assert "Question 5?" in _text(client.get(_url(version) + "?after=4"))
    assert "Question 37?" in _text(client.get(_url(version) + "?row=37"))
    part = client.get(_url(version) + "?after=4", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<section class="card" id="rows"')
    held_out = client.get(_url(version) + "?split=validation").content.decode()
    assert "to check</span>" in held_out and "to train</span>" not in held_out
    for nonsense in ("?after=-1", "?after=x", "?row=" + "9" * 50, "?before=0", "?split=../etc", "?row=１"):
        assert client.get(_url(version) + nonsense).status_code == 200


def test_rows_that_were_left_out_are_listed_with_place_cause_and_remedy(
    client_as: Any, viewer: Any, trainer: Any, ready: Any, chat_line: Any
) -> None:
    lines = [chat_line(f"Question {n}?", "" if n in (7, 12) else f"Answer {n}.") for n in range(1, 61)]
    lines[19] = '{"messages": ['
    version = ready("\n".join(lines).encode())
    page = _text(client_as(viewer).get(_url(version)))
    assert "Ready to train on. Three rows of 60 were left out; the others are good." in page
    assert "2 rows have no answer Rows 7, 12. Write the answer" in page
    listed = _text(client_as(viewer).get(_url(version, "problems") + "?code=no_answer"))
    assert "7 messages[1] Nobody answers: the answer is missing or blank. Write the answer" in listed
    assert "20 " not in listed.split("The row begins with")[1]
    assert "is not valid JSON; it stops making sense at character" in _text(
        client_as(viewer).get(_url(version, "problems"))
    )
    response = client_as(trainer).get(_url(version, "problem_table"))
    table = list(csv.reader(io.StringIO(_bytes(response).decode("utf-8-sig"))))
    assert [row[0] for row in table[1:]] == ["7", "12", "20"]
    assert response.headers["Content-Disposition"] == 'attachment; filename="rows-v1-problems.csv"'


@pytest.mark.row("S20")
@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_of_an_export_runs_as_a_formula(text: str) -> None:
    assert exports.plain_cell(text) == f"'{text}"
    assert exports.plain_cell(f"a{text}") == f"a{text}"


def test_conversations_leave_as_lines_that_can_be_read_again(client_as: Any, trainer: Any, ready: Any) -> None:
    version = ready()
    response = client_as(trainer).get(_url(version, "conversations"))
    content = _bytes(response)
    lines = [json.loads(line) for line in content.splitlines()]
    assert len(lines) == 60 and lines[2]["messages"][0] == {"role": "user", "content": "Question 3?"}
    assert response.headers["Content-Disposition"] == 'attachment; filename="rows-v1.jsonl"'
    assert ready(content, "again.jsonl").content_sha256 == version.content_sha256


def test_the_file_leaves_as_it_came(
    client_as: Any, trainer: Any, reviewer: Any, viewer: Any, ready: Any, chat_file: Any
) -> None:
    version = ready(chat_file(), "Übung 1.jsonl")
    response = client_as(reviewer).get(_url(version, "original"))
    assert _bytes(response) == chat_file()
    assert "%C3%9Cbung%201.jsonl" in response.headers["Content-Disposition"]
    assert client_as(viewer).get(_url(version, "original")).status_code == 403


@pytest.mark.row("S19")
def test_hostile_rows_stay_text(client_as: Any, viewer: Any, ready: Any, chat_line: Any) -> None:
    attack = "<img src=x onerror=alert(1)><div hx-get=/logout hx-trigger=load></div></script>{{ 7*7 }}"
    lines = [chat_line(f"{attack} {n}", f"pay\u202e001 {n}") for n in range(60)]
    version = ready("\n".join(lines).encode(), f"{attack}\u202e.jsonl", dataset_name=f"\u202e{attack[:79]}")
    for name in ("version", "columns", "versions", "used_by"):
        page = client_as(viewer).get(_url(version, name)).content.decode()
        assert (
            "<img src=x" not in page and "<div hx-get=/logout" not in page and "49" not in page.split("<main")[1][:200]
        )
        assert "\u202e" not in page
    page = client_as(viewer).get(_url(version)).content.decode()
    assert escape("<img src=x onerror=alert(1)>") in page and "pay⟨U+202E⟩001" in page


@pytest.mark.row("S19")
def test_hostile_columns_and_problems_stay_text(client_as: Any, trainer: Any, ready: Any) -> None:
    attack = "<img src=x onerror=alert(1)>\u202e"
    version = ready(f"{attack} a|{attack} b\n".encode() + f"{attack}|{attack}\n".encode() * 30, "x.csv")
    page = client_as(trainer).get(_url(version)).content.decode()
    assert "<img src=x" not in page and "\u202e" not in page and "⟨U+202E⟩" in page


def test_columns_are_chosen_beside_their_first_values(client_as: Any, trainer: Any, ready: Any, read: Any) -> None:
    version = ready(b"spalte a|spalte b\n" + b"".join(b"Frage %d|Antwort %d\n" % (n, n) for n in range(60)), "x.csv")
    client = client_as(trainer)
    page = _text(client.get(_url(version)))
    assert "Nearly there. Say which column holds the question and which the answer." in page
    assert "spalte a Frage 0 Frage 1 Frage 2" in page
    twice = client.post(_url(version, "map_columns"), {"column_0": "prompt", "column_1": "prompt"})
    assert twice.status_code == 422 and "Two columns were given the same part" in _text(twice)
    half = client.post(_url(version, "map_columns"), {"column_0": "prompt", "column_1": ""})
    assert half.status_code == 422 and "Say which column holds the question and which the answer" in _text(half)
    response = client.post(_url(version, "map_columns"), {"column_0": "prompt", "column_1": "response"})
    assert (response.status_code, response.headers["Location"]) == (302, _url(version))
    assert read(DatasetVersion.objects.get()).rows_good == 60


def test_other_columns_of_a_ready_version_make_a_new_one(client_as: Any, trainer: Any, ready: Any) -> None:
    version = ready(b"question,answer,note\n" + b"".join(b"Q %d,A %d,N\n" % (n, n) for n in range(60)), "x.csv")
    client = client_as(trainer)
    assert "1 column is not used “note”" in _text(client.get(_url(version)))
    assert '<option value="response" selected>' in client.get(_url(version, "columns")).content.decode()
    chosen = {"column_0": "prompt", "column_1": "response", "column_2": "context"}
    client.post(_url(version, "map_columns"), chosen)
    newest = DatasetVersion.objects.latest("number")
    assert (newest.number, newest.mapping) == (2, {"prompt": "question", "response": "answer", "context": "note"})


def test_a_file_that_cannot_be_read_says_what_to_do(client_as: Any, trainer: Any, ready: Any) -> None:
    version = ready(b"%PDF-1.7 " + bytes(200), "claims.csv")
    page = _text(client_as(trainer).get(_url(version)))
    assert "This file could not be read. The file is of another kind." in page
    assert "Its content is a PDF document, whatever its name says." in page
    assert "Upload a mended file" in page
    assert client_as(trainer).post(_url(version, "read_again")).status_code == 302
    assert DatasetVersion.objects.get().job.state == State.QUEUED


def test_cancelling_a_reading_keeps_the_file(client_as: Any, trainer: Any, bring: Any, chat_file: Any) -> None:
    version = bring(chat_file())
    response = client_as(trainer).post(_url(version, "cancel"), follow=True)
    assert "The reading was cancelled. The file is still here." in _text(response)
    assert "Read it again" in _text(response)


def test_a_new_version_is_brought_by_another_file(
    client_as: Any, trainer: Any, ready: Any, read: Any, chat_file: Any
) -> None:
    version = ready()
    url = reverse("datasets:add_version", args=["acme", version.dataset.public_id])
    file = SimpleUploadedFile("more.jsonl", chat_file(80))
    response = client_as(trainer).post(url, {"file": file, "validation_share": "0.1"})
    second = DatasetVersion.objects.latest("number")
    assert (response.headers["Location"], second.number) == (_url(second), 2)
    read(second)
    assert "+20 since v1" in _text(client_as(trainer).get(_url(second)))
    assert "v2 is newer" in _text(client_as(trainer).get(_url(version)))
    assert "v2 Ready more.jsonl 80" in _text(client_as(trainer).get(_url(version, "versions")))


def test_a_dataset_is_renamed_and_described(client_as: Any, trainer: Any, ready: Any) -> None:
    dataset = ready().dataset
    url = reverse("datasets:edit", args=["acme", dataset.public_id])
    client_as(trainer).post(url, {"name": " New \t name ", "description": "Notes", "licence": "CC-BY-4.0"})
    dataset.refresh_from_db()
    assert (dataset.name, dataset.description, dataset.licence) == ("New name", "Notes", "CC-BY-4.0")


def test_another_team_finds_nothing(client_as: Any, stranger: Any, ready: Any) -> None:
    version = ready()
    for name in ("version", "status", "columns", "problems", "versions", "used_by", "original", "conversations"):
        assert client_as(stranger).get(_url(version, name)).status_code == 404
        theirs = _url(version, name).replace("/acme/", "/globex/")
        assert client_as(stranger).get(theirs).status_code == 404


def test_a_viewer_changes_nothing(client_as: Any, viewer: Any, ready: Any) -> None:
    version = ready()
    dataset = version.dataset.public_id
    for name, arguments in (("edit", [dataset]), ("delete", [dataset]), ("restore", [dataset]), ("sample", [])):
        assert client_as(viewer).post(reverse(f"datasets:{name}", args=["acme", *arguments])).status_code == 403
    for name in ("map_columns", "read_again", "cancel"):
        assert client_as(viewer).post(_url(version, name)).status_code == 403
