from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from webapp.basemodels.models import PretrainedModel
from webapp.core import units


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; the cleaned value is a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        single = super().clean
        return [single(item, initial) for item in data or []]


class ImportForm(forms.Form):
    """For which base model an adapter from elsewhere is, and what it shall be called."""

    base_model = forms.ChoiceField(
        label=_("Base model"), help_text=_("The one it was trained on. Each layer is compared with it.")
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=80,
        help_text=_("One that the catalog has gets another version. Left empty, it is called like the zip or its id."),
    )

    def __init__(self, *args: Any, bases: Iterable[PretrainedModel], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bases = {base.public_id: base for base in bases}
        self.fields["base_model"].choices = [(id, base.name) for id, base in self.bases.items()]  # type: ignore[attr-defined]

    def clean_base_model(self) -> PretrainedModel:
        return self.bases[self.cleaned_data["base_model"]]


class ImportFilesForm(ImportForm):
    """`upload` holds the ids of files that arrived before, in parts or with an earlier try."""

    file = FilesField(
        label=_("Drop the adapter’s files here, or one zip of them"), required=False, allow_empty_file=True
    )
    upload = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    field_order = ["file", "base_model", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = units.filesize(settings.UPLOAD_LIMIT_BYTES)
        self.fields["file"].help_text = _(
            "adapter_model.safetensors and adapter_config.json, a README.md if there is one; up to %(limit)s."
        ) % {"limit": limit}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("file") and not cleaned.get("upload"):
            self.add_error("file", _("Choose the files of the adapter."))
        return cleaned


class ImportHubForm(ImportForm):
    repository = forms.CharField(
        label=_("Adapter id"),
        max_length=300,
        help_text=_("Organisation and name, as at the head of its page on the hub."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    revision = forms.CharField(
        label=_("Revision"),
        required=False,
        max_length=200,
        help_text=_("A branch, tag or commit. Empty takes the newest and pins it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    field_order = ["repository", "revision", "base_model", "name"]
