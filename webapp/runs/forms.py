"""Forms for settings, recipes and new runs. What is possible is decided by fields.py, for every door alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.contract.spec import LoraConfig
from webapp.core.faults import UserFault
from webapp.runs import fields
from webapp.runs.actions.recipes import NAME_LIMIT
from webapp.runs.fields import GROUP_LABELS, TABLE, Field, Group


class ConfigForm(forms.Form):
    """Every setting of the table. `config` holds what was read once the form is valid."""

    config: LoraConfig | None = None

    def __init__(self, data: Mapping[str, Any] | None = None, *, start: LoraConfig, **options: Any) -> None:
        super().__init__(data, **options)
        self.start = start
        for field in TABLE:
            self.fields[field.name] = _control(field, getattr(start, field.name))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        asked = {name: self.data[name] for name in fields.BY_NAME if name in self.data}
        unticked = {name: False for name, field in fields.BY_NAME.items() if field.kind is bool}
        try:
            self.config = fields.check(unticked | asked, start=self.start)
        except UserFault as fault:
            for name, sentence in fault.data["errors"].items():
                self.add_error(name, sentence)
        return cleaned


def _control(field: Field, value: Any) -> forms.Field:
    """Everything is read by fields.value_of, so that one rule and one sentence serve all doors."""
    made: forms.Field
    if field.choices:
        choices = [(str(key), str(label)) for key, label in field.choices]
        made = forms.CharField(widget=forms.RadioSelect(choices=choices), initial=fields.typed(field, value))
    elif field.kind is bool:
        made = forms.BooleanField(initial=value)
    else:
        attrs = {"inputmode": "decimal", "autocomplete": "off", "maxlength": "40"}
        made = forms.CharField(widget=forms.TextInput(attrs=attrs), initial=fields.typed(field, value))
    made.label, made.help_text, made.required = str(field.label), str(field.help), False
    return made


Row = tuple[BoundField, str]


def groups(form: ConfigForm, *, recipe_name: str, recipe_config: LoraConfig) -> list[tuple[str, list[Row]]]:
    """The fields in their groups, each with what the recipe has where that is something else."""
    return [
        (
            str(GROUP_LABELS[group]),
            [
                (form[field.name], _difference(form, field, recipe_name, recipe_config))
                for field in TABLE
                if field.group is group
            ],
        )
        for group in Group
    ]


def _difference(form: ConfigForm, field: Field, recipe_name: str, recipe_config: LoraConfig) -> str:
    here, there = form[field.name].value(), getattr(recipe_config, field.name)
    try:
        is_same = fields.value_of(field, here if here is not None else "") == there
    except ValueError:
        is_same = False
    if is_same:
        return ""
    return _("%(recipe)s has %(value)s") % {"recipe": recipe_name, "value": fields.shown(field, there)}


class RecipeForm(ConfigForm):
    """A recipe's name, its description and its settings."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LIMIT)
    description = forms.CharField(
        label=gettext_lazy("What it is for"),
        help_text=gettext_lazy("A sentence for the others in the team."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RunForm(ConfigForm):
    """What is trained on what, how, and every setting. Choices are public ids, scoped by whoever makes the form."""

    dataset = forms.ChoiceField(label=gettext_lazy("Dataset"))
    base_model = forms.ChoiceField(label=gettext_lazy("Base model"))
    recipe = forms.ChoiceField(label=gettext_lazy("Recipe"), widget=forms.RadioSelect, required=False)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        help_text=gettext_lazy("Left empty, the run is called like its dataset and rank."),
        required=False,
        max_length=NAME_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        datasets: Sequence[tuple[str, str]],
        bases: Sequence[tuple[str, str]],
        recipes: Sequence[tuple[str, str]],
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        for name, choices in (("dataset", datasets), ("base_model", bases), ("recipe", recipes)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
            field.error_messages["invalid_choice"] = _("This is not there any more. Choose one of the list.")
            field.error_messages["required"] = _("Choose one of the list.")


class NameForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=NAME_LIMIT)
