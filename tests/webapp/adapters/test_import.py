"""An adapter from elsewhere: ordered, checked by the reader as a program of its own, registered once or not at all."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from tests.fakes import adapters as files_of
from tests.fakes.orders import must_claim, worker
from webapp.accounts.models import Team
from webapp.adapters import actions, imported, queries
from webapp.adapters.models import Adapter, AdapterImport, AdapterVersion, ImportFile
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Blob, Bundle, Upload
from webapp.audit.models import Event
from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import JobKind
from webapp.core.faults import UserFault
from webapp.jobs import words
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job
from webapp.lineage import queries as lineage
from webapp.lineage import things
from webapp.lineage.models import Edge
from webapp.notices.models import Notice
from workers import machine
from workers.supervisor import Supervisor

pytestmark = pytest.mark.django_db(transaction=True)
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@pytest.fixture
def base(make_base: Callable[..., PretrainedModel]) -> PretrainedModel:
    return make_base(name="acme/tiny", config=files_of.BASE_CONFIG)


@pytest.fixture
def arrive(team: Team, trainer: Any, tmp_path: Path) -> Callable[..., list[Upload]]:
    """Finished uploads of these contents."""

    def call(content: dict[str, bytes]) -> list[Upload]:
        uploads = []
        for name, data in content.items():
            path = tmp_path / "incoming"
            path.write_bytes(data)
            uploads.append(artifacts.receive_path(by=trainer, team=team, path=path, file_name=name))
        return uploads

    return call


@pytest.fixture
def bring(team: Team, trainer: Any, base: PretrainedModel, arrive: Any) -> Callable[..., AdapterImport]:
    """Order an import; nobody has checked it yet."""

    def call(content: dict[str, bytes], **options: Any) -> AdapterImport:
        known = {"by": trainer, "team": team, "base_model": base, "name": "tone"}
        return actions.import_uploads(uploads=arrive(content), **(known | options))

    return call


@pytest.fixture
def supervise(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AdapterImport]:
    """A worker takes the next job."""
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(machine, "_probe", lambda device: {"flops_float32": 1e9})

    def call(found: AdapterImport) -> AdapterImport:
        Supervisor(must_claim(worker()), threads=1, stopping=threading.Event()).run()
        return imported.of_team(found.team).get(pk=found.pk)

    return call


def test_files_become_a_version_with_the_same_weights_and_a_place_in_the_lineage(
    bring: Any, supervise: Any, team: Team, trainer: Any, base: PretrainedModel
) -> None:
    content = files_of.files(base_model_name_or_path="elsewhere/x") | {"README.md": b"# Tone\n\nKind."}
    found = supervise(bring(content))
    version = AdapterVersion.objects.get()
    assert (found.version, found.was_known, found.job.state) == (version, False, State.SUCCEEDED)
    assert (str(version), version.base_model, version.run, version.created_by) == ("tone v1", base, None, trainer)
    assert version.sha256 == hashlib.sha256(content[WEIGHTS]).hexdigest()
    assert (version.card, version.is_card_edited) == ("# Tone\n\nKind.", True)
    assert {file.path for file in queries.files(version)} == {WEIGHTS, CONFIG, "import.json"}
    assert Edge.objects.filter(source=found.public_id, target=version.public_id, relation="imported").exists()
    assert not ImportFile.objects.exists(), "what came is kept only until it was taken"
    assert Notice.objects.get(user=trainer).code == "adapter_imported"
    assert Event.objects.filter(verb="adapter.imported", object_id=version.public_id).exists()
    assert ["elsewhere/x" in item.text for item in imported.warnings(version)] == [True]
    made_from = lineage.ancestors(version.adapter.team, version.public_id)
    kinds = {thing.kind for thing in things.find(version.adapter.team, [edge.source for edge in made_from]).values()}
    assert kinds == {"base_model", "import"}


def test_the_same_adapter_twice_is_one_version(bring: Any, supervise: Any, trainer: Any) -> None:
    first = supervise(bring(files_of.files()))
    zipped = {"again.zip": files_of.zipped(files_of.files(peft_version="0.18.1"), folder="x/")}
    again = supervise(bring(zipped))
    assert (again.version, again.was_known) == (first.version, True)
    assert AdapterVersion.objects.count() == 1
    assert Bundle.objects.filter(kind="adapter").count() == 1
    assert Notice.objects.filter(user=trainer, code="adapter_known").exists()


def test_two_imports_of_the_same_adapter_that_wait_together_make_one_version(bring: Any, supervise: Any) -> None:
    orders = [bring(files_of.files()) for _ in range(2)]
    done = [supervise(found) for found in orders]
    done = [imported.of_team(found.team).get(pk=found.pk) for found in done]
    assert {found.version_id for found in done} == {AdapterVersion.objects.get().pk}
    assert sorted(found.was_known for found in done) == [False, True]
    assert Adapter.objects.count() == 1


def test_the_same_weights_with_another_alpha_are_another_version(bring: Any, supervise: Any) -> None:
    supervise(bring(files_of.files()))
    other = supervise(bring(files_of.files(lora_alpha=16)))
    assert (other.was_known, other.version.number) == (False, 2)


@pytest.mark.row("A3")
def test_an_adapter_of_another_base_leaves_words_and_nothing_else(
    bring: Any, supervise: Any, client_as: Any, viewer: Any, trainer: Any, make_base: Any
) -> None:
    large = make_base(name="acme/large", config=files_of.BASE_CONFIG | {"hidden_size": 16})
    found = supervise(bring(files_of.files(), base_model=large))
    assert (found.job.fault, found.job.needs_devices) == ("does_not_fit", 0)
    said = words.fault(found.job)
    assert "model.layers.0.mlp.down_proj is 8 × 16 in the adapter and 16 × 16 in this base model" in said.meaning
    assert not Adapter.objects.exists() and not Bundle.objects.filter(kind="adapter").exists()
    page = client_as(viewer).get(reverse("adapters:import", args=["acme", found.public_id])).content.decode()
    assert "8 × 16 in the adapter" in page and "Try again" not in page
    assert Notice.objects.get(user=trainer).code == "adapter_import_failed"


@pytest.mark.row("S8")
def test_a_pickle_under_the_name_of_weights_is_refused_by_the_program_itself(
    bring: Any, supervise: Any, tmp_path: Path
) -> None:
    import pickle

    marker = tmp_path / "marker"
    found = supervise(bring(files_of.files(weights=pickle.dumps(files_of.Bomb(str(marker))))))
    assert (found.job.fault, marker.exists()) == ("unsafe_file", False)
    assert "Python pickle" in words.fault(found.job).title


def test_what_failed_can_be_checked_again_and_is_forgotten_after_a_week(
    bring: Any, supervise: Any, trainer: Any
) -> None:
    found = supervise(bring(files_of.files(r=99)))
    first_job = found.job
    assert found.files.count() == 2
    actions.retry_import(by=trainer, found=found)
    assert (found.job.state, found.job.kind) == (State.QUEUED, JobKind.IMPORT) and found.job != first_job
    with pytest.raises(UserFault, match="nothing to try again"):
        actions.retry_import(by=trainer, found=found)
    found = supervise(found)
    assert actions.purge_imports() == 0
    assert actions.purge_imports(before=timezone.now()) == 1
    assert not AdapterImport.objects.exists() and not ImportFile.objects.exists()
    assert not Job.objects.filter(pk=found.job_id).exists()


def test_what_lies_in_the_trash_is_no_version_that_is_there(
    bring: Any, supervise: Any, client_as: Any, trainer: Any
) -> None:
    """Nor does the next one take its number."""
    first = supervise(bring(files_of.files()))
    AdapterVersion.everything.update(deleted_at=timezone.now())
    page = client_as(trainer).get(reverse("adapters:import", args=["acme", first.public_id])).content.decode()
    assert "was deleted since" in page and "Open tone" not in page
    again = supervise(bring(files_of.files()))
    assert (again.was_known, again.version.number) == (False, 2)


def test_a_cancelled_import_leaves_nothing(bring: Any, trainer: Any) -> None:
    found = bring(files_of.files())
    actions.cancel_import(by=trainer, found=found)
    found.job.refresh_from_db()
    assert found.job.state == State.CANCELLED and imported.progress(found) == {}


def test_what_an_import_needs_is_kept_from_the_collector(bring: Any) -> None:
    bring(files_of.files())
    Upload.objects.all().delete()
    Blob.objects.update(verified_at="2020-01-01T00:00:00Z")
    artifacts.collect_unused()
    assert Blob.objects.count() >= 2


# What is refused at once.


def test_an_upload_is_used_once(bring: Any, arrive: Any, team: Team, trainer: Any, base: PretrainedModel) -> None:
    uploads = arrive(files_of.files())
    wanted = {"by": trainer, "team": team, "base_model": base, "uploads": uploads, "name": "tone"}
    actions.import_uploads(**wanted)
    with pytest.raises(UserFault, match="used already"):
        actions.import_uploads(**wanted)
    assert AdapterImport.objects.count() == 1


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["adapter_model.bin", CONFIG], "unsafe_file"),
        ([WEIGHTS, CONFIG, "optimizer.PT"], "unsafe_file"),
        ([CONFIG, "README.md"], "not_whole"),
        ([], "bad_files"),
        ([f"{n}.json" for n in range(31)], "bad_files"),
    ],
)
@pytest.mark.row("A1")
def test_what_names_alone_give_away_is_refused_before_a_worker_is_asked(
    bring: Any, names: list[str], code: str
) -> None:
    with pytest.raises(UserFault) as refused:
        bring(dict.fromkeys(names, b"x"))
    assert (refused.value.code, refused.value.status) == (code, 422)
    assert not Job.objects.exists()


def test_all_files_together_may_be_as_large_as_one_upload(bring: Any, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1500
    with pytest.raises(UserFault) as refused:
        bring(files_of.files())
    assert (refused.value.code, refused.value.status) == ("too_large", 413)


@pytest.mark.parametrize("name", ["", "x" * 81, "a\x07b"])
def test_a_name_that_cannot_be_is_refused(bring: Any, name: str) -> None:
    with pytest.raises(UserFault, match="A name has 1 to 80"):
        bring(files_of.files(), name=name)


def test_a_base_that_is_not_ready_or_of_another_team_is_refused(bring: Any, make_base: Any, other_team: Team) -> None:
    for base in (
        make_base(name="a/later", config=files_of.BASE_CONFIG, is_ready=False),
        make_base(name="b/theirs", config=files_of.BASE_CONFIG, team=other_team),
        make_base(name="c/odd", config={"architectures": ["NewForCausalLM"]}),
    ):
        with pytest.raises(UserFault) as refused:
            bring(files_of.files(), base_model=base)
        assert refused.value.field == "base_model"


def test_who_may_not_add_things_may_not_import(bring: Any, reviewer: Any, stranger: Any) -> None:
    with pytest.raises(PermissionDenied):
        bring(files_of.files(), by=reviewer)
    with pytest.raises(Http404):
        bring(files_of.files(), by=stranger)


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    "repository", ["http://169.254.169.254/x", "file:///etc/passwd", "a/../../b", "а/b", "a/b" * 999]
)
def test_a_hub_id_that_is_no_id_is_refused_and_no_job_is_made(
    team: Team, trainer: Any, base: PretrainedModel, repository: str
) -> None:
    with pytest.raises(UserFault) as refused:
        actions.import_from_hub(by=trainer, team=team, repository=repository, base_model=base)
    assert refused.value.field == "repository"
    assert not Job.objects.exists() and not AdapterImport.objects.exists()


# The pages and the program.


def uploaded(content: dict[str, bytes]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, data) for name, data in content.items()]


def test_the_form_takes_several_files_without_any_script(
    client_as: Any, trainer: Any, base: PretrainedModel, supervise: Any
) -> None:
    client = client_as(trainer)
    form = {"file": uploaded(files_of.files()), "base_model": base.public_id, "name": "tone"}
    answer = client.post(reverse("adapters:new_import", args=["acme"]), form)
    found = supervise(AdapterImport.objects.select_related("team").get())
    assert answer.headers["Location"] == reverse("adapters:import", args=["acme", found.public_id])
    page = client.get(answer.headers["Location"]).content.decode()
    assert "is in the catalog" in page and "Open tone v1" in page
    version = client.get(reverse("adapters:version", args=["acme", found.version.adapter.public_id, 1]))
    assert "down_proj and q_proj in 2 blocks" in version.content.decode()
    for name in ("list", "new_import"):
        assert "tone" in client.get(reverse(f"adapters:{name}", args=["acme"])).content.decode()


def test_a_form_that_comes_back_keeps_what_arrived(client_as: Any, trainer: Any, base: PretrainedModel) -> None:
    client, address = client_as(trainer), reverse("adapters:new_import", args=["acme"])
    form = {"file": uploaded(files_of.files()), "base_model": base.public_id, "name": "a\x07b"}
    answer = client.post(address, form)
    page = answer.content.decode()
    assert answer.status_code == 422 and "2 files have arrived" in page
    ids = ",".join(Upload.objects.order_by("pk").values_list("public_id", flat=True))
    assert f'value="{ids}"' in page
    again = client.post(address, {"upload": ids, "base_model": base.public_id, "name": "tone"})
    assert again.status_code == 302 and AdapterImport.objects.get().files.count() == 2


def test_the_page_of_an_import_says_how_far_it_is_and_stops_asking(
    client_as: Any, trainer: Any, bring: Any, supervise: Any
) -> None:
    found = bring(files_of.files())
    client, address = client_as(trainer), reverse("adapters:import", args=["acme", found.public_id])
    assert 'id="progress"' in client.get(address).content.decode()
    supervise(found)
    assert client.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert 'id="progress"' not in client.get(address).content.decode()
