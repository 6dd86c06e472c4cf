from django import forms
from django.utils.translation import gettext_lazy as _


class HubForm(forms.Form):
    """A model of the hub. What is possible is decided by naming.py, where the API's requests go too."""

    repository = forms.CharField(
        label=_("Model id"),
        help_text=_("Organisation and name, as at the head of the model’s page."),
        max_length=300,
        widget=forms.TextInput(
            attrs={
                "placeholder": "HuggingFaceTB/SmolLM2-135M-Instruct",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
    )
    revision = forms.CharField(
        label=_("Revision"),
        help_text=_("A branch, tag or commit. Empty takes the newest and pins it."),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )


class TokenForm(forms.Form):
    token = forms.CharField(
        label=_("Access token"),
        help_text=_(
            "For gated models. It is kept encrypted, handed only to the program that fetches, and never shown."
        ),
        max_length=300,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "placeholder": "hf_…"}),
    )
