from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from webapp.core import licences, units
from webapp.datasets import naming, words
from webapp.datasets.formats import Part
from webapp.datasets.models import Dataset

ENDINGS = ".jsonl,.ndjson,.json,.csv,.tsv,.tab,.txt,.gz"
LICENCE_HELP = _("Under which terms the rows may be used. It travels along with every adapter that learns from them.")
SHARES = [("0", _("None")), ("0.05", _("5 %")), ("0.1", _("10 %")), ("0.2", _("20 %"))]


class FileForm(forms.Form):
    """A file and how to read it. `upload` is the id of one that arrived before, in parts or with an earlier try."""

    file = forms.FileField(
        label=_("Drop a file here or choose one"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ENDINGS}),
    )
    upload = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    system_prompt = forms.CharField(
        label=_("Instruction to the assistant"),
        required=False,
        max_length=naming.SYSTEM_PROMPT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Put before each conversation that brings none of its own. Give the same one to the model later."),
    )
    validation_share = forms.TypedChoiceField(
        label=_("Held back for checking"),
        choices=SHARES,
        coerce=float,
        initial="0.1",
        widget=forms.RadioSelect,
        help_text=_("Rows that the model never sees. They tell whether it learned the manner or only the words."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = units.filesize(settings.UPLOAD_LIMIT_BYTES)
        self.fields["file"].help_text = _("CSV, TSV, JSON lines or JSON, also packed with gzip; up to %(limit)s.") % {
            "limit": limit
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("file") and not cleaned.get("upload"):
            self.add_error("file", _("Choose the file that holds your examples."))
        return cleaned


class NewDatasetForm(FileForm):
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=naming.NAME_CHARACTERS,
        help_text=_("Left empty, the dataset is called like the file."),
    )
    licence = forms.ChoiceField(label=_("Licence"), required=False, choices=licences.choices, help_text=LICENCE_HELP)


class EditForm(forms.ModelForm):
    class Meta:
        model = Dataset
        fields = ["name", "description", "licence"]
        widgets = {"description": forms.Textarea(attrs={"rows": 4})}
        help_texts = {
            "description": _("What the rows are, where they come from, what they are good for."),
        }

    licence = forms.ChoiceField(label=_("Licence"), required=False, help_text=LICENCE_HELP)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.ChoiceField, self.fields["licence"])
        field.choices = licences.choices(self.instance.licence)


class ColumnsForm(forms.Form):
    """One choice for each column of a file: which part of a conversation it holds."""

    def __init__(self, *args: Any, columns: Sequence[str], mapping: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.columns = list(columns)
        part_of = {column: part for part, column in mapping.items()}
        choices = [("", _("Not used"))] + [(part.value, words.PARTS[part]) for part in Part]
        for index, column in enumerate(self.columns):
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=column, choices=choices, required=False, initial=part_of.get(column, "")
            )

    def mapping(self) -> dict[str, str]:
        """Part → column. Only for a form that is valid, in which no part is claimed twice."""
        chosen = [(self.cleaned_data[f"column_{index}"], column) for index, column in enumerate(self.columns)]
        return {part: column for part, column in chosen if part}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        parts = [part for part in cleaned.values() if part]
        if len(set(parts)) < len(parts):
            self.add_error(None, _("Two columns were given the same part. Choose one column for each part."))
        return cleaned
