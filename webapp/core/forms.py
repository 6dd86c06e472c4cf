"""Forms in the look of the product: each control knows its class, and a screen reader finds its help and its error."""

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString

DJANGO_ROWS = "10"  # what a Textarea has when its form says nothing
ROWS = "4"


class Renderer(TemplatesSetting):
    """`{{ form }}` and `{{ form.name.as_field_group }}` use the same parts as `{% field form.name %}`."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"


def look(field: BoundField) -> str:
    """Which way of drawing suits the field: the names of the branches in components/field.html."""
    widget = field.field.widget
    match widget:
        case forms.CheckboxSelectMultiple() | forms.RadioSelect():
            return "choices"
        case forms.CheckboxInput():
            return "check"
        case forms.FileInput():
            return "file"
        case forms.Select():
            return "select"
        case forms.Textarea():
            return "textarea"
        case _:
            return "input"


def control(field: BoundField, *, extra_class: str = "", **attributes: Any) -> SafeString:
    """The field's control alone, with the class of its kind and its descriptions."""
    css = {"input": "input", "textarea": "textarea"}.get(look(field), "")
    own = field.field.widget.attrs.get("class", "")
    attrs: dict[str, Any] = {"class": " ".join(filter(None, [css, own, extra_class]))} | attributes
    described_by = described(field)
    if described_by:
        attrs["aria-describedby"] = described_by
    if field.errors:
        attrs["aria-invalid"] = "true"
    if field.field.widget.attrs.get("rows") == DJANGO_ROWS:
        attrs.setdefault("rows", ROWS)
    if not attrs["class"]:
        del attrs["class"]
    return field.as_widget(attrs=attrs)


def described(field: BoundField) -> str:
    """The ids of the help and the error that belong to the field."""
    ids = [f"{field.auto_id}_help"] if field.help_text else []
    return " ".join(ids + ([f"{field.auto_id}_error"] if field.errors else []))


def faulty_fields(form: forms.BaseForm) -> list[BoundField]:
    """For the summary above a form, in the order of the form."""
    return [field for field in form.visible_fields() if field.errors]
