from typing import Any

import pytest

from webapp.accounts.models import Team
from webapp.core import paging

pytestmark = pytest.mark.django_db


@pytest.fixture
def teams() -> list[Any]:
    return [Team.objects.create(slug=f"t{n}", title=f"Team {n % 3}") for n in range(10)]


def walk(**options: Any) -> list[str]:
    found, after = [], ""
    while True:
        page = paging.page(Team.objects.all(), after=after, size=4, **options)
        found += [team.slug for team in page]
        after = page.next
        if not after:
            return found


def test_every_row_is_met_once_and_the_newest_first(teams: list[Any]) -> None:
    assert walk() == [team.slug for team in reversed(teams)]


def test_rows_with_equal_values_are_neither_lost_nor_doubled(teams: list[Any]) -> None:
    found = walk(order="title")
    assert sorted(found) == sorted(team.slug for team in teams)
    titles = dict(Team.objects.values_list("slug", "title"))
    assert [titles[slug] for slug in found] == sorted(titles.values())


def test_a_new_row_does_not_push_an_old_one_onto_the_next_page(teams: list[Any]) -> None:
    first = paging.page(Team.objects.all(), size=4)
    Team.objects.create(slug="new", title="New")
    second = paging.page(Team.objects.all(), after=first.next, size=4)
    assert [team.slug for team in second] == ["t5", "t4", "t3", "t2"]
    assert not second.is_first


def test_a_cursor_of_another_set_starts_again_and_opens_nothing(teams: list[Any]) -> None:
    others = Team.objects.exclude(slug="t9")
    page = paging.page(others, after=teams[9].public_id, size=4)
    assert page.is_first
    assert [team.slug for team in page] == ["t8", "t7", "t6", "t5"]


def test_the_last_page_names_no_next(teams: list[Any]) -> None:
    assert paging.page(Team.objects.all(), size=10).next == ""
    assert paging.page(Team.objects.none(), size=10).next == ""
