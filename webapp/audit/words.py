"""The record in sentences. Rows keep codes, so that their words can be mended and translated later."""

import html
from string import Formatter
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.audit.models import Event

KINDS: dict[str, str | Promise] = {
    "adapter": gettext_lazy("Adapters"),
    "base_model": gettext_lazy("Base models"),
    "dataset": gettext_lazy("Datasets"),
    "gate": gettext_lazy("Gates"),
    "hub_token": gettext_lazy("Hub tokens"),
    "import": gettext_lazy("Imports"),
    "invitation": gettext_lazy("Invitations"),
    "lineage": gettext_lazy("Withdrawals"),
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
    "adapter.approved": gettext_lazy("{actor} approved {name} for {to}"),
    "adapter.compressed": gettext_lazy("{actor} cut {from} down from rank {from_rank} to {rank}: {name}"),
    "adapter.compression_ordered": gettext_lazy("{actor} had {name} cut down to rank {rank}"),
    "adapter.inspected": gettext_lazy("{actor} had a look inside {name}"),
    "adapter.card_edited": gettext_lazy("{actor} rewrote the card of {name}"),
    "adapter.card_reset": gettext_lazy("{actor} had the card of {name} written from its facts again"),
    "adapter.deleted": gettext_lazy("{actor} moved the adapter {name} to the trash"),
    "adapter.described": gettext_lazy("{actor} described the adapter {name}"),
    "adapter.link_made": gettext_lazy("{actor} made a link to download {name}"),
    "adapter.displaced": gettext_lazy("{actor} moved {name} from {from} to {to}, in favour of {for}"),
    "adapter.move_refused": gettext_lazy("{actor} wanted to move {name} to {to}, and its {why} refused"),
    "adapter.moved": gettext_lazy("{actor} moved {name} from {from} to {to}"),
    "adapter.imported": gettext_lazy("{actor} imported {name}"),
    "adapter.purged": gettext_lazy("{actor} removed the adapter {name} for good"),
    "adapter.registered": gettext_lazy("{actor} put {name} into the catalog"),
    "adapter.renamed": gettext_lazy("{actor} renamed the adapter {from} to {name}"),
    "adapter.restored": gettext_lazy("{actor} brought the adapter {name} back"),
    "adapter.review_asked": gettext_lazy("{actor} asked for a review of {name} for {to}"),
    "adapter.review_dropped": gettext_lazy("{actor} took the wish for a review of {name} back"),
    "adapter.rolled_back": gettext_lazy("{actor} rolled back to {name}"),
    "adapter.sent_back": gettext_lazy("{actor} sent {name} back instead of moving it to {to}"),
    "adapter.version_deleted": gettext_lazy("{actor} moved {name} to the trash"),
    "adapter.version_purged": gettext_lazy("{actor} removed {name} for good"),
    "adapter.version_restored": gettext_lazy("{actor} brought {name} back"),
    "base_model.added": gettext_lazy("{actor} added the base model {name}"),
    "base_model.deleted": gettext_lazy("{actor} moved the base model {name} to the trash"),
    "base_model.downloaded": gettext_lazy("{actor} downloaded the base model {name}"),
    "base_model.purged": gettext_lazy("{actor} removed the base model {name} for good"),
    "base_model.ready": gettext_lazy("{actor} fetched and checked the base model {name}"),
    "base_model.restored": gettext_lazy("{actor} brought the base model {name} back"),
    "base_model.retried": gettext_lazy("{actor} had the base model {name} fetched once more"),
    "dataset.changed": gettext_lazy("{actor} changed what is said about the dataset {name}"),
    "dataset.deleted": gettext_lazy("{actor} moved the dataset {name} to the trash"),
    "dataset.imported": gettext_lazy("{actor} uploaded {name}, version {version}"),
    "dataset.licensed": gettext_lazy("{actor} changed the licence of {name} from {from} to {to}"),
    "dataset.mapped": gettext_lazy("{actor} chose the columns of {name}, version {version}"),
    "dataset.purged": gettext_lazy("{actor} removed the dataset {name} for good"),
    "dataset.ready": gettext_lazy("{actor} read and checked {name}, version {version}"),
    "dataset.restored": gettext_lazy("{actor} brought the dataset {name} back"),
    "gate.added": gettext_lazy("{actor} added the gate {name}"),
    "gate.changed": gettext_lazy("{actor} changed a gate to {name}"),
    "gate.removed": gettext_lazy("{actor} removed the gate {name}"),
    "dataset.version_deleted": gettext_lazy("{actor} moved {name} to the trash"),
    "dataset.version_purged": gettext_lazy("{actor} removed {name} for good"),
    "dataset.version_restored": gettext_lazy("{actor} brought {name} back"),
    "hub_token.forgotten": gettext_lazy("{actor} removed the team's hub token"),
    "hub_token.set": gettext_lazy("{actor} set the team's hub token"),
    "import.ordered": gettext_lazy("{actor} brought an adapter for {name} from elsewhere"),
    "import.retried": gettext_lazy("{actor} had the adapter for {name} checked once more"),
    "installation.set_up": gettext_lazy("{actor} set up this installation"),
    "invitation.revoked": gettext_lazy("{actor} took the invitation of {email} back"),
    "lineage.reinstated": gettext_lazy("{actor} took the withdrawal of {name} back"),
    "lineage.withdrawn": gettext_lazy("{actor} withdrew {name}: {reason}"),
    "member.invited": gettext_lazy("{actor} invited {email} as {role}"),
    "member.joined": gettext_lazy("{actor} joined as {role}"),
    "member.left": gettext_lazy("{actor} left the team"),
    "member.removed": gettext_lazy("{actor} took {name} out of the team"),
    "member.role_changed": gettext_lazy("{actor} changed the role of {name} from {from} to {to}"),
    "person.renamed": gettext_lazy("{actor} changed their name"),
    "person.sign_in_failed": gettext_lazy("Somebody tried a wrong password for {name}"),
    "person.signed_in": gettext_lazy("{actor} signed in"),
    "recipe.changed": gettext_lazy("{actor} changed the recipe {name}"),
    "recipe.deleted": gettext_lazy("{actor} moved the recipe {name} to the trash"),
    "recipe.restored": gettext_lazy("{actor} brought the recipe {name} back"),
    "recipe.saved": gettext_lazy("{actor} saved the recipe {name}"),
    "report.deleted": gettext_lazy("{actor} moved the {name} to the trash"),
    "report.finished": gettext_lazy("{actor} finished the {name}"),
    "report.restored": gettext_lazy("{actor} brought the {name} back"),
    "run.cancelled": gettext_lazy("{actor} cancelled the run {name}"),
    "run.checkpoints_deleted": gettext_lazy("{actor} moved checkpoints of the run {name} to the trash"),
    "run.checkpoints_restored": gettext_lazy("{actor} brought checkpoints of the run {name} back"),
    "run.deleted": gettext_lazy("{actor} moved the run {name} to the trash"),
    "run.finished": gettext_lazy("{actor} finished the run {name}"),
    "run.launched": gettext_lazy("{actor} launched the run {name} on {dataset}"),
    "run.paused": gettext_lazy("{actor} paused the run {name}"),
    "run.purged": gettext_lazy("{actor} removed the run {name} for good"),
    "run.renamed": gettext_lazy("{actor} renamed the run {from} to {name}"),
    "run.restored": gettext_lazy("{actor} brought the run {name} back"),
    "run.resumed": gettext_lazy("{actor} let the run {name} go on"),
    "run.retried": gettext_lazy("{actor} started the run {name} once more"),
    "run.stopped": gettext_lazy("{actor} stopped the run {name} and kept what it had learned"),
    "team.rules_changed": gettext_lazy("{actor} changed what {name} lets go by itself"),
    "team.created": gettext_lazy("{actor} made the team {name}"),
    "team.deleted": gettext_lazy("{actor} deleted the team {name}"),
    "team.renamed": gettext_lazy("{actor} renamed the team from {from} to {name}"),
    "token.created": gettext_lazy("{actor} made the API token {name}"),
    "token.revoked": gettext_lazy("{actor} revoked the API token {name}"),
    "worker.drained": gettext_lazy("{actor} told the worker {name} to take no more work"),
    "worker.undrained": gettext_lazy("{actor} told the worker {name} to take work again"),
}


# For a verb without a sentence: readable, and a test asks for a better one.
UNKNOWN = "{actor}: {done} {subject} {name}"


def sentence(event: Event) -> SafeString:
    """One line of the record, who and what in bold. Everything in it was typed by somebody, so all of it is escaped."""
    subject, _dot, done = event.verb.partition(".")
    values: dict[str, Any] = dict(event.data)
    values |= {
        "actor": _bold(event.actor_name) if event.actor_name else _("Tunesmith"),
        "name": _bold(event.object_name or event.object_id),
        "done": done.replace("_", " "),
        "subject": subject.replace("_", " "),
    }
    template = str(SENTENCES.get(event.verb, UNKNOWN))
    wanted = {name for _text, name, _format, _conversion in Formatter().parse(template) if name}
    return format_html(template, **{name: values.get(name, "?") for name in wanted})


def plain(event: Event) -> str:
    return html.unescape(strip_tags(sentence(event)))


def kind(first_word: str) -> str:
    return str(KINDS.get(first_word, first_word.replace("_", " ").capitalize()))


def _bold(value: object) -> SafeString:
    return format_html("<b>{}</b>", value)
