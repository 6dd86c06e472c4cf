"""The cast: one team with a person in each role, somebody of another team, and who looks after the installation."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import AsyncClient, Client
from playwright.sync_api import Browser

from tests.e2e import pages

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"  # for child processes; ours are loaded already

PASSWORD = "copper-and-steel-7"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a browser goes last: Playwright keeps an event loop in the thread, beside which no other can run."""
    items.sort(key=lambda item: any(item.iter_markers("browser")) or any(item.iter_markers("e2e")))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session: a second Playwright could not start in the same thread."""
    with pages.browser() as found:
        yield found


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Stored files of one test are not there in the next."""
    folder = tmp_path_factory.mktemp("files")
    settings.FILES_DIR = folder
    options = {"location": str(folder)}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    }


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Limits and counts of one test do not reach the next."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def files_dir(settings: Any) -> Path:
    """Where stored files lie in this test."""
    return Path(settings.FILES_DIR)


def _person(email: str, name: str, **fields: Any) -> Any:
    from webapp.accounts.models import User

    return User.objects.create_user(email, PASSWORD, name=name, **fields)


def _team(slug: str, title: str) -> Any:
    from webapp.accounts.models import Name, Team

    Name.objects.create(key=slug, kind=Name.Kind.TEAM)
    return Team.objects.create(slug=slug, title=title)


def _member(team: Any, role: str, name: str) -> Any:
    from webapp.accounts.models import Membership

    user = _person(f"{role}@{team.slug}.test", name)
    Membership.objects.create(team=team, user=user, role=role)
    return user


@pytest.fixture
def team(db: None) -> Any:
    return _team("acme", "Acme Support")


@pytest.fixture
def other_team(db: None) -> Any:
    return _team("globex", "Globex")


@pytest.fixture
def owner(team: Any) -> Any:
    return _member(team, "owner", "Olga Owner")


@pytest.fixture
def maintainer(team: Any) -> Any:
    return _member(team, "maintainer", "Milo Maintainer")


@pytest.fixture
def trainer(team: Any) -> Any:
    return _member(team, "trainer", "Tara Trainer")


@pytest.fixture
def reviewer(team: Any) -> Any:
    return _member(team, "reviewer", "Rolf Reviewer")


@pytest.fixture
def viewer(team: Any) -> Any:
    return _member(team, "viewer", "Vera Viewer")


@pytest.fixture
def stranger(other_team: Any) -> Any:
    """An owner, but of another team."""
    return _member(other_team, "owner", "Sven Stranger")


@pytest.fixture
def administrator(team: Any) -> Any:
    """Looks after the installation, and is a maintainer of the team besides."""
    from webapp.accounts.models import Membership

    user = _person("administrator@tunesmith.test", "Ada Administrator", is_administrator=True)
    Membership.objects.create(team=team, user=user, role="maintainer")
    return user


@pytest.fixture
def client_as() -> Callable[[Any], Client]:
    """`client_as(owner)` is a browser in which that person is signed in; `client_as(None)` one without anybody."""

    def sign_in(user: Any, **kwargs: Any) -> Client:
        client = Client(**kwargs)
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def async_client_as() -> Callable[[Any], AsyncClient]:
    """As `client_as`, for views that stream."""

    def sign_in(user: Any) -> AsyncClient:
        client = AsyncClient()
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
