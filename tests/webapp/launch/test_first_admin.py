"""The first administrator of a new installation."""

import getpass
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.test import Client

from webapp.accounts.models import User
from webapp.launch import first_admin
from webapp.launch.errors import LaunchError

EMAIL, PASSWORD = "boss@example.org", "copper-and-steel-9"
URL = "http://127.0.0.1:8000"


@pytest.fixture
def said(db: None) -> list[str]:
    return []


@pytest.fixture
def ensure(said: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run(*, email: str = "", password: str = "", terminal: list[str] | None = None) -> None:
        monkeypatch.setenv(first_admin.EMAIL, email)
        monkeypatch.setenv(first_admin.PASSWORD, password)
        typed = iter(terminal or [])
        monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
        monkeypatch.setattr(getpass, "getpass", lambda prompt: next(typed))
        monkeypatch.setattr(first_admin.sys.stdin, "isatty", lambda: terminal is not None, raising=False)
        first_admin.ensure(url=URL, say=lambda name, text: said.append(text))

    return run


def test_the_environment_makes_the_administrator(ensure: Callable[..., None]) -> None:
    ensure(email=EMAIL, password=PASSWORD)
    assert User.objects.get(is_administrator=True).email == EMAIL
    assert authenticate(username=EMAIL, password=PASSWORD) is not None


def test_half_of_the_environment_is_refused(ensure: Callable[..., None]) -> None:
    with pytest.raises(LaunchError, match="both"):
        ensure(email=EMAIL)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("email", "password", "named"),
    [("nobody", PASSWORD, first_admin.EMAIL), (EMAIL, "short", first_admin.PASSWORD)],
)
def test_what_cannot_be_used_is_named(ensure: Callable[..., None], email: str, password: str, named: str) -> None:
    with pytest.raises(LaunchError, match=f"^{named} cannot be used"):
        ensure(email=email, password=password)
    assert not User.objects.exists()


def test_at_a_terminal_it_is_asked_until_it_can_be_used(ensure: Callable[..., None]) -> None:
    typed = [EMAIL, PASSWORD, "another-word-1", EMAIL, "short", "short", EMAIL, PASSWORD, PASSWORD]
    ensure(terminal=typed)
    assert authenticate(username=EMAIL, password=PASSWORD) is not None


def test_without_either_a_link_is_printed_that_leads_to_a_form(
    ensure: Callable[..., None], said: list[str], client: Client
) -> None:
    ensure()
    link = said[0].splitlines()[-1]
    assert link.startswith(f"{URL}/setup/")
    assert client.get(link.removeprefix(URL)).status_code == 200
    assert not User.objects.exists()


def test_once_there_are_people_nothing_happens(ensure: Callable[..., None], said: list[str], owner: Any) -> None:
    ensure(email=EMAIL, password=PASSWORD)
    assert not User.objects.filter(email=EMAIL).exists()
    assert said == []
