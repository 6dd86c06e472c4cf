from django import forms
from django.utils.translation import gettext_lazy as _

from webapp.storekeeper.actions import LONGEST_DAYS


class RulesForm(forms.Form):
    checkpoint_days = forms.IntegerField(
        label=_("Days to keep checkpoints of ended runs"),
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text=_("Empty keeps them for ever. A failed run can go on from its checkpoint as long as that is there."),
    )
