"""No body larger than its address takes reaches Django, nor a disk."""

import asyncio
import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import AsyncRequestFactory

from webapp.core import bodylimit
from webapp.core.bodylimit import BodyLimit, SayTooLarge


class App:
    """Reads a whole body, as Django does, and answers 200."""

    def __init__(self) -> None:
        self.body = b""
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = dict(scope)
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            self.body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


def _send(app: App, pieces: list[bytes], *, path: str = "/", headers: dict[bytes, bytes]) -> tuple[list[Any], int]:
    """What was answered, and how many pieces were asked for."""
    left = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    left.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []

    async def receive() -> Any:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers.items())}
    asyncio.run(BodyLimit(app)(scope, receive, send))
    return [message.get("status") for message in sent if "status" in message], len(pieces) + 1 - len(left)


PIECE = b"x" * 1024 * 1024


def test_a_body_within_the_limit_passes() -> None:
    app = App()
    assert _send(app, [PIECE] * 5, headers={b"content-length": b"%d" % (5 * len(PIECE))})[0] == [200]
    assert len(app.body) == 5 * len(PIECE)
    assert "body_too_large" not in app.scope


def test_a_body_that_says_it_is_too_large_is_thrown_away_and_marked() -> None:
    app = App()
    statuses, taken = _send(app, [PIECE] * 8, headers={b"content-length": b"%d" % (8 * len(PIECE))})
    assert (statuses, app.body, app.scope["body_too_large"]) == ([200], b"", 8 * len(PIECE))
    assert taken == 9  # read to its end, so that the browser listens to the answer


def test_nobody_is_listened_to_for_ever() -> None:
    _statuses, taken = _send(App(), [PIECE] * 100, headers={b"content-length": b"99999999999"})
    assert taken <= 2 * bodylimit.SMALL_BYTES // len(PIECE)


def test_a_body_of_unknown_size_is_cut_off_at_the_limit() -> None:
    app = App()
    statuses, _taken = _send(app, [PIECE] * 50, headers={b"transfer-encoding": b"chunked"})
    assert statuses == [413]
    assert len(app.body) <= bodylimit.SMALL_BYTES
    assert _send(App(), [PIECE] * 5, headers={b"transfer-encoding": b"chunked"})[0] == [200]


@pytest.mark.parametrize(
    ("path", "is_large"),
    [
        ("/t/acme/datasets/new/", True),
        ("/t/acme/datasets/data_1/add/", True),
        ("/t/acme/datasets/", False),
        ("/t/acme/datasets/new/../../runs/", False),
        ("/account/login/", False),
        ("/api/v1/uploads/upl_1", False),
    ],
)
def test_only_a_form_with_a_file_may_be_large(path: str, is_large: bool, settings: Any) -> None:
    expected = settings.UPLOAD_LIMIT_BYTES + bodylimit.SLACK_BYTES if is_large else bodylimit.SMALL_BYTES
    assert bodylimit.limit(path) == expected


def _say(path: str, size: int | None) -> Any:
    request = AsyncRequestFactory().post(path)
    if size is not None:
        request.scope["body_too_large"] = size
    return SayTooLarge(lambda request: HttpResponse("the page"))(request)


def test_too_much_is_said_in_words_to_people_and_to_programs(settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 3_000_000_000
    page = _say("/t/acme/datasets/new/", 7_000_000_000)
    assert page.status_code == 413
    assert "7\xa0GB were sent, and at most 3\xa0GB are taken here. Nothing was stored." in page.content.decode()
    problem = _say("/api/v1/datasets", 7_000_000_000)
    assert (problem.status_code, json.loads(problem.content)["code"]) == (413, "too_large")
    assert _say("/t/acme/datasets/new/", None).content == b"the page"


def test_other_protocols_pass() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(BodyLimit(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
