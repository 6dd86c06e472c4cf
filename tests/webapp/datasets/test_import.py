"""From a file to rows that can be trained on."""

import gzip
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Bundle, Upload
from webapp.audit.models import Event
from webapp.core.faults import UserFault
from webapp.datasets import actions, faults, queries, rows
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs.models import Job, State
from webapp.lineage.models import Edge
from webapp.notices.models import Notice

pytestmark = pytest.mark.django_db


def _fault(call: Any, **arguments: Any) -> UserFault:
    with pytest.raises(UserFault) as caught:
        call(**arguments)
    return caught.value


def test_a_file_becomes_a_version_that_is_being_read(bring: Any, trainer: Any, chat_file: Any) -> None:
    version = bring(chat_file(), "claims_2026_q1.jsonl.gz")
    assert (version.dataset.name, version.number, version.is_ready) == ("claims_2026_q1", 1, False)
    assert version.job.state == State.QUEUED
    assert version.job.inputs == [
        {"path": "inputs/upload", "sha256": version.source.sha256, "size_bytes": version.source.size_bytes}
    ]
    assert version.job.needs_labels == ["reader"]
    assert Upload.objects.get().state == Upload.State.USED
    assert Event.objects.get(verb="dataset.imported").object_id == version.dataset.public_id


def test_what_the_reader_found_is_kept_with_the_version(ready: Any, trainer: Any, chat_file: Any) -> None:
    version = ready(chat_file(60))
    assert version.is_ready
    assert (version.rows_total, version.rows_good, version.rows_bad) == (60, 60, 0)
    assert version.train_rows + version.validation_rows == 60
    assert version.validation_rows > 0
    assert (version.format, version.encoding, version.mapping) == ("jsonl", "utf-8", {"messages": "messages"})
    assert len(version.content_sha256) == 64
    assert Notice.objects.get(user=trainer).code == "dataset_ready"


def test_a_settled_result_settles_once(ready: Any) -> None:
    version = ready()
    again = actions.finish_read(job=version.job, bundle=version.bundle, report={})
    assert again is not None and again.content_sha256 == version.content_sha256


@pytest.mark.row("D6")
def test_a_row_without_an_answer_is_listed_and_the_others_are_kept(ready: Any, trainer: Any, chat_line: Any) -> None:
    lines = [chat_line(f"Question {n}?", "" if n == 7 else f"Answer {n}.") for n in range(1, 61)]
    version = ready("\n".join(lines).encode())
    assert (version.rows_good, version.rows_bad) == (59, 1)
    assert version.report["problem_counts"] == {"no_answer": 1}
    assert version.report["problem_rows"] == {"no_answer": [7]}
    listed = list(rows.problems(queries.files(version.bundle)))
    assert [(item["row"], item["field"]) for item in listed] == [(7, "messages[1]")]
    assert Notice.objects.get(user=trainer).code == "dataset_has_problems"


@pytest.mark.row("D2")
def test_a_windows_1252_csv_is_read_right(ready: Any) -> None:
    lines = ["Frage;Antwort"] + [f"Kostet Maß {n} fünf Euro?;Ja, „genau“ {n} € für Größe." for n in range(40)]
    version = ready("\r\n".join(lines).encode("cp1252"), "preise.csv")
    assert version.encoding == "windows-1252"
    first = rows.page(queries.files(version.bundle), size=1).rows[0]
    assert [message["content"] for message in first.messages] == [
        "Kostet Maß 0 fünf Euro?",
        "Ja, „genau“ 0 € für Größe.",
    ]


def test_a_gzipped_file_is_read(ready: Any, chat_file: Any) -> None:
    version = ready(gzip.compress(chat_file()), "rows.jsonl.gz")
    assert (version.rows_good, version.report["compression"]) == (60, "gzip")


@pytest.mark.row("D1")
@pytest.mark.parametrize("content", [b"\n\n", b"\xef\xbb\xbf", b"question,answer\n"])
def test_a_file_without_rows_says_so(ready: Any, trainer: Any, content: bytes) -> None:
    version = ready(content, "rows.csv")
    said = faults.of(version.job)
    assert (version.is_ready, said.title) == (False, "There are no rows in the file")
    assert said.remedy
    assert Notice.objects.get(user=trainer).code == "dataset_failed"


