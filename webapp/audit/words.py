"""The record in sentences. Rows keep codes, so that their words can be mended and translated later."""

import html
from collections import defaultdict
from typing import Any

from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.audit.models import Event

KINDS: dict[str, str | Promise] = {
    "adapter": gettext_lazy("Adapters"),
    "basemodel": gettext_lazy("Base models"),
    "dataset": gettext_lazy("Datasets"),
    "invitation": gettext_lazy("Invitations"),
    "job": gettext_lazy("Jobs"),
    "member": gettext_lazy("Members"),
    "recipe": gettext_lazy("Recipes"),
    "report": gettext_lazy("Reports"),
    "run": gettext_lazy("Runs"),
    "team": gettext_lazy("The team"),
    "token": gettext_lazy("API tokens"),
    "worker": gettext_lazy("Workers"),
}

# {actor} did it, {name} is the thing; other names are keys of the line's data.
SENTENCES: dict[str, str | Promise] = {
    "installation.set_up": gettext_lazy("{actor} set up this installation"),
    "invitation.revoked": gettext_lazy("{actor} took the invitation of {email} back"),
    "member.invited": gettext_lazy("{actor} invited {email} as {role}"),
    "member.joined": gettext_lazy("{actor} joined as {role}"),
    "member.left": gettext_lazy("{actor} left the team"),
    "member.removed": gettext_lazy("{actor} took {name} out of the team"),
    "member.role_changed": gettext_lazy("{actor} changed the role of {name} from {from} to {to}"),
    "person.renamed": gettext_lazy("{actor} changed their name"),
    "person.signed_in": gettext_lazy("{actor} signed in"),
    "person.sign_in_failed": gettext_lazy("Somebody tried a wrong password for {name}"),
    "team.created": gettext_lazy("{actor} made the team {name}"),
    "team.deleted": gettext_lazy("{actor} deleted the team {name}"),
    "team.renamed": gettext_lazy("{actor} renamed the team from {from} to {name}"),
    "token.created": gettext_lazy("{actor} made the API token {name}"),
    "token.revoked": gettext_lazy("{actor} revoked the API token {name}"),
}


def sentence(event: Event) -> SafeString:
    """One line of the record, who and what in bold. Everything in it was typed by somebody, so all of it is escaped."""
    template = str(SENTENCES.get(event.verb) or _generic(event.verb))
    values: dict[str, Any] = defaultdict(lambda: "?")
    values |= {key: conditional_escape(value) for key, value in event.data.items()}
    values["actor"] = _bold(event.actor_name) if event.actor_name else conditional_escape(_("Tunesmith"))
    values["name"] = _bold(event.object_name or event.object_id)
    return SafeString(conditional_escape(template).format_map(values))


def plain(event: Event) -> str:
    return html.unescape(strip_tags(sentence(event)))


def kind(first_word: str) -> str:
    return str(KINDS.get(first_word, first_word.replace("_", " ").capitalize()))


def _bold(value: object) -> SafeString:
    return format_html("<b>{}</b>", value)


def _generic(verb: str) -> str:
    """For a verb without a sentence: readable, and a test asks for a better one."""
    subject, _dot, done = verb.partition(".")
    return f"{{actor}}: {done.replace('_', ' ')} {subject} {{name}}"
