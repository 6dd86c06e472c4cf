import re

import pytest
from django.urls import reverse

from webapp.basemodels import actions
from webapp.basemodels.models import HubToken, PretrainedModel
from webapp.jobs.models import Job, State

pytestmark = pytest.mark.django_db

NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"


def text(response):
    return re.sub(r"[ \n]+", " ", response.content.decode())


@pytest.fixture
def coming(team, trainer):
    model = actions.add_from_hub(by=trainer, team=team, repository=NAME)
    Job.objects.filter(pk=model.job_id).update(
        state=State.RUNNING, phase="downloading", progress_done=40, progress_total=100, progress_unit="bytes"
    )
    return model


def put(state, **fields):
    Job.objects.filter(title__contains=NAME).update(state=state, **fields)


def test_the_first_look_finds_the_starter_on_its_way(team, viewer, client_as):
    body = text(client_as(viewer).get(reverse("basemodels:list", args=[team.slug])))
    assert "The first base model is <em>on its way.</em>" in body
    assert "tunesmith/smollm2-135m-instruct-q4_1" in body and "hx-get" in body
    assert Job.objects.count() == 1


def test_a_list_on_which_nothing_moves_is_not_asked_again(team, viewer, client_as, make_bundle, facts):
    starter = actions.ensure_starter()
    actions.finish_fetch(job=starter.job, bundle=make_bundle(), facts=facts)
    client, url = client_as(viewer), reverse("basemodels:list", args=[team.slug])
    assert "One base model</em> is ready to learn." in text(client.get(url))
    assert "every 3s" not in text(client.get(url))
    answer = client.get(url, headers={"HX-Request": "true"})
    assert answer.status_code == 286 and "<html" not in text(answer)


def test_a_model_on_its_way_says_how_far_it_is(coming, team, viewer, client_as):
    client, url = client_as(viewer), reverse("basemodels:detail", args=[team.slug, coming.public_id])
    body = text(client.get(url))
    assert "On its way, <em>40\u00a0% are here.</em>" in body and "Downloading" in body
    fragment = client.get(url, headers={"HX-Request": "true"})
    assert fragment.status_code == 200 and "<html" not in text(fragment) and "HX-Refresh" not in fragment.headers
    put(State.FAILED, fault="hub_unreachable")
    assert client.get(url, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("hub_unreachable", "The model hub cannot be reached"),
        ("hub_not_found", "The hub has no such model"),
        ("hub_gated", "The hub asks for consent first"),
        ("hub_token_refused", "The hub refuses the token"),
        ("unsupported_model", "This base model cannot be used"),
        ("internal", "Something went wrong on our side"),
    ],
)
def test_a_hub_that_gives_nothing_is_an_ordinary_state_with_words(coming, team, trainer, client_as, fault, words):
    put(State.FAILED, fault=fault)
    for name, args in (("detail", [team.slug, coming.public_id]), ("list", [team.slug])):
        answer = client_as(trainer).get(reverse(f"basemodels:{name}", args=args))
        assert answer.status_code == 200 and words in text(answer)
    assert "Try again" in text(client_as(trainer).get(reverse("basemodels:detail", args=[team.slug, coming.public_id])))


def test_trying_again_orders_it_once_more(coming, team, trainer, client_as):
    put(State.FAILED, fault="hub_unreachable")
    client_as(trainer).post(reverse("basemodels:retry", args=[team.slug, coming.public_id]))
    assert Job.objects.get(pk=coming.job_id).state == State.QUEUED


def test_a_ready_model_shows_what_it_is_and_its_files(coming, team, viewer, client_as, make_bundle, facts):
    actions.finish_fetch(job=coming.job, bundle=make_bundle(team=team), facts=facts)
    body = text(client_as(viewer).get(reverse("basemodels:detail", args=[team.slug, coming.public_id])))
    assert "Ready to learn. <em>135\u00a0M parameters,</em> reads up to 8,192 tokens at once." in body
    assert "model.safetensors" in body and "LlamaForCausalLM" in body and facts["commit"] in body


