from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from webapp.adapters.actions.editing import CARD_LIMIT


class CardForm(forms.Form):
    """The card's Markdown."""

    card = forms.CharField(
        label=_("Card"),
        required=False,
        max_length=CARD_LIMIT,
        widget=forms.Textarea(attrs={"rows": 24}),
        help_text=_("Markdown: headings, lists, tables, links. What is written here travels with the adapter’s page."),
    )


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=200,
        help_text=_("What it is for, in a few words: “Answers claims in the desk’s manner”."),
    )


class LinkForm(forms.Form):
    """One of a version's files, or all of them."""

    def __init__(self, *args: Any, paths: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Everything, as a zip")), *((path, path) for path in paths)]
        self.fields["path"] = forms.ChoiceField(label=_("What the link gives"), required=False, choices=choices)
