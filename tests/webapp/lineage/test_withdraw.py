"""What is not to be used any more: who may say so, what it passes on to, who is told, and what is refused then."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from tests.webapp.datasets.conftest import bring, chat_file, chat_line, read, ready  # noqa: F401
from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions as adapters
from webapp.adapters import cards
from webapp.adapters.models import AdapterVersion
from webapp.audit import words
from webapp.audit.models import Event
from webapp.contract.spec import LoraConfig
from webapp.core.faults import UserFault
from webapp.datasets import actions as datasets
from webapp.lineage import actions, queries, things
from webapp.lineage.models import Withdrawal
from webapp.lineage.things import Thing
from webapp.notices.models import Notice
from webapp.runs import actions as runs

As = Callable[..., Client]
REASON = "A customer took their consent back."


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def version(workshop: Workshop) -> AdapterVersion:
    return workshop.adapter("tickets")


@pytest.fixture
def thing(team: Team) -> Callable[[Any], Thing]:
    return lambda row: things.find(team, [row.public_id])[row.public_id]


def data_of(version: AdapterVersion) -> Any:
    assert version.run is not None
    return version.run.dataset_version


def test_a_withdrawal_reaches_everything_that_was_made_of_it_and_nothing_else(
    team: Team, workshop: Workshop, version: AdapterVersion, trainer: Any, thing: Any
) -> None:
    other = workshop.adapter("letters", dataset_version=workshop.version("Mail"))
    actions.withdraw(by=trainer, team=team, thing=thing(data_of(version)), reason=REASON)
    assert [row.reason for row in queries.withdrawn_ancestors(team, version.public_id)] == [REASON]
    assert queries.withdrawn_ancestors(team, other.public_id) == []
    assert queries.affected(team, data_of(version).public_id) == [version.run.public_id, version.public_id]


def test_the_next_upload_is_not_affected_but_the_same_file_read_anew_is(
    team: Team, workshop: Workshop, trainer: Any, thing: Any, ready: Callable[..., Any], chat_file: Callable[..., bytes]
) -> None:
    first = ready()
    cleaned = ready(chat_file(50), dataset=first.dataset)
    again = datasets.remap(by=trainer, version=first, mapping={"messages": "messages"})
    assert again.number == 3
    actions.withdraw(by=trainer, team=team, thing=thing(first), reason=REASON)
    assert queries.withdrawn_ancestors(team, cleaned.public_id) == []
    assert queries.withdrawn_ancestors(team, again.public_id)


def test_makers_and_takers_are_told_once_and_who_did_it_is_not(
    team: Team, version: AdapterVersion, trainer: Any, reviewer: Any, viewer: Any, maintainer: Any, thing: Any
) -> None:
    for _time in range(2):
        adapters.take(by=reviewer, version=version)
    actions.withdraw(by=maintainer, team=team, thing=thing(data_of(version)), reason=REASON)
    told = Notice.objects.filter(code="withdrawn")
    assert {notice.user for notice in told} == {trainer, reviewer}
    assert told.count() == 2
    assert all(REASON in notice.sentence and "Workshop tickets v1" in notice.sentence for notice in told)
    actions.reinstate(by=maintainer, team=team, thing=thing(data_of(version)))
    assert {notice.user for notice in Notice.objects.filter(code="reinstated")} == {trainer, reviewer}


def test_undoing_ends_it_for_everything_and_it_can_be_withdrawn_again(
    team: Team, version: AdapterVersion, trainer: Any, thing: Any
) -> None:
    data = thing(data_of(version))
    actions.withdraw(by=trainer, team=team, thing=data, reason=REASON)
    with pytest.raises(UserFault, match="withdrawn already"):
        actions.withdraw(by=trainer, team=team, thing=data, reason=REASON)
    actions.reinstate(by=trainer, team=team, thing=data)
    assert queries.withdrawn_ancestors(team, version.public_id) == []
    with pytest.raises(UserFault, match="is not withdrawn"):
        actions.reinstate(by=trainer, team=team, thing=data)
    actions.withdraw(by=trainer, team=team, thing=data, reason="again")
    assert Withdrawal.objects.count() == 2
    said = [words.plain(event) for event in Event.objects.filter(verb__startswith="lineage.").order_by("id")]
    assert REASON in said[0] and "taken back" not in said[0] and "took the withdrawal" in said[1]


@pytest.mark.parametrize("reason", ["", "   \n ", "x" * 501])
def test_a_withdrawal_says_why(team: Team, version: AdapterVersion, trainer: Any, thing: Any, reason: str) -> None:
    with pytest.raises(UserFault, match="Say in"):
        actions.withdraw(by=trainer, team=team, thing=thing(version), reason=reason)
    assert not Withdrawal.objects.exists()


@pytest.mark.row("W1")
def test_who_made_it_may_withdraw_it_and_others_need_the_right_to_change(
    team: Team, version: AdapterVersion, trainer: Any, maintainer: Any, reviewer: Any, thing: Any
) -> None:
    base = thing(version.base_model)  # nobody of the team made it
    for by in (trainer, reviewer):
        with pytest.raises(PermissionDenied):
            actions.withdraw(by=by, team=team, thing=base, reason=REASON)
    with pytest.raises(PermissionDenied):
        actions.withdraw(by=reviewer, team=team, thing=thing(version), reason=REASON)
    actions.withdraw(by=trainer, team=team, thing=thing(version), reason=REASON)
    actions.withdraw(by=maintainer, team=team, thing=base, reason=REASON)


def test_a_shared_base_is_withdrawn_for_one_team_only(
    team: Team, other_team: Team, version: AdapterVersion, owner: Any, thing: Any
) -> None:
    actions.withdraw(by=owner, team=team, thing=thing(version.base_model), reason=REASON)
    assert queries.withdrawn_ancestors(team, version.base_model.public_id)
    assert queries.withdrawn_ancestors(other_team, version.base_model.public_id) == []


def test_a_run_or_a_recipe_cannot_be_withdrawn(team: Team, version: AdapterVersion, owner: Any, thing: Any) -> None:
    with pytest.raises(UserFault, match="Only dataset versions"):
        actions.withdraw(by=owner, team=team, thing=thing(version.run), reason=REASON)


@pytest.mark.parametrize("what", ["data", "base"])
def test_a_new_run_on_what_was_withdrawn_is_refused_in_words(
    team: Team, version: AdapterVersion, owner: Any, thing: Any, what: str
) -> None:
    withdrawn = data_of(version) if what == "data" else version.base_model
    actions.withdraw(by=owner, team=team, thing=thing(withdrawn), reason=REASON)
    order = {"dataset_version": data_of(version), "base_model": version.base_model, "config": LoraConfig()}
    with pytest.raises(UserFault, match=r"was withdrawn.*consent") as caught:
        runs.launch(by=owner, team=team, **order)
    assert (caught.value.code, caught.value.field) == ("withdrawn", "dataset" if what == "data" else "base_model")


def test_every_page_downstream_says_so_and_the_card_too(
    team: Team, version: AdapterVersion, trainer: Any, viewer: Any, thing: Any, client_as: As
) -> None:
    data, client = data_of(version), client_as(viewer)
    pages = [f"{thing(data).url}versions/", *(thing(one).url for one in (version.run, version))]
    assert not any(REASON in client.get(page).content.decode() for page in pages)
    actions.withdraw(by=trainer, team=team, thing=thing(data), reason=REASON)
    for page in pages:
        said = client.get(page).content.decode()
        assert REASON in said, page
    assert "It was made of Workshop tickets v1, which was withdrawn." in client.get(pages[2]).content.decode()
    assert f"Withdrawn: Workshop tickets v1. {REASON}" in cards.text(version)


def test_the_question_shows_what_is_affected_and_who_is_told(
    team: Team, version: AdapterVersion, trainer: Any, reviewer: Any, maintainer: Any, client_as: As
) -> None:
    adapters.take(by=reviewer, version=version)
    page = f"/t/acme/lineage/{data_of(version).public_id}/"
    client = client_as(maintainer)
    said = client.get(f"{page}withdraw/").content.decode()
    assert "downloaded by" in said and "Rolf Reviewer" in said and "tickets v1" in said
    assert client.post(f"{page}withdraw/", {"reason": " "}).status_code == 422
    assert client.post(f"{page}withdraw/", {"reason": REASON}).status_code == 302
    said = client.get(page).content.decode()
    assert REASON in said and "Undo the withdrawal" in said
    client.post(f"{page}reinstate/")
    assert REASON not in client.get(page).content.decode()


@pytest.mark.row("W1")
@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("reviewer", 403), ("stranger", 404)])
def test_who_may_not_withdraw_is_refused(
    role: str, status: int, request: pytest.FixtureRequest, version: AdapterVersion, client_as: As
) -> None:
    page, client = f"/t/acme/lineage/{version.public_id}/", client_as(request.getfixturevalue(role))
    assert client.get(f"{page}withdraw/").status_code == status
    assert client.post(f"{page}withdraw/", {"reason": REASON}).status_code == status
    assert client.post(f"{page}reinstate/").status_code == status
    assert not Withdrawal.objects.exists()


def test_a_page_that_could_be_of_any_team_is_found_in_ones_own_only(
    version: AdapterVersion, stranger: Any, client_as: As
) -> None:
    client = client_as(stranger)
    for row in (version, version.run, data_of(version)):
        assert client.get(f"/t/globex/lineage/{row.public_id}/").status_code == 404
    assert client.get("/t/globex/lineage/nonsense/").status_code == 404
