"""Words that people give to an adapter."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from webapp.accounts.models import User
from webapp.adapters import cards
from webapp.adapters.actions import rights
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.audit import actions as audit
from webapp.core.faults import UserFault

CARD_LIMIT = 100_000


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
def rename(*, by: User | None, adapter: Adapter, name: str, description: str | None = None) -> None:
    """Give an adapter another name and, unless it is None, another description; its address and its id stay."""
    rights.require_change(by=by, adapter=adapter)
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise UserFault("bad_name", _("A name has 1 to 80 visible characters. Choose another one."), field="name")
    was, adapter.name = adapter.name, name
    if description is not None:
        adapter.description = " ".join(description.split())
    try:
        with transaction.atomic():
            adapter.save(update_fields=["name", "description"])
    except IntegrityError as error:
        adapter.name = was
        message = _("The team already has an adapter “%(name)s”. Choose another name.") % {"name": name}
        raise UserFault("name_taken", message, field="name", status=409) from error
    if was != name:
        audit.record(by=by, verb="adapter.renamed", team=adapter.team, obj=adapter, data={"from": was})
    else:
        audit.record(by=by, verb="adapter.described", team=adapter.team, obj=adapter)
