from types import SimpleNamespace
from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import include, path

from webapp.core import navigation


def somewhere(request: Any, team: str) -> None: ...


def names(*found: tuple[str, str]) -> tuple[Any, ...]:
    return tuple(path(address, somewhere, name=name) for address, name in found)


urlpatterns = [
    path("t/<slug:team>/", include((names(("", "home")), "dashboard"))),
    path("t/<slug:team>/", include((names(("runs/", "list"), ("recipes/", "recipes")), "runs"))),
    path("t/<slug:team>/", include((names(("team/", "team")), "accounts"))),
]
asked: list[Any] = []


def count(*, user: Any, team: Any) -> dict[str, int]:
    asked.append((user, team))
    return {"runs:list": 38}


@pytest.fixture(autouse=True)
def _urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__
    settings.NAV_COUNTS = f"{__name__}.count"
    asked.clear()


def current(address: str) -> list[str]:
    groups = navigation.places(path=address, slug="acme")
    return [place.url_name for group in groups for place in group if place.is_current]


def test_a_page_that_does_not_exist_is_not_offered() -> None:
    offered = [place.url_name for group in navigation.places(path="/", slug="acme") for place in group]
    assert offered == ["dashboard:home", "runs:recipes", "runs:list", "accounts:team"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/t/acme/", ["dashboard:home"]),
        ("/t/acme/runs/run_1/", ["runs:list"]),
        ("/t/acme/recipes/", ["runs:recipes"]),
        ("/t/acme/trash/", []),
        ("/help/", []),
    ],
)
def test_the_place_one_is_in_is_marked_and_no_other(address: str, expected: list[str]) -> None:
    assert current(address) == expected


def test_counts_are_asked_once_for_a_person_and_team() -> None:
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(pk=1, is_authenticated=True)  # type: ignore[assignment]
    team = SimpleNamespace(pk=7, slug="acme")
    for _ in range(3):
        assert navigation.counts_for(request, team)["runs:list"] == 38  # type: ignore[arg-type]
    assert len(asked) == 1
    groups = navigation.places(path="/", slug="acme", counts={"runs:list": 38})
    assert [place.count for group in groups for place in group if place.url_name == "runs:list"] == [38]


def test_nobody_signed_in_sees_no_counts() -> None:
    request = RequestFactory().get("/")
    request.user = SimpleNamespace(pk=None, is_authenticated=False)  # type: ignore[assignment]
    assert navigation.counts_for(request, SimpleNamespace(pk=7)) == {}  # type: ignore[arg-type]
    assert asked == []
