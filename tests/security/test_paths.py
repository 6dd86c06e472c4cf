"""A path that a visitor types is never opened: files are found by ids, and the server makes their names."""

import json
import sys
from collections.abc import Iterator

import pytest

from tests.security.pages import FREE
from tests.security.test_strict_pages import forms_of, seen_by
from tests.security.walk import Knocker, complaints, expect_none, undone
from webapp.accounts import actions as accounts
from webapp.accounts import tokens

pytestmark = pytest.mark.row("S6")

CANARY = "canary-of-the-path-test"
_watched: list[str] = []
_is_watching = False


def _hook(event: str, arguments: tuple) -> None:
    if _is_watching and event.split(".")[0] in {"open", "os", "shutil", "glob", "pathlib", "subprocess", "socket"}:
        _watched.extend(f"{event} {argument}" for argument in arguments if CANARY in str(argument))


sys.addaudithook(_hook)  # it cannot be taken away again, so it sleeps outside the fixture


@pytest.fixture
def canary(tmp_path):
    path = tmp_path / CANARY
    path.write_text("what nobody may read")
    return path


@pytest.fixture
def touched(canary) -> Iterator[list[str]]:
    """Every file operation of this process that names the canary."""
    global _is_watching
    _watched.clear()
    _is_watching = True
    yield _watched
    _is_watching = False


def spellings(path):
    """The same file, as so many have tried to name it."""
    absolute = str(path)
    return [
        absolute,
        f"file://{absolute}",
        f"../../../../../../../..{absolute}",
        f"..%2f..%2f..{absolute}",
        absolute.replace("/", "\\"),
        f"{absolute}#.jsonl",
        f"{absolute};.csv",
    ]


def test_the_hook_sees_an_opened_file(touched, canary):
    canary.read_text()
    assert touched


def test_no_field_of_any_form_opens_a_path(world, client_as, owner, touched, canary):
    client = client_as(owner)
    knocker, forms = Knocker(client), forms_of(seen_by(client, world))
    for spelling in spellings(canary)[:1]:
        for address, fields in forms:
            filled = {name: spelling if value == FREE else value for name, value in fields}
            # Names that other products believed in.
            filled |= dict.fromkeys(("path", "file", "file_path", "folder", "source", "url"), spelling)
            with undone():
                after = client.post(address, filled, follow=True)
            knocker.forget()
            assert after.status_code < 500, f"{address} with {filled}"
            assert b"what nobody may read" not in after.content
    expect_none(touched)


def api_bodies(world, spelling):
    """Each body of the API with the path in one of its fields, then in fields that it does not have."""
    for question, body in world.bodies.items():
        for name, value in body.items():
            if isinstance(value, str):
                yield question, body | {name: spelling}
        for name in ("path", "file", "file_path", "folder", "source", "base_path", "name"):
            yield question, body | {name: spelling}


def test_no_field_of_the_api_opens_a_path(world, client_as, owner, touched, canary):
    _token, plain = accounts.create_token(by=owner, team=world.team, name="x", scopes=list(tokens.Scope))
    knocker = Knocker(client_as(None), headers={"Authorization": f"Bearer {plain}"})
    for spelling in spellings(canary):
        for question, body in api_bodies(world, spelling):
            method, _space, address = question.partition(" ")
            answer = knocker.knock(method, address, data=json.dumps(body).encode(), content_type="application/json")
            assert answer.status_code < 500, f"{question} with {body}"
            assert not (answer.status_code < 300 and "path" in body), f"{question} took {body}"
    expect_none(touched)


def test_no_part_of_an_address_opens_a_path(world, client_as, owner, touched, canary):
    _token, plain = accounts.create_token(by=owner, team=world.team, name="x", scopes=list(tokens.Scope))
    knocker = Knocker(client_as(owner), headers={"Authorization": f"Bearer {plain}"})
    for spelling in spellings(canary):
        world.examples["file_path"] = spelling.lstrip("/")
        for double in (spelling.lstrip("/"), spelling.replace("/", "%2f"), spelling.replace("/", "%252f")):
            world.examples["file_path"] = double
            answers = list(knocker.everywhere(world, methods=("GET",), only=takes_a_path))
            assert answers
            expect_none(complaints(answers, lambda answer: answer.status == 404))
    expect_none(touched)


def takes_a_path(route):
    return "file_path" in route.kwargs


def test_a_page_does_not_offer_paths(world, client_as, owner, settings):
    """What the server calls its folders is nobody's business."""
    for answer in seen_by(client_as(owner), world):
        for secret in (str(settings.STATE_DIR), str(settings.FILES_DIR), str(settings.BASE_DIR)):
            assert secret not in answer.body.decode(), answer
