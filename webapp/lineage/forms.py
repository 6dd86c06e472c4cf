from django import forms
from django.utils.translation import gettext_lazy as _

from webapp.lineage.actions import REASON_CHARACTERS


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why"),
        max_length=REASON_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Everybody who made something of it or downloaded it reads this. Name no personal data."),
    )
