"""Knocking at every address with every method."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client

from tests.security.routes import METHODS, Route, every
from tests.security.world import World


@dataclass(frozen=True)
class Answer:
    route: Route
    method: str
    path: str
    response: HttpResponseBase

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def body(self) -> bytes:
        return b"" if self.response.streaming else self.response.content  # type: ignore[attr-defined]

    @property
    def question(self) -> str:
        return f"{self.method} {self.route.template}"

    def __str__(self) -> str:
        where = f" to {self.response.headers['Location']}" if "Location" in self.response.headers else ""
        cause = getattr(self.response, "exc_info", None)
        why = f" ({cause[0].__name__}: {cause[1]})" if cause else ""
        return f"{self.method} {self.path.partition('?')[0]} [{self.route.name}] answered {self.status}{where}{why}"


class Knocker:
    """A client whose every request is undone, so that the order of the addresses does not matter."""

    def __init__(self, client: Client, *, headers: dict[str, str] | None = None) -> None:
        self.client = client
        self.client.raise_request_exception = False
        self.headers = headers or {}
        self.cookies = client.cookies.output(header="", sep=";")

    def knock(self, method: str, path: str, **extra: Any) -> HttpResponseBase:
        with undone():
            response = self.client.generic(method, path, headers=self.headers | extra.pop("headers", {}), **extra)
        self.forget()
        return response

    def forget(self) -> None:
        """Be signed in as at first, whatever the last answer did to the cookies."""
        self.client.cookies = SimpleCookie(self.cookies)

    def everywhere(
        self,
        world: World,
        *,
        methods: Sequence[str] = METHODS,
        only: Callable[[Route], bool] = lambda _route: True,
        query: str = "",
    ) -> Iterator[Answer]:
        """The answers of all routes, or of `only` some, to all methods."""
        for route in filter(only, every()):
            path = route.path(world.examples) + (f"?{query}" if query else "")
            for method in methods:
                yield Answer(route, method, path, self.knock(method, path, **_body(world, route, method)))


def _body(world: World, route: Route, method: str) -> dict[str, Any]:
    if method in {"GET", "HEAD", "OPTIONS", "TRACE"}:
        return {}
    if route.is_api:
        body = world.bodies.get(f"{method} {route.template}", {})
        return {"data": json.dumps(body).encode(), "content_type": "application/json"}
    return {"data": b"", "content_type": "application/x-www-form-urlencoded"}


@contextlib.contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def complaints(answers: Iterable[Answer], is_right: Callable[[Answer], bool]) -> list[str]:
    """The answers that are wrong, in words."""
    return [str(answer) for answer in answers if not is_right(answer)]


def expect_none(found: Sequence[str]) -> None:
    """Fail with every line, where a plain assert would show the first."""
    if found:
        pytest.fail("\n".join([f"{len(found)} found:", *found]), pytrace=False)
