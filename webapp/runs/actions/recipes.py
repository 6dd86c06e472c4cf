"""What can be done with recipes. Runs keep a copy of their settings, so a changed recipe changes no run."""

import datetime as dt

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import Team, User
from webapp.audit import actions as audit
from webapp.contract import codec
from webapp.contract.spec import LoraConfig
from webapp.core.faults import UserFault
from webapp.runs import fields
from webapp.runs.models import Recipe

NAME_LIMIT = 80


@transaction.atomic
def save_recipe(*, by: User | None, team: Team, name: str, config: LoraConfig, description: str = "") -> Recipe:
    """Keep settings under a name, for everybody in the team. Raises UserFault."""
    access.require(by=by, team=team, permission=access.Permission.TRAIN)
    recipe = Recipe(team=team, created_by=by)
    _fill(recipe, name=name, config=config, description=description)
    audit.record(by=by, verb="recipe.saved", team=team, obj=recipe)
    return recipe


@transaction.atomic
def change_recipe(*, by: User | None, recipe: Recipe, name: str, config: LoraConfig, description: str = "") -> Recipe:
    """Give a recipe other settings or another name; runs that used it stay as they are. Raises UserFault."""
    _require_change(by=by, recipe=recipe)
    was = recipe.config
    _fill(recipe, name=name, config=config, description=description)
    changed = sorted(key for key, value in recipe.config.items() if was.get(key) != value)
    audit.record(by=by, verb="recipe.changed", team=recipe.team, obj=recipe, data={"changed": changed})
    return recipe


@transaction.atomic
def delete_recipe(*, by: User | None, recipe: Recipe) -> None:
    """Move a recipe to the trash. Runs that used it keep their settings."""
    _require_change(by=by, recipe=recipe)
    if Recipe.objects.filter(pk=recipe.pk, deleted_at=None).update(deleted_at=timezone.now()):
        audit.record(by=by, verb="recipe.deleted", team=recipe.team, obj=recipe)


@transaction.atomic
def restore_recipe(*, by: User | None, recipe: Recipe) -> None:
    """Bring a recipe back; under another name if its own was given away meanwhile."""
    _require_change(by=by, recipe=recipe)
    taken = set(Recipe.objects.for_team(_team(recipe)).exclude(pk=recipe.pk).values_list("name", flat=True))
    if recipe.name in taken:
        numbered = (f"{recipe.name[: NAME_LIMIT - 8]} ({number})" for number in range(2, 10_000))
        recipe.name = next(name for name in numbered if name not in taken)
    recipe.deleted_at = None
    recipe.save(update_fields=["deleted_at", "name"])
    audit.record(by=by, verb="recipe.restored", team=recipe.team, obj=recipe)


def purge_recipes(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS."""
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    return Recipe.objects.filter(deleted_at__lt=before).delete()[1].get(Recipe._meta.label, 0)


def _fill(recipe: Recipe, *, name: str, config: LoraConfig, description: str) -> None:
    team = _team(recipe)
    recipe.name = " ".join(name.split())
    if not recipe.name or len(recipe.name) > NAME_LIMIT or not recipe.name.isprintable():
        raise UserFault("bad_name", _("A name has 1 to 80 characters. Choose another one."), field="name")
    if Recipe.objects.for_team(team).filter(name__iexact=recipe.name).exclude(pk=recipe.pk).exists():
        raise _name_taken(recipe.name)
    recipe.description = description.strip()[:2000]
    recipe.config = codec.to_dict(fields.check(codec.to_dict(config)))
    try:
        with transaction.atomic():
            recipe.save()
    except IntegrityError as error:  # somebody else took the name between the look and the save
        raise _name_taken(recipe.name) from error


def _name_taken(name: str) -> UserFault:
    message = _("There is a recipe “%(name)s” already. Choose another name.") % {"name": name}
    return UserFault("name_taken", message, field="name", status=409)


def _team(recipe: Recipe) -> Team:
    if recipe.team is None:
        message = _("“%(name)s” is built in and stays as it is. Save it under another name to change it.")
        raise UserFault("built_in", message % {"name": recipe.name}, status=409)
    return recipe.team


def _require_change(*, by: User | None, recipe: Recipe) -> None:
    access.require_change(
        by=by, team=_team(recipe), made_by_id=recipe.created_by_id, permission=access.Permission.TRAIN
    )
