"""How much a request may send. Django takes a body to the disk before any view is asked, so the door counts.

`BodyLimit` stands around the ASGI application. What says its size beforehand is read to the end and thrown away (a
browser that still sends does not listen), and `SayTooLarge` answers in words; what does not is cut off.
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from webapp.core import errors, units

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[..., Awaitable[None]]

SMALL_BYTES = 6 * 1024 * 1024  # a form, or one part of an upload
SLACK_BYTES = 1024 * 1024  # the other fields of a form with a file
_DRAIN_TIMES = 2
_MARK = "body_too_large"


def limit(path: str) -> int:
    """The largest body that this address takes."""
    if re.fullmatch(settings.FILE_FORM_PATHS, path):
        return settings.UPLOAD_LIMIT_BYTES + SLACK_BYTES
    return SMALL_BYTES


class BodyLimit:
    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most, said = limit(scope["path"]), _content_length(scope)
        if said is None:
            await self._count(scope, receive, send, most)
        elif said > most:
            await _drain(receive, most * _DRAIN_TIMES)
            await self.app({**scope, _MARK: said}, _without_body(receive), send)
        else:
            await self.app(scope, receive, send)

    async def _count(self, scope: Message, receive: Receive, send: Send, most: int) -> None:
        """Of unknown size: beyond the limit the client is treated as gone."""
        received, is_over, is_answered = 0, False, False

        async def counted() -> Message:
            nonlocal received, is_over
            message = await receive()
            received += len(message.get("body", b""))
            is_over = is_over or received > most
            return {"type": "http.disconnect"} if is_over else message

        async def watched(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        await self.app(scope, counted, watched)
        if is_over and not is_answered:
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 413, "headers": headers})
            await send({"type": "http.response.body", "body": b"This request is too large.\n"})


class SayTooLarge:
    """Answers what BodyLimit has marked, before anything looks at the body that is no longer there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        size = getattr(request, "scope", {}).get(_MARK)
        if size is None:
            return self.get_response(request)
        sizes = {"size": units.filesize(size), "limit": units.filesize(limit(request.path) - SLACK_BYTES)}
        problem = errors.Problem(
            status=413,
            code="too_large",
            title=_("This is too large"),
            meaning=_("%(size)s were sent, and at most %(limit)s are taken here. Nothing was stored.") % sizes,
            remedy=_("Send a smaller file, or one that is packed with gzip, or ask whoever runs this installation "
                     "to raise the limit."),
        )  # fmt: skip
        return errors.respond(request, problem)


def _content_length(scope: Message) -> int | None:
    """What the client says it will send; 0 where it sends nothing, None where it does not say."""
    headers = dict(scope["headers"])
    value = headers.get(b"content-length", b"")
    if value.isdigit():
        return int(value)
    return None if b"transfer-encoding" in headers or value else 0


async def _drain(receive: Receive, most: int) -> None:
    left = most
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def _without_body(receive: Receive) -> Receive:
    """An empty body, and then only the news that the client has gone."""
    is_told = False

    async def told() -> Message:
        nonlocal is_told
        if not is_told:
            is_told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while (message := await receive())["type"] != "http.disconnect":
            pass
        return message

    return told
