import math
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from webapp.adapters import names
from webapp.adapters.actions.editing import CARD_LIMIT
from webapp.adapters.actions.reviews import WORD_LIMIT
from webapp.adapters.actions.stages import REASON_LIMIT
from webapp.adapters.models import Gate, Rule, Task
from webapp.adapters.models.stages import GATED
from webapp.core.faults import UserFault


class CardForm(forms.Form):
    """The card's Markdown."""

    card = forms.CharField(
        label=_("Card"),
        required=False,
        max_length=CARD_LIMIT,
        widget=forms.Textarea(attrs={"rows": 24}),
        help_text=_("Markdown: headings, lists, tables, links. It travels along as README.md with each download."),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class WordsForm(forms.Form):
    """What people say about an adapter, and find it by."""

    name = forms.CharField(label=_("Name"), max_length=80)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=200,
        help_text=_("What it does, in a few words: “Answers claims in the desk’s manner”."),
    )
    task = forms.ChoiceField(
        label=_("What it is for"), required=False, choices=[("", _("Not said")), *Task.choices], initial=""
    )
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        max_length=1000,
        help_text=_("Words to find it by, with commas between them: “claims, german, pilot”."),
    )

    def clean_tags(self) -> list[str]:
        return self.cleaned_data["tags"].split(",")


class LinkForm(forms.Form):
    """One of a version's files, or all of them."""

    def __init__(self, *args: Any, paths: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Everything, as a zip")), *((path, path) for path in paths)]
        self.fields["path"] = forms.ChoiceField(label=_("What the link gives"), required=False, choices=choices)


class MoveForm(forms.Form):
    reason = forms.CharField(required=False, max_length=REASON_LIMIT)


class AskForm(forms.Form):
    """`stage` is what was asked when the page was made; the version may have moved since."""

    stage = forms.CharField(required=False, max_length=20)
    word = forms.CharField(required=False, max_length=WORD_LIMIT)


class AnswerForm(forms.Form):
    word = forms.CharField(required=False, max_length=WORD_LIMIT)


class LimitField(forms.CharField):
    """0.9, 0,9 or 90 %: people write shares as they speak of them."""

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").replace(",", ".").replace("\u2212", "-").strip()
        try:
            number = float(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise forms.ValidationError(_("Write a number: 0.9, or 90 % for a share, or 2 for two approvals."))
        return number


class GateForm(forms.Form):
    stage = forms.ChoiceField(label=_("Before a version becomes"), choices=GATED, initial="production")
    score = forms.CharField(
        label=_("Score"),
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"list": "known-scores", "autocapitalize": "off", "spellcheck": "false"}),
        help_text=_("Its name as the score bears it. Those that versions of the team have are offered."),
    )
    rule = forms.ChoiceField(label=_("Rule"), choices=Rule.choices)
    limit = LimitField(
        label=_("Limit"),
        help_text=_(
            "A share as 0.9 or 90 %. How much worse it may be, as 0 or 2 % for two points. A count of approvals."
        ),
    )

    @staticmethod
    def initial_of(gate: Gate) -> dict[str, str]:
        is_share = gate.rule != Rule.APPROVALS and names.describe(gate.score).kind == "share"
        limit = f"{100 * gate.limit:.10g} %" if is_share else f"{gate.limit:.10g}"
        return {"stage": gate.stage, "rule": gate.rule, "score": gate.score, "limit": limit}

    def blame(self, fault: UserFault) -> None:
        self.add_error(fault.field if fault.field in self.fields else None, fault.message)


class CompressForm(forms.Form):
    """Either a rank, or the share of the change to keep."""

    rank = forms.IntegerField(label=_("Rank"), required=False, widget=forms.NumberInput(attrs={"min": 1}))
    share = forms.FloatField(
        label=_("Or keep at least"),
        required=False,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
        help_text=_("of the change, in percent; 99 is usual. The lowest rank that keeps it is used."),
    )

    def __init__(self, *args: Any, highest: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if highest:
            self.fields["rank"].help_text = _("from 1 to %(highest)s, the same in every layer") % {"highest": highest}

    @property
    def wanted(self) -> dict[str, Any]:
        """As the action takes it, which refuses both and none."""
        share = self.cleaned_data["share"]
        return {"rank": self.cleaned_data["rank"], "share": None if share is None else share / 100}