def test_a_file_of_another_kind_is_named(ready: Any) -> None:
    said = faults.of(ready(b"PK\x03\x04" + bytes(100), "claims.csv").job)
    assert said.title == "The file is of another kind"
    assert "ZIP archive" in said.meaning and "Excel" in said.meaning
    assert not said.can_map


def test_a_file_of_which_no_row_can_be_used_says_why(ready: Any, chat_line: Any) -> None:
    version = ready("\n".join(chat_line("Question?", " ") for _n in range(12)).encode())
    assert "None of its 12 rows can be used" in faults.of(version.job).meaning
    assert version.job.fault_data["problems"][0]["row"] == 1


def test_columns_that_say_nothing_ask_for_a_mapping_and_then_are_read(ready: Any, read: Any, trainer: Any) -> None:
    version = ready(b"spalte a|spalte b\n" + b"".join(b"Frage %d|Antwort %d\n" % (n, n) for n in range(30)), "x.csv")
    said = faults.of(version.job)
    assert said.can_map and version.job.fault_data["columns"] == ["spalte a", "spalte b"]
    mapped = actions.remap(by=trainer, version=version, mapping={"prompt": "spalte a", "response": "spalte b"})
    assert (mapped.pk, mapped.job.state) == (version.pk, State.QUEUED)
    assert read(mapped).rows_good == 30


def test_another_mapping_of_a_ready_version_is_a_new_version(ready: Any, read: Any, trainer: Any) -> None:
    version = ready(b"question,answer\n" + b"".join(b"Q %d,A %d\n" % (n, n) for n in range(30)), "x.csv")
    turned = actions.remap(by=trainer, version=version, mapping={"prompt": "answer", "response": "question"})
    assert (turned.number, turned.dataset_id, turned.source_id) == (2, version.dataset_id, version.source_id)
    assert read(turned).content_sha256 != version.content_sha256
    assert DatasetVersion.objects.get(pk=version.pk).is_ready
    edge = Edge.objects.get()
    assert (edge.source, edge.target, edge.relation) == (version.public_id, turned.public_id, "remapped")


def test_a_second_file_is_the_next_version(ready: Any, bring: Any, chat_file: Any) -> None:
    first = ready()
    second = bring(chat_file(80), dataset=first.dataset)
    assert (second.dataset_id, second.number) == (first.dataset_id, 2)


def test_a_reading_that_failed_can_be_tried_again_but_one_that_goes_on_cannot(
    ready: Any, bring: Any, trainer: Any, chat_file: Any
) -> None:
    failed = ready(b"\n")
    before = failed.job_id
    actions.read_again(by=trainer, version=failed)
    failed.refresh_from_db()
    assert failed.job_id != before and failed.job.state == State.QUEUED
    assert _fault(actions.read_again, by=trainer, version=failed).code == "read_already"
    assert _fault(actions.remap, by=trainer, version=bring(chat_file()), mapping={"messages": "m"}).status == 409


def test_a_result_nobody_waits_for_any_more_changes_nothing(bring: Any, ready: Any, trainer: Any) -> None:
    version, other = ready(b"\n"), ready()
    old = version.job
    actions.read_again(by=trainer, version=version)
    late = artifacts.make_bundle(team=version.dataset.team, kind="dataset", files={})
    assert actions.finish_read(job=old, bundle=late, report={}) is None
    assert list(Bundle.objects.all()) == [other.bundle]
    assert not DatasetVersion.objects.get(pk=version.pk).is_ready


def test_an_upload_makes_one_dataset_only(bring: Any, trainer: Any, team: Any, chat_file: Any) -> None:
    bring(chat_file())
    fault = _fault(actions.import_upload, by=trainer, team=team, upload=Upload.objects.get())
    assert (fault.code, fault.field) == ("upload_not_ready", "file")
    assert (Dataset.objects.count(), Job.objects.count()) == (1, 1)


def test_an_upload_that_is_under_way_is_not_imported(trainer: Any, team: Any) -> None:
    upload = artifacts.open_upload(by=trainer, team=team, file_name="x.jsonl", size_bytes=10)
    assert "not arrived completely" in _fault(actions.import_upload, by=trainer, team=team, upload=upload).message
    assert not Dataset.objects.exists()


