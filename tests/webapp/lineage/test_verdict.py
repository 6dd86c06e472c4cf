"""The sentences at the head of the pages of lineage."""

import pytest

from webapp.lineage import verdict


@pytest.mark.parametrize(
    ("things", "people", "said"),
    [
        (0, 0, "Nothing was made of it, so nothing else is affected."),
        (1, 1, "One thing was made of it; one person is told."),
        (2, 14, "Two things were made of it; 14 people are told."),
    ],
)
def test_a_withdrawal_says_what_it_touches(things: int, people: int, said: str) -> None:
    assert str(verdict.of_withdrawal(things=things, people=people)) == said
