"""Filters, orders and pages of the catalog, and what they cost."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions, facets, finding
from webapp.adapters.finding import Sort, Wanted
from webapp.adapters.models import Adapter, AdapterVersion, Facet, Stage
from webapp.core.faults import UserFault

CATALOG = "/t/acme/adapters/"
As = Callable[..., Client]
MOST_QUERIES = 7


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def found(team: Team, **wanted: Any) -> list[str]:
    return [listing.adapter.name for listing in finding.page(team, Wanted(**wanted))]


def put(version: AdapterVersion, stage: Stage) -> None:
    AdapterVersion.objects.filter(pk=version.pk).update(stage=stage)
    actions.relist(adapter=version.adapter)


def many(team: Team, workshop: Workshop, count: int) -> None:
    """Copies of one adapter, as rows; names and gains differ."""
    first = workshop.adapter("made 0")
    for n in range(1, count):
        adapter = Adapter.objects.create(team=team, name=f"made {n}", created_by=workshop.by, task="chat")
        AdapterVersion.objects.create(
            adapter=adapter, number=1, base_model=first.base_model, bundle=first.bundle, sha256=first.sha256,
            licence=first.licence, created_by=workshop.by,
        )  # fmt: skip
        if n % 3 == 0:
            actions.describe(by=None, adapter=adapter, tags=["third"])
    actions.relist_team(team=team)


def test_filters_combine_and_each_narrows(team: Team, workshop: Workshop, maintainer: Any) -> None:
    qwen = workshop.base("Qwen/Qwen2.5-0.5B", source="hub", licence="mit")
    letters = workshop.adapter("letters", base_model=qwen).adapter
    tickets = workshop.adapter("tickets").adapter
    minutes = Workshop(team=team, by=maintainer).adapter("minutes", base_model=qwen).adapter
    AdapterVersion.objects.filter(base_model=qwen).update(licence="mit")
    actions.relist(adapter=minutes)
    actions.describe(by=None, adapter=letters, task="writing", tags=["desk", "german"])
    actions.describe(by=None, adapter=tickets, task="extraction", tags=["desk"])
    assert found(team) == ["minutes", "tickets", "letters"]
    assert found(team, base=qwen.public_id) == ["minutes", "letters"]
    assert found(team, licence="mit") == ["minutes", "letters"]
    assert found(team, task="extraction") == ["tickets"]
    assert found(team, tags=("desk",)) == ["tickets", "letters"]
    assert found(team, tags=("desk", "german")) == ["letters"]
    assert found(team, owner=maintainer.public_id) == ["minutes"]
    assert found(team, base=qwen.public_id, tags=("desk",), text="let", licence="mit", task="writing") == ["letters"]
    assert found(team, base=qwen.public_id, task="extraction") == []
    assert found(team, base="base_nobodys") == []
    assert minutes.listing.licence == "mit"


def test_an_adapter_stands_in_the_stage_of_its_newest_version_and_where_an_older_one_holds(
    team: Team, workshop: Workshop
) -> None:
    put(workshop.adapter("tickets"), Stage.PRODUCTION)
    put(workshop.adapter("tickets"), Stage.CANDIDATE)
    workshop.adapter("tickets")
    put(workshop.adapter("old"), Stage.RETIRED)
    assert (
        found(team, stage="production") == found(team, stage="candidate") == found(team, stage="draft") == ["tickets"]
    )
    assert found(team, stage="retired") == ["old"]
    counts = [(choice.value, choice.count) for choice in facets.of_team(team).stages]
    assert counts == [("production", 1), ("candidate", 1), ("draft", 1), ("retired", 1)]
    assert facets.total(team) == 2


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_in_any_order_show_everything_once_and_in_order(sort: Sort, team: Team, workshop: Workshop) -> None:
    for n, loss in enumerate((0.5, 0.4, None, 0.4, None, 2.0, 0.4)):
        workshop.adapter(f"{'ÄbaBCcc'[n]} {n}", losses=(2.0 if loss else None, loss))
    names: list[str] = []
    after = ""
    while True:
        page = finding.page(team, Wanted(sort=sort), after=after, size=2)
        assert len(page) <= 2
        names += [listing.adapter.name for listing in page]
        if not page.next:
            break
        after = page.next
    assert (
        names
        == {
            Sort.NEWEST: ["c 6", "c 5", "C 4", "B 3", "a 2", "b 1", "Ä 0"],
            Sort.NAME: ["Ä 0", "a 2", "b 1", "B 3", "C 4", "c 5", "c 6"],
            Sort.GAIN: ["c 6", "B 3", "b 1", "Ä 0", "c 5", "C 4", "a 2"],
        }[sort]
    )


def test_counts_follow_every_change_and_rare_values_leave(team: Team, workshop: Workshop) -> None:
    first, second = workshop.adapter("letters").adapter, workshop.adapter("tickets").adapter
    actions.describe(by=None, adapter=first, task="chat", tags=["desk", "pilot"])
    actions.describe(by=None, adapter=second, task="chat", tags=["desk"])
    known = facets.of_team(team)
    assert [(choice.value, choice.count) for choice in known.tags] == [("desk", 2), ("pilot", 1)]
    assert [(choice.value, choice.count) for choice in known.tasks] == [("chat", 2)]
    actions.describe(by=None, adapter=first, task="", tags=["desk"])
    actions.delete(by=None, adapter=second)
    known = facets.of_team(team)
    assert [(choice.value, choice.count) for choice in known.tags] == [("desk", 1)]
    assert known.tasks == [] and known.total == 1
    assert not Facet.objects.filter(count__lte=0).exclude(kind=Facet.Kind.ALL).exists()


def test_an_address_is_read_leniently_for_people_and_strictly_for_programs() -> None:
    asked = QueryDict("q=+a++b+&stage=best&tag=x&tag=&tag=y&sort=password&colour=red&owner=usr_1")
    assert finding.read(asked) == Wanted(text="a b", tags=("x", "y"), owner="usr_1")
    assert finding.query(finding.read(asked)) == "q=a+b&tag=x&tag=y&owner=usr_1"
    with pytest.raises(UserFault, match="There is no filter “colour”"):
        finding.read_strictly(QueryDict("colour=red"))
    assert finding.read_strictly(QueryDict("q=a&limit=3&sort=gain"), besides=["limit"]).sort == Sort.GAIN


@pytest.mark.parametrize("count", [3, 300])
def test_every_question_costs_at_most_seven_queries_however_many_there_are(
    count: int, client_as: As, viewer: Any, team: Team, workshop: Workshop, django_assert_max_num_queries: Any
) -> None:
    many(team, workshop, count)
    client = client_as(viewer)
    client.get(CATALOG)
    base = workshop.base().public_id
    asked = [
        "", "q=made", "stage=draft", "task=chat", f"base={base}", "tag=third", "licence=unknown",
        f"owner={workshop.by.public_id}", "sort=name", "sort=gain", "q=made&tag=third&task=chat&sort=name",
    ]  # fmt: skip
    for query in asked:
        first = client.get(f"{CATALOG}?{query}")
        after = first.context["page"].next
        assert bool(after) == (count > 200)
        for address in (f"{CATALOG}?{query}", f"{CATALOG}?{query}&after={after}"):
            with django_assert_max_num_queries(MOST_QUERIES):
                assert client.get(address).status_code == 200


def test_typing_brings_only_what_was_found_and_an_address_without_blanks(
    client_as: As, viewer: Any, workshop: Workshop
) -> None:
    workshop.adapter("letters")
    workshop.adapter("tickets")
    client = client_as(viewer)
    response = client.get(f"{CATALOG}?q=tick&task=&base=&sort=newest", headers={"HX-Request": "true"})
    said = response.content.decode()
    assert "<html" not in said and 'id="q"' not in said
    assert ">tickets</a>" in said and ">letters</a>" not in said and "One fits." in said
    assert response.headers["HX-Replace-Url"] == f"{CATALOG}?q=tick"


def test_a_cursor_that_is_gone_starts_again(client_as: As, viewer: Any, workshop: Workshop) -> None:
    workshop.adapter("letters")
    assert "letters" in client_as(viewer).get(f"{CATALOG}?after=adp_gone").content.decode()


def test_a_version_that_is_moved_is_found_in_its_new_stage(team: Team, workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    actions.move(by=None, version=version, stage="retired")
    assert (found(team, stage="draft"), found(team, stage="retired")) == ([], ["tickets"])
    assert [(choice.value, choice.count) for choice in facets.of_team(team).stages] == [("retired", 1)]


def test_a_deleted_version_gives_its_place_in_the_list_to_the_one_before(team: Team, workshop: Workshop) -> None:
    workshop.adapter("tickets")
    second = workshop.adapter("tickets")
    actions.delete_version(by=None, version=second)
    assert finding.page(team, Wanted()).items[0].version.number == 1
    actions.restore_version(by=None, version=second)
    assert finding.page(team, Wanted()).items[0].version.number == 2
