import json

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp.audit.models import Event
from webapp.basemodels import actions, folders
from webapp.basemodels.models import HubToken, PretrainedModel
from webapp.contract.queue import LABEL_HUB
from webapp.core.faults import UserFault
from webapp.jobs import seal
from webapp.jobs.models import Job, State
from webapp.notices.models import Notice

pytestmark = pytest.mark.django_db

NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.fixture
def root(settings, tmp_path):
    """A folder of the administrator with a model, a GGUF file, and things that are none."""
    home = tmp_path / "models"
    good = home / "tiny-llama"
    good.mkdir(parents=True)
    (good / "config.json").write_text("{}")
    (good / "model.safetensors").write_bytes(b"1234")
    (home / "other.gguf").write_bytes(b"GGUF")
    (home / "boxed").mkdir()
    (home / "boxed" / "weights.gguf").write_bytes(b"GGUF")
    (home / "empty").mkdir()
    (home / "pickled").mkdir()
    (home / "pickled" / "pytorch_model.bin").write_bytes(b"x")
    (home / ".hidden.gguf").write_bytes(b"GGUF")
    outside = tmp_path / "secret.gguf"
    outside.write_bytes(b"GGUF")
    (home / "link.gguf").symlink_to(outside)
    settings.MODEL_ROOTS = [home, tmp_path / "missing"]
    return home


def test_the_starter_is_ordered_once_for_all_teams():
    first = actions.ensure_starter()
    assert actions.ensure_starter() == first
    assert (first.team, first.is_ready) == (None, False)
    job = Job.objects.get()
    assert job.spec["source"] == "starter" and job.spec["name"] == "tunesmith/smollm2-135m-instruct-q4_1"
    assert first.derived_from == NAME


def test_a_model_of_the_hub_is_ordered_from_a_worker_that_may_speak_to_it(team, trainer):
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    job = model.job
    assert (job.kind, job.spec["repository"], job.needs_labels) == ("fetch", NAME, [LABEL_HUB])
    assert (job.sealed_secret, model.is_ready, model.team) == ("", False, team)
    assert Event.objects.get(verb="base_model.added").object_name == NAME


def test_the_token_of_the_team_goes_with_the_order_and_into_no_row_in_the_clear(team, maintainer, trainer):
    actions.set_hub_token(by=maintainer, team=team, token=" hf_abcdefgh12345678 ")
    job = actions.add_from_hub(by=trainer, team=team, repository=NAME).job
    assert seal.unseal(job.sealed_secret) == "hf_abcdefgh12345678"
    everything = json.dumps([*Job.objects.values(), *HubToken.objects.values(), *Event.objects.values()], default=str)
    assert "hf_abcdefgh" not in everything


@pytest.mark.parametrize("token", ["", "short", "two words here", "x" * 300, "hf_Ü2345678"])
def test_what_is_no_token_is_refused(team, maintainer, token):
    with pytest.raises(UserFault) as caught:
        actions.set_hub_token(by=maintainer, team=team, token=token)
    assert caught.value.field == "token" and not HubToken.objects.exists()


def test_a_forgotten_token_is_gone(team, maintainer):
    actions.set_hub_token(by=maintainer, team=team, token="hf_abcdefgh12345678")
    actions.forget_hub_token(by=maintainer, team=team)
    assert not HubToken.objects.exists()


def test_only_who_manages_the_team_sets_its_token(team, trainer):
    with pytest.raises(PermissionDenied):
        actions.set_hub_token(by=trainer, team=team, token="hf_abcdefgh12345678")


def test_the_same_model_twice_is_answered_with_the_one_that_is_there(team, trainer):
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    with pytest.raises(UserFault) as caught:
        actions.add_from_hub(by=trainer, team=team, repository=NAME)
    assert (caught.value.code, caught.value.data["id"]) == ("have_it", model.public_id)
    assert Job.objects.count() == 1


def test_two_teams_may_have_the_same_model(team, trainer, other_team, stranger):
    actions.add_from_hub(by=trainer, team=team, repository=NAME)
    actions.add_from_hub(by=stranger, team=other_team, repository=NAME)
    assert PretrainedModel.objects.for_team(team).count() == 1


