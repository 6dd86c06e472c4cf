"""Words that people give to an adapter."""

import re
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from webapp.accounts.models import User
from webapp.adapters import cards
from webapp.adapters.actions import listing, rights
from webapp.adapters.models import Adapter, AdapterVersion, Tag, Task
from webapp.audit import actions as audit
from webapp.core.faults import UserFault

CARD_LIMIT = 100_000
TAG_LIMIT, TAG_LENGTH = 20, 40
TAG = re.compile(r"[\w.:-]+")


@transaction.atomic
def edit_card(*, by: User | None, version: AdapterVersion, text: str, seen: str = "") -> None:
    """Replace the card's Markdown; what is shown is sanitised on its way out. Raises UserFault.

    `seen` is the revision that the writer began with: where the card is another one by now, nothing is overwritten,
    and the fault's data hold the text that stands and its revision.
    """
    rights.require_change(by=by, adapter=version.adapter)
    if len(text) > CARD_LIMIT:
        raise UserFault(
            "card_too_long",
            _("The card has %(size)s characters; at most %(limit)s fit. Shorten it.")
            % {"size": len(text), "limit": CARD_LIMIT},
            field="card",
        )
    _require_seen(version, seen)
    version.card, version.is_card_edited = text, True
    version.save(update_fields=["card", "is_card_edited"])
    listing.relist(adapter=version.adapter)
    audit.record(by=by, verb="adapter.card_edited", team=version.adapter.team, obj=version)


@transaction.atomic
def reset_card(*, by: User | None, version: AdapterVersion, seen: str = "") -> None:
    """Let the card be written from facts again; what a person wrote is given up. Raises UserFault as `edit_card`."""
    rights.require_change(by=by, adapter=version.adapter)
    _require_seen(version, seen)
    if not version.is_card_edited:
        return
    version.card, version.is_card_edited = "", False
    version.save(update_fields=["card", "is_card_edited"])
    listing.relist(adapter=version.adapter)
    audit.record(by=by, verb="adapter.card_reset", team=version.adapter.team, obj=version)


def _require_seen(version: AdapterVersion, seen: str) -> None:
    """Lock the version and compare its card with the one that the writer saw."""
    AdapterVersion.objects.select_for_update().get(pk=version.pk)
    version.refresh_from_db(fields=["card", "is_card_edited"])
    standing = cards.text(version)
    if seen and seen != cards.revision(standing):
        message = _("Somebody changed this card while you wrote. Both texts are here: take over what you need.")
        data = {"standing": standing, "revision": cards.revision(standing)}
        raise UserFault("card_changed", message, field="card", status=409, data=data)


@transaction.atomic
def rename(*, by: User | None, adapter: Adapter, name: str) -> None:
    """Give an adapter another name; its address and its id stay."""
    rights.require_change(by=by, adapter=adapter)
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise UserFault("bad_name", _("A name has 1 to 80 visible characters. Choose another one."), field="name")
    was, adapter.name = adapter.name, name
    if was == name:
        return
    try:
        with transaction.atomic():
            adapter.save(update_fields=["name"])
    except IntegrityError as error:
        adapter.name = was
        message = _("The team already has an adapter “%(name)s”. Choose another name.") % {"name": name}
        raise UserFault("name_taken", message, field="name", status=409) from error
    listing.relist(adapter=adapter)
    audit.record(by=by, verb="adapter.renamed", team=adapter.team, obj=adapter, data={"from": was})


@transaction.atomic
def describe(
    *,
    by: User | None,
    adapter: Adapter,
    description: str | None = None,
    task: str | None = None,
    tags: Sequence[str] | None = None,
) -> None:
    """Say what an adapter is for: its description, its task, its tags. What is None stays as it is."""
    rights.require_change(by=by, adapter=adapter)
    before = (adapter.description, adapter.task, _tag_names(adapter))
    if description is not None:
        adapter.description = " ".join(description.split())
    if task is not None:
        if task and task not in Task.values:
            known = ", ".join(Task.values)
            raise UserFault("bad_task", _("There is no such task. Use one of: %s.") % known, field="task")
        adapter.task = task
    names = before[2] if tags is None else _cleaned(tags)
    if (adapter.description, adapter.task, names) == before:
        return
    adapter.save(update_fields=["description", "task"])
    adapter.tags.exclude(name__in=names).delete()
    Tag.objects.bulk_create(
        [Tag(adapter=adapter, team_id=adapter.team_id, name=name) for name in names], ignore_conflicts=True
    )
    listing.relist(adapter=adapter)
    audit.record(by=by, verb="adapter.described", team=adapter.team, obj=adapter)


@transaction.atomic
def change(
    *,
    by: User | None,
    adapter: Adapter,
    name: str | None = None,
    description: str | None = None,
    task: str | None = None,
    tags: Sequence[str] | None = None,
) -> None:
    """All words about an adapter at once: all of them are changed, or none. What is None stays as it is."""
    if name is not None:
        rename(by=by, adapter=adapter, name=name)
    describe(by=by, adapter=adapter, description=description, task=task, tags=tags)


def _tag_names(adapter: Adapter) -> list[str]:
    return sorted(adapter.tags.values_list("name", flat=True))


def _cleaned(tags: Sequence[str]) -> list[str]:
    """Tags are short and in small letters, so that the same word is the same tag."""
    names = sorted({"-".join(tag.lower().split()) for tag in tags if tag.strip()})
    bad = next((name for name in names if len(name) > TAG_LENGTH or not TAG.fullmatch(name)), None)
    if bad is not None:
        message = _("“%(tag)s” cannot be a tag. A tag has at most %(most)s letters, digits, dots, dashes or colons.")
        raise UserFault("bad_tag", message % {"tag": bad[:80], "most": TAG_LENGTH}, field="tags")
    if len(names) > TAG_LIMIT:
        raise UserFault("too_many_tags", _("An adapter has at most %d tags.") % TAG_LIMIT, field="tags")
    return names
