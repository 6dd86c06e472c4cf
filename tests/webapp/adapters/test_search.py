"""The full-text index: the same answers from SQLite and PostgreSQL, and no text that breaks it."""

from typing import Any

import pytest
from django.core.management import call_command

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions, cards, finding, search
from webapp.adapters.finding import Wanted
from webapp.adapters.models import Facet, Listing


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def found(team: Team, text: str) -> list[str]:
    return [listing.adapter.name for listing in finding.page(team, Wanted(text=text))]


def test_words_are_letters_and_digits_without_case_and_accents() -> None:
    assert search.words("Übersetzung für die Straße, naïve Œuvre!") == [
        "ubersetzung", "fur", "die", "strasse", "naive", "œuvre",
    ]  # fmt: skip
    assert search.words("smollm2-135m_q4_1") == ["smollm2", "135m", "q4", "1"]
    assert search.words("翻訳 한국어") == ["翻", "訳", "한국어"]
    assert search.words("a\0b'c\"d\ud800") == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("ubersetzung", ["Briefe"]),
        ("ÜBERSETZ", ["Briefe"]),
        ("brie übers", ["Briefe"]),
        ("setzung", []),
        ("tick", ["tickets r16"]),
        ("tickets nothing", []),
        ("pilot", ["Briefe"]),
        ("smollm2 135m", ["tickets r16", "Briefe"]),
        ("q4_1", ["tickets r16", "Briefe"]),
        ("extraction", ["tickets r16"]),
        ("tara", ["tickets r16", "Briefe"]),
        ("workmanlike", ["tickets r16"]),
        ("r1", ["tickets r16"]),
        ("***", []),
    ],
)
def test_each_word_must_begin_one_of_name_description_tags_task_base_owner_or_edited_card(
    asked: str, names: list[str], team: Team, workshop: Workshop
) -> None:
    letters = workshop.adapter("Briefe", description="Übersetzung für Kunden").adapter
    actions.describe(by=None, adapter=letters, tags=["pilot"])
    tickets = workshop.adapter("tickets r16")
    actions.describe(by=None, adapter=tickets.adapter, task="extraction")
    actions.edit_card(by=None, version=tickets, text="# A workmanlike card")
    assert found(team, asked) == names


def test_a_card_that_was_written_from_facts_is_not_searched(team: Team, workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    assert "LoRA" in cards.text(version)
    assert found(team, "lora") == []


@pytest.mark.parametrize(
    "text",
    [
        "'", '"', "''", '""', "'; DROP TABLE adapters_search; --", "a AND", "NOT", "NEAR(a b)", "a*b", "*", "^a", "a:b",
        "words:a", "{a} : b", "a & | ! ( )", "a <-> b", "\\", "%", "_", "a\0b", "\0", "\ud800", "\U0010ffff", "𝒜", "½",
        "ﷺ", "\u202eabc", "é" * 10_000, "a b " * 10_000, "1e5 0x1F -1 1.5", "http://a.b/c?d=e", "a@b.org", "~!",
    ],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_nothing_that_is_typed_is_an_operator_or_an_error(text: str, team: Team, workshop: Workshop) -> None:
    adapter = workshop.adapter("tickets").adapter
    found(team, text)
    assert found(team, text + " zebra") == []
    storable = text.replace("\0", "").encode("utf-8", "ignore").decode()
    actions.describe(by=None, adapter=adapter, description=storable)
    is_sayable = bool(search.words(storable)) or not storable
    assert found(team, storable[:900]) == (["tickets"] if is_sayable else [])


def test_what_changes_is_found_by_its_new_words_only(team: Team, workshop: Workshop) -> None:
    adapter = workshop.adapter("letters").adapter
    actions.change(by=None, adapter=adapter, name="minutes", tags=["desk"])
    assert (found(team, "letters"), found(team, "minutes"), found(team, "desk")) == ([], ["minutes"], ["minutes"])
    actions.change(by=None, adapter=adapter, tags=[])
    assert found(team, "desk") == []
    actions.delete(by=None, adapter=adapter)
    assert found(team, "minutes") == []
    adapter.refresh_from_db()
    actions.restore(by=None, adapter=adapter)
    assert found(team, "minutes") == ["minutes"]


def test_another_teams_adapters_are_not_found(team: Team, other_team: Team, stranger: Any, workshop: Workshop) -> None:
    workshop.adapter("tickets")
    Workshop(team=other_team, by=stranger).adapter("tickets of theirs")
    assert found(team, "tickets") == ["tickets"]
    assert found(other_team, "tickets") == ["tickets of theirs"]


def test_the_command_writes_everything_anew(team: Team, workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("letters", "tickets"):
        actions.describe(by=None, adapter=workshop.adapter(name).adapter, tags=["desk"])
    before = sorted(Facet.objects.values_list("kind", "value", "count"))
    Listing.objects.filter(sort_name="tickets").delete()
    Facet.objects.filter(kind=Facet.Kind.TAG).update(count=7)
    assert found(team, "tickets") == []
    call_command("reindex")
    assert "acme: 2 adapters" in capsys.readouterr().out
    assert found(team, "tickets") == ["tickets"]
    assert sorted(Facet.objects.values_list("kind", "value", "count")) == before
    call_command("reindex", "acme")


def test_adapters_from_before_there_were_listings_are_listed_when_the_database_is_prepared(
    team: Team, workshop: Workshop
) -> None:
    workshop.adapter("old")
    Listing.objects.all().delete()
    Facet.objects.all().delete()
    assert actions.relist_missing() == 1
    assert found(team, "old") == ["old"]
    assert actions.relist_missing() == 0