def test_a_pinned_commit_is_kept_from_the_start(team, trainer):
    commit = "12fd25f77366fa6b3b4b768ec3050bf629380bac"
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME, revision=commit)
    assert model.commit == model.job.spec["revision"] == commit


@pytest.mark.row("A8")
@pytest.mark.parametrize("name", ["http://169.254.169.254/x", "file:///etc/passwd", "a/../../b"])
def test_an_address_or_path_orders_nothing(team, trainer, name):
    with pytest.raises(UserFault):
        actions.add_from_hub(by=trainer, team=team, repository=name)
    assert not Job.objects.exists() and not PretrainedModel.objects.exists()


def test_a_viewer_may_not_add_and_a_stranger_finds_no_team(team, viewer, stranger):
    with pytest.raises(PermissionDenied):
        actions.add_from_hub(by=viewer, team=team, repository=NAME)
    with pytest.raises(Http404):
        actions.add_from_hub(by=stranger, team=team, repository=NAME)


def test_only_models_that_lie_under_a_listed_folder_are_offered(root):
    assert [(folder.name, folder.is_gguf) for folder in folders.offered()] == [
        ("boxed", True),
        ("other.gguf", True),
        ("tiny-llama", False),
    ]


def test_a_folder_is_added_under_the_name_of_the_team(root, team, trainer):
    model = actions.add_from_folder(by=trainer, team=team, root_index=0, folder_name="tiny-llama")
    assert model.name == f"{team.slug}/tiny-llama"
    assert model.job.spec["folder"] == str(root / "tiny-llama")
    gguf = actions.add_from_folder(by=trainer, team=team, root_index=0, folder_name="other.gguf")
    assert gguf.name == f"{team.slug}/other"


@pytest.mark.row("S6")
@pytest.mark.parametrize("name", ["../secret.gguf", "link.gguf", "empty", "pickled", ".hidden.gguf", "/etc/passwd", ""])
def test_a_folder_that_is_not_offered_cannot_be_named(root, team, trainer, name):
    with pytest.raises(UserFault, match="Choose one of those"):
        actions.add_from_folder(by=trainer, team=team, root_index=0, folder_name=name)


def test_a_fetched_model_is_ready_with_what_the_engine_found(team, trainer, make_bundle, facts):
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    bundle = make_bundle(team=team)
    for _time in range(2):
        actions.finish_fetch(job=model.job, bundle=bundle, facts=facts)
    model.refresh_from_db()
    assert model.is_ready and model.has_chat_template and model.context_length == 8192
    assert (model.revision, model.commit) == (bundle.manifest_sha256, facts["commit"])
    assert model.config == {"hidden_size": 576}
    assert Notice.objects.get().user == trainer


def test_the_newest_revision_that_is_here_already_is_not_listed_twice(team, trainer, make_bundle, facts):
    pinned = actions.add_from_hub(by=trainer, team=team, repository=NAME, revision=facts["commit"])
    newest = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    actions.finish_fetch(job=pinned.job, bundle=make_bundle(team=team), facts=facts)
    actions.finish_fetch(job=newest.job, bundle=make_bundle(team=team), facts=facts)
    assert list(PretrainedModel.objects.for_team(team)) == [pinned]


def test_a_failed_fetch_is_told_and_can_be_tried_again(team, maintainer, trainer):
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    Job.objects.update(state=State.FAILED, fault="hub_unreachable")
    actions.fail(job=model.job)
    assert Notice.objects.get().code == "base_model_failed"
    actions.set_hub_token(by=maintainer, team=team, token="hf_abcdefgh12345678")
    actions.retry(by=trainer, team=team, model=model)
    job = Job.objects.get()
    assert (job.state, seal.unseal(job.sealed_secret)) == (State.QUEUED, "hf_abcdefgh12345678")


def test_what_is_here_is_not_fetched_again(team, trainer, make_bundle, facts):
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    model = actions.finish_fetch(job=model.job, bundle=make_bundle(team=team), facts=facts)
    with pytest.raises(UserFault, match="nothing to fetch"):
        actions.retry(by=trainer, team=team, model=model)
