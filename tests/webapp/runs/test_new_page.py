import re

import pytest
from django.urls import reverse

from webapp.runs import actions, fields, presets
from webapp.runs.models import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def ready(team, make_base, make_version, device):
    """Something to learn from and something that learns. The starter is there, as the launcher leaves it."""
    base = make_base(public_id="base_starter")
    return make_version(team=team), base


@pytest.fixture
def page(team, trainer, client_as):
    client = client_as(trainer)
    url = reverse("runs:new", args=[team.slug])

    class Page:
        def get(self, **query):
            return client.get(url, query)

        def post(self, data, **headers):
            return client.post(url, data, headers=headers)

    return Page()


def sent(version, base, **changes):
    """What the browser sends for the Balanced recipe."""
    config = fields.stored(next(p.config for p in presets.PRESETS if p.public_id == "rec_balanced"))
    data = {field.name: fields.typed(field, getattr(config, field.name)) for field in fields.TABLE}
    del data["use_rslora"]
    data |= {"dataset": version.public_id, "base_model": base.public_id, "name": ""}
    return data | {"recipe": "rec_balanced", "recipe_before": "rec_balanced"} | changes


def text(response):
    return re.sub(r"[ \n]+", " ", response.content.decode())


def test_the_page_says_whether_it_fits_and_how_long_it_takes(page, ready):
    answer = page.get()
    assert answer.status_code == 200
    assert re.search(r"This fits on forge-01 and takes <em>about \d+ minutes", text(answer))
    assert "4.88\u00a0M" in text(answer) and "Launch run" in text(answer)


def test_without_rows_it_says_what_to_do_first(page, make_base):
    make_base(public_id="base_starter")
    assert "A run needs rows to learn from" in text(page.get())


def test_without_a_base_it_says_that_the_starter_is_on_its_way(page, team, make_version):
    make_version(team=team)
    assert "The base model is not here yet" in text(page.get())


def test_without_a_worker_it_says_so_instead_of_a_number(page, ready, device):
    device.worker.delete()
    answer = text(page.get())
    assert "waits until a worker runs" in answer
    assert "nobody can say how long it takes" in answer


def test_launching_leads_to_the_run(page, ready):
    answer = page.post(sent(*ready))
    run = Run.objects.get()
    assert (answer.status_code, answer.url) == (302, reverse("runs:detail", args=[run.team.slug, run.public_id]))
    assert run.recipe.public_id == "rec_balanced" and run.config == run.recipe.config


def test_a_change_by_hand_is_launched_and_marked(page, ready):
    answer = page.post(sent(*ready, check="1", lora_r="24"))
    assert "1 differs from Balanced" in text(answer) and "Balanced has 16" in text(answer)
    page.post(sent(*ready, lora_r="24"))
    assert Run.objects.get().config["lora_r"] == 24


def test_another_recipe_brings_its_settings_and_leaves_what_was_changed_by_hand(page, ready):
    page.post(sent(*ready, recipe="rec_thorough", lora_r="24"))
    config = Run.objects.get().config
    assert (config["lora_r"], config["num_train_epochs"], config["max_length"]) == (24, 5.0, 2048)


def test_a_request_without_settings_takes_those_of_the_recipe(page, ready):
    version, base = ready
    page.post({"dataset": version.public_id, "base_model": base.public_id, "recipe": "rec_quick_try", "name": "x"})
    assert Run.objects.get().config["lora_r"] == 8


def test_asking_for_the_estimate_launches_nothing(page, ready):
    assert page.post(sent(*ready, check="1")).status_code == 200
    assert not Run.objects.exists()


def test_each_change_brings_only_the_forecast(page, ready):
    answer = page.post(sent(*ready), HX_Request="true")
    body = text(answer)
    assert 'id="run-verdict" hx-swap-oob="true"' in body and "<html" not in body
    assert 'id="advanced"' not in body  # what is being typed stays
    assert 'id="advanced"' in text(page.post(sent(*ready, recipe="rec_thorough"), HX_Request="true"))
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lora_r": "0"}, "Rank is 0; possible is 1 to 512. The nearest that works is 1."),
        ({"lora_alpha": "NaN"}, "Alpha is “NaN”; it must be a finite number."),
        ({"learning_rate": "fast"}, "Learning rate is “fast”, which is not a number."),
        ({"base_model": "base_none"}, "This is not there any more. Choose one of the list."),
        ({"dataset": ""}, "Choose one of the list."),
        ({"max_length": "9000"}, "The nearest that works is 8,192."),
    ],
)
def test_bad_input_comes_back_with_a_sentence_at_its_field(page, ready, change, sentence):
    answer = page.post(sent(*ready, **change))
    assert answer.status_code == 422 and sentence in text(answer)
    assert not Run.objects.exists()


def test_the_forecast_names_what_blocks(page, ready):
    assert "This cannot start yet: <em>Rank is 0" in text(page.post(sent(*ready, lora_r="0"), HX_Request="true"))
    body = text(page.post(sent(*ready, max_length="9000"), HX_Request="true"))
    assert re.search(r'name="launch" value="1" disabled', body)


def test_a_clone_starts_from_the_settings_of_the_run(page, ready, team, trainer):
    version, base = ready
    config = fields.check({"lora_r": 48, "seed": 11})
    run = actions.launch(by=trainer, team=team, dataset_version=version, base_model=base, config=config)
    body = text(page.get(run=run.public_id))
    assert 'name="lora_r" value="48"' in body and 'name="seed" value="11"' in body


def test_the_address_may_name_dataset_base_and_recipe(page, ready, team, make_version, make_base):
    other = make_version(team=team, name="Other rows")
    mine = make_base(team=team, name="acme/tiny")
    body = text(page.get(dataset=other.dataset.public_id, base=mine.public_id, recipe="rec_thorough"))
    assert f'value="{other.public_id}" selected' in body and f'value="{mine.public_id}" selected' in body
    assert re.search(r'value="rec_thorough" id="recipe-rec_thorough" checked', body)


def test_things_of_another_team_cannot_be_chosen(page, ready, other_team, make_version, make_base):
    theirs = make_version(team=other_team)
    base = make_base(team=other_team, name="globex/secret")
    assert f'value="{theirs.public_id}"' not in text(page.get(dataset=theirs.public_id))
    assert "globex/secret" not in text(page.get())
    assert page.post(sent(theirs, ready[1])).status_code == 422
    assert page.post(sent(ready[0], base)).status_code == 422
    assert not Run.objects.exists()


def test_a_viewer_gets_403_and_a_stranger_404(team, ready, viewer, stranger, client_as):
    url = reverse("runs:new", args=[team.slug])
    assert client_as(viewer).get(url).status_code == client_as(viewer).post(url, sent(*ready)).status_code == 403
    assert client_as(stranger).get(url).status_code == client_as(stranger).post(url, sent(*ready)).status_code == 404
    assert not Run.objects.exists()


def test_hostile_names_come_out_as_text(page, ready, team, make_version):
    make_version(team=team, name='<img src=x onerror="alert(1)">')
    body = text(page.get())
    assert "<img src=x" not in body and "&lt;img src=x" in body
