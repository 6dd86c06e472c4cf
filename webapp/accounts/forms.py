"""What people type about people. Rules that hold for every door stand in actions.py."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from webapp.accounts import tokens
from webapp.accounts.access import Permission, role_can
from webapp.accounts.models import Membership, Role
from webapp.core.faults import UserFault


class FaultyForm(forms.Form):
    """A form that can show what an action found wrong at the field it concerns."""

    def blame(self, fault: UserFault) -> None:
        self.add_error(fault.field if fault.field in self.fields else None, fault.message)


def _new_password() -> forms.CharField:
    return forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 10 characters. A few words in a row are good."),
    )


def _own_name(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label=_("Your name"),
        max_length=100,
        required=required,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class SetupForm(FaultyForm):
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    name = _own_name(required=False)
    password = _new_password()
    team_title = forms.CharField(
        label=_("Your first team"), max_length=80, help_text=_("Who shares the work, such as “Customer support”.")
    )


class JoinForm(FaultyForm):
    name = _own_name(required=True)
    password = _new_password()


class InviteForm(FaultyForm):
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), initial=Role.TRAINER)

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["role"]).choices = roles_to_give(membership)


class RoleForm(FaultyForm):
    role = forms.ChoiceField(choices=Role.choices)


def roles_to_give(membership: Membership) -> list[tuple[str, Any]]:
    """What this member may make of others: owners are made by owners only."""
    is_owner = role_can(membership.role, Permission.OWN_TEAM)
    return [(role.value, role.label) for role in Role if role != Role.OWNER or is_owner]


class TeamForm(FaultyForm):
    title = forms.CharField(label=_("Name"), max_length=80)


class NewTeamForm(TeamForm):
    slug = forms.CharField(
        label=_("Address"),
        max_length=60,
        required=False,
        help_text=_("Part of every address of the team. Left empty, one is made from the name."),
        widget=forms.TextInput(attrs={"class": "input--mono", "autocapitalize": "off", "spellcheck": "false"}),
    )


class PersonForm(FaultyForm):
    name = _own_name(required=False)


class TokenForm(FaultyForm):
    LIFETIMES = (("30", _("30 days")), ("90", _("90 days")), ("365", _("A year")), ("", _("Until revoked")))

    name = forms.CharField(label=_("What is it for?"), max_length=80, help_text=_("Such as “nightly training”."))
    scopes = forms.MultipleChoiceField(
        label=_("What may it do?"), widget=forms.CheckboxSelectMultiple, initial=["read"]
    )
    days = forms.ChoiceField(label=_("How long does it live?"), choices=LIFETIMES, initial="90", required=False)

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = tokens.usable_scopes(membership.role)
        cast(forms.MultipleChoiceField, self.fields["scopes"]).choices = [
            (scope.value, tokens.SCOPE_WORDS[scope]) for scope in usable
        ]

    def expires_at(self) -> dt.datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + dt.timedelta(days=int(days)) if days else None


class RecordFilter(forms.Form):
    """The record's filter: closed lists, so that nothing from the address reaches the database as a field name."""

    who = forms.ChoiceField(label=_("Who"), required=False)
    what = forms.ChoiceField(label=_("What"), required=False)

    def __init__(self, *args: Any, actors: list[tuple[str, str]], kinds: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ChoiceField, self.fields["who"]).choices = [("", _("Everybody")), *actors]
        cast(forms.ChoiceField, self.fields["what"]).choices = [("", _("Everything")), *kinds]
