"""A short word about what was just done, with Undo where it can be undone."""

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

_UNDO = "undo:"


def show(request: HttpRequest, text: str, *, undo: str | None = None, is_bad: bool = False) -> None:
    """Show `text` on the next page, or at once in the answer to an htmx POST. `undo` is a URL to POST to."""
    level = messages.ERROR if is_bad else messages.SUCCESS
    messages.add_message(request, level, text, extra_tags=f"{_UNDO}{undo}" if undo else "", fail_silently=True)


def undo_url(message: Message) -> str:
    tags = str(message.extra_tags or "")
    return tags.removeprefix(_UNDO) if tags.startswith(_UNDO) else ""