def test_names_are_unique_in_a_team_and_found_from_the_file(bring: Any, chat_file: Any) -> None:
    assert [bring(chat_file(), "rows.csv").dataset.name for _time in range(3)] == ["rows", "rows 2", "rows 3"]
    with pytest.raises(UserFault, match="has a dataset called rows already") as caught:
        bring(chat_file(), dataset_name="rows")
    assert caught.value.field == "name"
    assert Upload.objects.filter(state=Upload.State.COMPLETE).count() == 1  # and may be used with another name


def test_an_instruction_with_a_character_that_no_text_has_is_not_called_too_long(bring: Any, chat_file: Any) -> None:
    with pytest.raises(UserFault, match="character with the code 0"):
        bring(chat_file(), system_prompt="a\x00b")
    with pytest.raises(UserFault, match="at most 20,000 characters"):
        bring(chat_file(), system_prompt="x" * 20_001)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"dataset_name": "x" * 81}, "name"),
        ({"validation_share": 0.9}, "validation_share"),
        ({"validation_share": -0.1}, "validation_share"),
        ({"validation_share": float("nan")}, "validation_share"),
        ({"system_prompt": "x" * 20_001}, "system_prompt"),
        ({"mapping": {"prompt": "a"}}, "mapping"),
        ({"mapping": {"prompt": "a", "response": "a"}}, "mapping"),
        ({"mapping": {"messages": "a", "prompt": "b"}}, "mapping"),
        ({"mapping": {"colour": "a"}}, "mapping"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_their_field(
    bring: Any, options: Any, field: str, chat_file: Any
) -> None:
    with pytest.raises(UserFault) as caught:
        bring(chat_file(), **options)
    assert caught.value.field == field
    assert not Dataset.objects.exists()


def test_the_instruction_is_put_before_each_conversation(ready: Any) -> None:
    version = ready(system_prompt="  You mend bicycles. ")
    first = rows.page(queries.files(version.bundle), size=1).rows[0]
    assert first.messages[0] == {"role": "system", "content": "You mend bicycles."}


def test_nothing_is_held_back_where_nobody_wants_it(ready: Any) -> None:
    version = ready(validation_share=0)
    assert (version.validation_rows, version.train_rows) == (0, 60)
    reference, inputs = queries.training_inputs(version)
    assert (reference.validation_path, [item.path for item in inputs]) == ("", ["inputs/train.parquet"])


def test_a_run_gets_the_canonical_files_under_their_hashes(ready: Any) -> None:
    version = ready()
    reference, inputs = queries.training_inputs(version)
    assert (reference.name, reference.revision) == ("rows v1", version.content_sha256)
    files = queries.files(version.bundle)
    assert {(item.path, item.sha256) for item in inputs} == {
        ("inputs/train.parquet", files["train.parquet"].sha256),
        ("inputs/validation.parquet", files["validation.parquet"].sha256),
    }


def test_the_sample_can_be_read(read: Any, trainer: Any, team: Any) -> None:
    version = read(actions.import_sample(by=trainer, team=team))
    assert (version.rows_good, version.rows_bad) == (308, 0)
    assert version.validation_rows >= 10


def test_cancelling_stops_a_reading_that_waits(bring: Any, trainer: Any, chat_file: Any) -> None:
    version = bring(chat_file())
    actions.cancel_reading(by=trainer, version=version)
    assert Job.objects.get().state == State.CANCELLED


def test_who_may_not_upload_cannot_import_or_map(bring: Any, ready: Any, viewer: Any, stranger: Any) -> None:
    version = ready()
    for person, error in ((viewer, PermissionDenied), (stranger, Http404)):
        with pytest.raises(error):
            actions.remap(by=person, version=version, mapping={"messages": "messages"})
        with pytest.raises(error):
            actions.edit(by=person, dataset=version.dataset, name="x")


def test_an_upload_of_another_team_is_never_taken(stranger: Any, other_team: Any, team: Any, trainer: Any) -> None:
    theirs = artifacts.open_upload(by=stranger, team=other_team, file_name="x", size_bytes=1)
    with pytest.raises(ValueError, match="one team"):
        actions.import_upload(by=trainer, team=team, upload=theirs)


@pytest.mark.row("D2")
def test_a_column_with_a_nul_in_its_name_can_be_stored_by_every_database(ready: Any, chat_line: Any) -> None:
    version = ready("\n".join(chat_line(f"Q {n}", "A") for n in range(12)).replace('"messages"', '"a\\u0000"').encode())
    assert version.mapping == {"messages": "a␀"}
    assert "\x00" not in str(version.report)