def test_a_model_without_a_template_says_that_it_cannot_be_trained(
    coming, team, trainer, client_as, make_bundle, facts
):
    actions.finish_fetch(job=coming.job, bundle=make_bundle(team=team), facts=facts | {"has_chat_template": False})
    body = text(client_as(trainer).get(reverse("basemodels:detail", args=[team.slug, coming.public_id])))
    assert "It cannot be trained on conversations:" in body and "/runs/new/?base" not in body


def test_adding_by_id_leads_to_its_page(team, trainer, client_as):
    answer = client_as(trainer).post(reverse("basemodels:add", args=[team.slug]), {"repository": NAME, "revision": ""})
    model = PretrainedModel.objects.get(team=team)
    assert answer.url == reverse("basemodels:detail", args=[team.slug, model.public_id])


@pytest.mark.row("A8")
@pytest.mark.parametrize("name", ["http://169.254.169.254/x", "../../etc", "gpt2", "a" * 400, "<script>"])
def test_what_is_no_id_comes_back_with_a_sentence(team, trainer, client_as, name):
    answer = client_as(trainer).post(reverse("basemodels:add", args=[team.slug]), {"repository": name})
    assert answer.status_code == 422 and "HX" not in answer.headers
    assert "<script>" not in text(answer).split("</head>")[1].split("<main")[1].split("</main>")[0]
    assert not PretrainedModel.objects.filter(team=team).exists()


def test_a_folder_is_added_by_the_id_that_the_page_offers(team, trainer, client_as, settings, tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    settings.MODEL_ROOTS = [tmp_path]
    client, url = client_as(trainer), reverse("basemodels:add", args=[team.slug])
    body = text(client.get(url))
    assert "tiny.gguf" in body and str(tmp_path) not in body
    folder = re.search(r'name="folder" value="(\w+)"', body)[1]
    client.post(reverse("basemodels:add_folder", args=[team.slug]), {"folder": folder})
    assert PretrainedModel.objects.get(team=team).name == "acme/tiny"
    answer = client.post(reverse("basemodels:add_folder", args=[team.slug]), {"folder": "/etc/passwd"}, follow=True)
    assert "This folder is not there any more" in text(answer)


def test_the_token_is_written_and_never_shown(team, maintainer, trainer, client_as):
    client, url = client_as(maintainer), reverse("basemodels:token", args=[team.slug])
    assert client.post(url, {"token": "no"}).status_code == 422
    answer = client.post(url, {"token": "hf_abcdefgh12345678"}, follow=True)
    assert "hf_abcdefgh" not in text(answer) and "set by Milo Maintainer" in text(answer)
    assert client_as(trainer).post(url, {"token": "hf_abcdefgh12345678"}).status_code == 403
    client.post(reverse("basemodels:forget_token", args=[team.slug]))
    assert not HubToken.objects.exists()


def test_deleting_asks_first_and_can_be_undone(coming, team, trainer, client_as):
    client, names = client_as(trainer), [team.slug, coming.public_id]
    assert "lies in the trash for 7 days" in text(client.get(reverse("basemodels:delete", args=names)))
    answer = client.post(reverse("basemodels:delete", args=names), follow=True)
    assert reverse("basemodels:restore", args=names) in text(answer)
    assert client.get(reverse("basemodels:detail", args=names)).status_code == 404
    client.post(reverse("basemodels:restore", args=names))
    assert client.get(reverse("basemodels:detail", args=names)).status_code == 200


def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(coming, team, viewer, stranger, client_as):
    of_model = [
        reverse(f"basemodels:{name}", args=[team.slug, coming.public_id]) for name in ("retry", "delete", "restore")
    ]
    of_team = [
        reverse(f"basemodels:{name}", args=[team.slug]) for name in ("add", "add_folder", "token", "forget_token")
    ]
    assert {client_as(viewer).post(url).status_code for url in of_model + of_team} == {403}
    seen = [
        reverse("basemodels:detail", args=[team.slug, coming.public_id]),
        reverse("basemodels:list", args=[team.slug]),
    ]
    assert {client_as(stranger).get(url).status_code for url in seen} == {404}


def test_the_model_of_another_team_is_not_listed(coming, other_team, stranger, client_as):
    assert NAME not in re.sub(
        "derived from " + NAME, "", text(client_as(stranger).get(reverse("basemodels:list", args=[other_team.slug])))
    )
