from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes import adapters as files_of
from tests.webapp.api.conftest import Program
from webapp.adapters.models import AdapterImport
from webapp.basemodels.models import PretrainedModel
from webapp.jobs.models import Job

Make = Callable[..., Program]


@pytest.fixture
def base(make_base: Callable[..., PretrainedModel]) -> PretrainedModel:
    return make_base(name="acme/tiny", config=files_of.BASE_CONFIG)


def send(asked: Program, content: dict[str, bytes]) -> list[str]:
    ids = []
    for name, data in content.items():
        upload = asked.ask("POST", "/uploads", {"file_name": name, "size_bytes": len(data)})[1]
        asked.ask("PATCH", f"/uploads/{upload['id']}", data, **{"upload-offset": "0"})
        asked.ask("POST", f"/uploads/{upload['id']}/finish")
        ids.append(upload["id"])
    return ids


def test_a_program_imports_files_and_asks_how_far_it_is(program: Make, trainer: Any, base: PretrainedModel) -> None:
    asked = program(trainer)
    body = {"uploads": send(asked, files_of.files()), "base_model": base.public_id, "name": "tone"}
    status, made = asked.ask("POST", "/imports", body, **{"Idempotency-Key": "once"})
    assert (status, made["state"], made["adapter"]) == (201, "queued", None)
    assert asked.headers["Location"] == f"/api/v1/imports/{made['id']}"
    assert asked.ask("POST", "/imports", body, **{"Idempotency-Key": "once"})[1]["id"] == made["id"]
    Job.objects.update(state="failed", fault="does_not_fit", fault_data={"reason": "no_such_layer", "layer": "h.0"})
    read = asked.ask("GET", f"/imports/{made['id']}")[1]
    assert (read["state"], read["job"]["fault"]["code"]) == ("failed", "does_not_fit")
    assert "no layer h.0" in read["job"]["fault"]["meaning"]


@pytest.mark.row("A1")
@pytest.mark.row("S8")
def test_a_pickle_by_its_name_is_answered_with_422(program: Make, trainer: Any, base: PretrainedModel) -> None:
    asked = program(trainer)
    uploads = send(asked, {"adapter_model.bin": b"\x80\x02}q\x00.", "adapter_config.json": b"{}"})
    status, problem = asked.ask("POST", "/imports", {"uploads": uploads, "base_model": base.public_id})
    assert (status, problem["code"]) == (422, "unsafe_file")
    assert not AdapterImport.objects.exists()


@pytest.mark.row("A8")
def test_a_program_names_either_files_or_a_repository(program: Make, trainer: Any, base: PretrainedModel) -> None:
    asked = program(trainer)
    status, problem = asked.ask("POST", "/imports", {"base_model": base.public_id})
    assert (status, problem["code"]) == (422, "uploads_or_repository")
    body = {"base_model": base.public_id, "repository": "http://169.254.169.254/a/b"}
    assert asked.ask("POST", "/imports", body)[1]["code"] == "bad_repository"
    status, made = asked.ask("POST", "/imports", body | {"repository": "acme/tone"})
    assert (status, made["name"], Job.objects.get().kind) == (201, "tone", "fetch_adapter")


def test_a_program_measures_a_version_on_the_rows_it_names(
    program: Make, trainer: Any, version: Any, make_version: Callable[..., Any], team: Any
) -> None:
    rows, asked = make_version(team=team, name="Claims"), program(trainer)
    version.run = None
    version.save(update_fields=["run"])
    path = f"/adapters/{version.adapter.public_id}/versions/1/reports"
    assert asked.ask("POST", path, {})[1]["code"] == "nothing_held_out"
    status, report = asked.ask("POST", path, {"dataset": rows.dataset.public_id})
    assert (status, report["state"]) == (201, "queued")
    assert asked.ask("POST", path, {"dataset": rows.dataset.public_id})[0] == 409
