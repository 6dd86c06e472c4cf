import re

import pytest
from django.urls import reverse

from webapp.contract.spec import LoraConfig
from webapp.runs import actions, fields
from webapp.runs.models import Recipe

pytestmark = pytest.mark.django_db


@pytest.fixture
def recipe(team, trainer):
    config = LoraConfig(lora_r=8)
    return actions.save_recipe(by=trainer, team=team, name="Ours", config=config, description="For <us>")


def text(response):
    return re.sub(r"[ \n]+", " ", response.content.decode())


def sent(**changes):
    config = LoraConfig()
    data = {field.name: fields.typed(field, getattr(config, field.name)) for field in fields.TABLE}
    del data["use_rslora"]
    return data | {"name": "New one", "description": ""} | changes


def test_the_list_shows_the_built_in_ones_first_and_then_the_teams(recipe, team, viewer, client_as):
    body = text(client_as(viewer).get(reverse("runs:recipes", args=[team.slug])))
    names = re.findall(r'class="title" href="[^"]*/recipes/(\w+)/"', body)
    assert names == ["rec_quick_try", "rec_balanced", "rec_thorough", recipe.public_id]
    assert "For &lt;us&gt;" in body


def test_a_recipe_explains_every_setting(team, viewer, client_as):
    body = text(client_as(viewer).get(reverse("runs:recipe", args=[team.slug, "rec_balanced"])))
    for field in fields.TABLE:
        assert str(field.label) in body and str(field.help) in body
    assert "/edit/" not in body and "/delete/" not in body


def test_a_recipe_names_the_runs_that_used_it(recipe, team, viewer, client_as, make_run, other_team):
    make_run(team=team, name="used it", recipe=recipe)
    assert "used it" in text(client_as(viewer).get(reverse("runs:recipe", args=[team.slug, recipe.public_id])))


def test_a_new_recipe_is_saved_and_shown(team, trainer, client_as):
    answer = client_as(trainer).post(reverse("runs:recipe_new", args=[team.slug]), sent(lora_r="64"))
    saved = Recipe.objects.get(team=team)
    assert answer.url == reverse("runs:recipe", args=[team.slug, saved.public_id])
    assert saved.config["lora_r"] == 64


def test_what_is_wrong_comes_back_at_its_field(team, trainer, client_as):
    answer = client_as(trainer).post(reverse("runs:recipe_new", args=[team.slug]), sent(lora_r="0", name=""))
    assert answer.status_code == 422 and "Rank is 0; possible is 1 to 512" in text(answer)
    assert not Recipe.objects.filter(team=team).exists()


def test_the_settings_of_a_new_run_become_a_draft(team, trainer, client_as):
    answer = client_as(trainer).post(reverse("runs:recipe_new", args=[team.slug]), sent(draft="1", lora_r="48"))
    assert answer.status_code == 200 and 'name="lora_r" value="48"' in text(answer)
    assert not Recipe.objects.filter(team=team).exists()


def test_a_recipe_can_be_made_from_a_run_and_from_another_recipe(recipe, team, trainer, client_as, make_run):
    run = make_run(team=team, config={"lora_r": 96})
    client, url = client_as(trainer), reverse("runs:recipe_new", args=[team.slug])
    assert 'name="lora_r" value="96"' in text(client.get(url, {"run": run.public_id}))
    assert 'name="lora_r" value="8"' in text(client.get(url, {"recipe": recipe.public_id}))


def test_a_recipe_is_changed_deleted_and_brought_back(recipe, team, trainer, client_as):
    client, names = client_as(trainer), [team.slug, recipe.public_id]
    client.post(reverse("runs:recipe_edit", args=names), sent(name="Ours", use_rslora="on"))
    recipe.refresh_from_db()
    assert recipe.config["use_rslora"] is True
    answer = client.post(reverse("runs:recipe_delete", args=names), follow=True)
    assert reverse("runs:recipe_restore", args=names) in text(answer)
    assert client.get(reverse("runs:recipe", args=names)).status_code == 404
    client.post(reverse("runs:recipe_restore", args=names))
    assert client.get(reverse("runs:recipe", args=names)).status_code == 200


def test_a_built_in_recipe_cannot_be_changed(team, owner, client_as):
    client = client_as(owner)
    for name in ("recipe_edit", "recipe_delete"):
        assert client.post(reverse(f"runs:{name}", args=[team.slug, "rec_balanced"])).status_code == 403


def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(recipe, team, viewer, stranger, client_as):
    urls = [reverse("runs:recipe_new", args=[team.slug])]
    urls += [reverse(f"runs:{name}", args=[team.slug, recipe.public_id]) for name in ("recipe_edit", "recipe_delete")]
    assert {client_as(viewer).post(url, sent()).status_code for url in urls} == {403}
    urls += [reverse("runs:recipe", args=[team.slug, recipe.public_id]), reverse("runs:recipes", args=[team.slug])]
    assert {client_as(stranger).get(url).status_code for url in urls} == {404}
