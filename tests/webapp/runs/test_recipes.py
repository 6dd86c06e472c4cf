import datetime as dt
from dataclasses import replace

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from webapp.contract.spec import LoraConfig
from webapp.core.faults import UserFault
from webapp.runs import actions
from webapp.runs.models import Recipe

pytestmark = pytest.mark.django_db

CONFIG = LoraConfig(lora_r=8)


@pytest.fixture
def recipe(team, trainer):
    return actions.save_recipe(
        by=trainer, team=team, name="Short  answers ", config=CONFIG, description=" For the desk "
    )


def test_a_recipe_is_kept_under_its_name_for_the_team(recipe, team, other_team):
    assert (recipe.name, recipe.description, recipe.config["lora_r"]) == ("Short answers", "For the desk", 8)
    assert recipe in Recipe.objects.for_team(team) and recipe not in Recipe.objects.for_team(other_team)


@pytest.mark.parametrize("name", ["short ANSWERS", "Balanced", "balanced"])
def test_a_name_that_is_taken_is_refused(recipe, team, trainer, name):
    with pytest.raises(UserFault) as caught:
        actions.save_recipe(by=trainer, team=team, name=name, config=CONFIG)
    assert (caught.value.code, caught.value.field) == ("name_taken", "name")


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\u202eb"])
def test_a_name_that_cannot_be_shown_is_refused(team, trainer, name):
    with pytest.raises(UserFault) as caught:
        actions.save_recipe(by=trainer, team=team, name=name, config=CONFIG)
    assert caught.value.code == "bad_name"


def test_impossible_settings_are_not_kept(team, trainer):
    with pytest.raises(UserFault, match="Rank is 0"):
        actions.save_recipe(by=trainer, team=team, name="Zero", config=replace(CONFIG, lora_r=0))
    assert not Recipe.objects.filter(team=team).exists()


def test_a_changed_recipe_keeps_its_id(recipe, trainer):
    actions.change_recipe(by=trainer, recipe=recipe, name="Short answers", config=replace(CONFIG, lora_r=32))
    recipe.refresh_from_db()
    assert recipe.config["lora_r"] == 32


def test_a_built_in_recipe_stays_as_it_is(owner):
    preset = Recipe.objects.get(public_id="rec_balanced")
    with pytest.raises(UserFault, match="built in"):
        actions.change_recipe(by=owner, recipe=preset, name="Mine", config=CONFIG)
    with pytest.raises(UserFault, match="built in"):
        actions.delete_recipe(by=owner, recipe=preset)


def test_only_who_trains_keeps_recipes_and_only_who_manages_changes_those_of_others(recipe, team, viewer, maintainer):
    with pytest.raises(PermissionDenied):
        actions.save_recipe(by=viewer, team=team, name="x", config=CONFIG)
    team.memberships.filter(user=viewer).update(role="trainer")
    with pytest.raises(PermissionDenied):
        actions.delete_recipe(by=viewer, recipe=recipe)
    actions.delete_recipe(by=maintainer, recipe=recipe)


def test_a_deleted_recipe_comes_back_under_a_free_name(recipe, team, trainer):
    actions.delete_recipe(by=trainer, recipe=recipe)
    actions.save_recipe(by=trainer, team=team, name="Short answers", config=CONFIG)
    actions.restore_recipe(by=trainer, recipe=recipe)
    assert set(Recipe.objects.filter(team=team, deleted_at=None).values_list("name", flat=True)) == {
        "Short answers",
        "Short answers (2)",
    }


def test_after_its_days_in_the_trash_a_recipe_is_gone(recipe, trainer):
    actions.delete_recipe(by=trainer, recipe=recipe)
    assert actions.purge_recipes() == 0
    Recipe.objects.filter(pk=recipe.pk).update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge_recipes() == 1
    assert Recipe.objects.count() == 3
