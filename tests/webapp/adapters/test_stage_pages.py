"""Stages, reviews, history and gates in the browser: what each role sees and can do there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from webapp.accounts.models import Team
from webapp.adapters import actions, standing
from webapp.adapters.models import AdapterVersion, Gate, Review, Rule, StageChange

As = Callable[..., Client]
Make = Callable[..., AdapterVersion]


def page(version: AdapterVersion, rest: str = "") -> str:
    return f"/t/acme/adapters/{version.adapter.public_id}/v{version.number}/{rest}"


def read(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status
    return answer.content.decode()


def stage_of(version: AdapterVersion) -> str:
    return AdapterVersion.objects.values_list("stage", flat=True).get(pk=version.pk)


@pytest.fixture
def strict(team: Team) -> Gate:
    return Gate.objects.create(team=team, stage="candidate", rule=Rule.AT_MOST, score="validation_loss", limit=0.1)


def test_the_dialog_says_who_holds_the_stage_and_what_changes(make_next: Make, client_as: As, reviewer: Any) -> None:
    first, second = make_next(stage="production"), make_next(stage="candidate")
    client = client_as(reviewer)
    said = read(client, page(second, "stage/production/"))
    assert "v1 is in production now. It is retired" in said
    assert first.stage == stage_of(first) == "production"
    client.post(page(second, "stage/production/"), {"reason": "Better on claims."})
    assert [stage_of(first), stage_of(second)] == ["retired", "production"]
    assert StageChange.objects.get(cause="moved").reason == "Better on claims."


def test_a_gate_refuses_in_the_browser_and_the_same_page_says_why(
    version: AdapterVersion, strict: Gate, client_as: As, reviewer: Any
) -> None:
    client = client_as(reviewer)
    asked = read(client, page(version, "stage/candidate/"))
    assert "Held-out loss is 0.500, and at most 0.100 is allowed." in asked
    assert 'type="submit">Make it the candidate' not in asked
    answer = client.post(page(version, "stage/candidate/"))
    assert answer.status_code == 409
    assert "v1 does not pass the gates for Candidate" in answer.content.decode()
    assert stage_of(version) == "draft"


def test_who_decides_on_an_old_page_is_told_who_was_faster(
    make_next: Make, client_as: As, reviewer: Any, maintainer: Any
) -> None:
    first, second = make_next(), make_next()
    actions.move(by=maintainer, version=first, stage="candidate")
    answer = client_as(reviewer).post(page(second, "stage/candidate/"), {"seen": ""})
    assert answer.status_code == 409
    assert "Milo Maintainer was faster" in answer.content.decode()
    assert f'name="seen" value="{standing.last_change(first.adapter)}"' in answer.content.decode()


def test_unknown_stages_are_not_found_and_closed_ways_are_explained(
    version: AdapterVersion, client_as: As, reviewer: Any
) -> None:
    client = client_as(reviewer)
    assert client.get(page(version, "stage/gold/")).status_code == 404
    assert "only a candidate becomes production" in read(client, page(version, "stage/production/"))


def test_viewer_and_trainer_move_nothing_and_a_stranger_finds_nothing(
    version: AdapterVersion, client_as: As, viewer: Any, trainer: Any, stranger: Any
) -> None:
    rollback = f"/t/acme/adapters/{version.adapter.public_id}/rollback/"
    for person, status in ((viewer, 403), (trainer, 403), (stranger, 404)):
        client = client_as(person)
        assert client.post(page(version, "stage/candidate/")).status_code == status
        assert client.get(page(version, "stage/candidate/")).status_code == status
        assert client.post(rollback).status_code == status
    assert "stage/candidate" not in read(client_as(viewer), page(version))
    assert stage_of(version) == "draft"


def test_one_click_rolls_back_and_the_undo_rolls_forward(make_next: Make, client_as: As, reviewer: Any) -> None:
    first, second = make_next(), make_next()
    for one in (first, second):
        actions.move(by=reviewer, version=one, stage="candidate")
        actions.move(by=reviewer, version=one, stage="production")
    client = client_as(reviewer)
    assert "Roll back to v1" in read(client, page(second))
    address = f"/t/acme/adapters/{first.adapter.public_id}/rollback/"
    answer = client.post(address, {"seen": standing.last_change(first.adapter)}, follow=True)
    assert [stage_of(first), stage_of(second)] == ["production", "retired"]
    undo = f"{address}?seen={standing.last_change(first.adapter)}"
    assert undo in answer.content.decode()
    client.post(undo)
    assert [stage_of(first), stage_of(second)] == ["retired", "production"]
    said = client.post(undo, follow=True).content.decode()
    assert "was faster" in said
    assert stage_of(second) == "production"


def test_a_trainer_asks_a_reviewer_finds_it_at_home_and_approves_with_a_word(
    make_next: Make, team: Team, client_as: As, trainer: Any, reviewer: Any, viewer: Any
) -> None:
    version = make_next()
    Gate.objects.create(team=team, stage="candidate", rule=Rule.APPROVALS, limit=1)
    asking = client_as(trainer)
    assert "0 of 1 approval" in read(asking, page(version, "review/"))
    asking.post(page(version, "review/"), {"stage": "candidate", "word": "Better on <b>French</b> claims."})
    home = read(client_as(reviewer), "/t/acme/")
    assert "Tara Trainer asks for a review, for the stage Candidate" in home
    assert "asks for a review" not in read(client_as(viewer), "/t/acme/")
    said = read(client_as(reviewer), page(version))
    assert "Better on &lt;b&gt;French&lt;/b&gt; claims." in said
    answer = page(version, f"review/{Review.objects.get().public_id}/")
    client_as(reviewer).post(answer, {"answer": "approve", "word": "Agreed."})
    assert [str(one.by) for one in standing.approvals(version, "candidate")] == ["Rolf Reviewer"]
    assert "asks for a review" not in read(client_as(reviewer), "/t/acme/")


def test_the_author_sees_no_button_to_approve_and_cannot_force_it(
    make_next: Make, client_as: As, maintainer: Any
) -> None:
    version = make_next(created_by=maintainer)
    review = actions.ask(by=maintainer, version=version, stage="candidate")
    client = client_as(maintainer)
    said = read(client, page(version))
    assert 'value="approve"' not in said
    assert "Take it back" in said
    answer = client.post(page(version, f"review/{review.public_id}/"), {"answer": "approve"})
    assert answer.status_code == 403
    assert standing.approvals(version, "candidate") == []


def test_viewers_neither_ask_nor_answer(version: AdapterVersion, client_as: As, trainer: Any, viewer: Any) -> None:
    review = actions.ask(by=trainer, version=version, stage="candidate")
    client = client_as(viewer)
    assert client.get(page(version, "review/")).status_code == 403
    assert client.post(page(version, "review/"), {"stage": "candidate"}).status_code == 403
    for answer in ("approve", "send_back", ""):
        address = page(version, f"review/{review.public_id}/")
        assert client.post(address, {"answer": answer}).status_code == 403


def test_the_history_holds_moves_refusals_and_what_people_said(
    make_next: Make, strict: Gate, client_as: As, trainer: Any, reviewer: Any, viewer: Any
) -> None:
    version = make_next()
    assert "Nothing was decided yet" in read(client_as(viewer), page(version, "history/"))
    review = actions.ask(by=trainer, version=version, stage="candidate", word="Please look.")
    actions.approve(by=reviewer, review=review, word="Fine <i>by me</i>.")
    client_as(reviewer).post(page(version, "stage/candidate/"))
    strict.delete()
    actions.move(by=reviewer, version=version, stage="candidate", reason="It is good.")
    said = read(client_as(viewer), page(version, "history/"))
    for words in (
        "The last decision: <em>v1 went from Draft to Candidate</em>, by Rolf Reviewer.",
        "<b>v1</b> was refused for Candidate, asked by Rolf Reviewer",
        "Held-out loss is 0.500, and at most 0.100 is allowed.",
        "Tara Trainer asked for a review of <b>v1</b> for Candidate",
        "Fine &lt;i&gt;by me&lt;/i&gt;.",
        "It is good.",
    ):
        assert words in said


def test_the_score_table_shows_what_gates_say_and_without_gates_has_no_such_column(
    version: AdapterVersion, team: Team, client_as: As, viewer: Any
) -> None:
    assert "Gate for" not in read(client_as(viewer), page(version))
    Gate.objects.create(team=team, stage="production", rule=Rule.AT_MOST, score="validation_loss", limit=0.1)
    said = read(client_as(viewer), page(version))
    assert "Gate for Production" in said
    assert 'cell--fail">at most 0.100' in said


def test_the_verdict_says_when_a_version_is_in_production(make_next: Make, client_as: As, viewer: Any) -> None:
    said = read(client_as(viewer), page(make_next(stage="production")))
    assert "In production. Better than its base" in said


def test_an_owner_sets_gates_in_the_browser_and_others_read_them(
    version: AdapterVersion, team: Team, client_as: As, owner: Any, maintainer: Any, stranger: Any
) -> None:
    client, address = client_as(owner), "/t/acme/adapters/gates/"
    body = {"stage": "production", "rule": "at_least", "score": "json_fields", "limit": "90 %"}
    client.post(address, body)
    gate = Gate.objects.get()
    assert gate.limit == 0.9
    said = read(client, address)
    assert "Right form is at least 90\u00a0%" in said
    assert "No version has this score" in said
    assert 'value="90 %"' in read(client, f"{address}{gate.public_id}/")
    client.post(f"{address}{gate.public_id}/", body | {"limit": "0,85"})
    assert Gate.objects.get().limit == 0.85
    other = client_as(maintainer)
    assert "Right form is at least 85\u00a0%" in read(other, address)
    for rest in ("", f"{gate.public_id}/", f"{gate.public_id}/remove/"):
        assert other.post(address + rest, body).status_code == 403
        assert client_as(stranger).post(address + rest, body).status_code == 404
    client.post(f"{address}{gate.public_id}/remove/")
    assert not Gate.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"limit": "many"}, "Write a number"),
        ({"limit": "nan"}, "Write a number"),
        ({"score": ""}, "Name the score that the rule reads"),
        ({"rule": "approvals", "limit": "0"}, "Ask for 1 to 10 approvals"),
        ({"stage": "draft"}, "Select a valid choice"),
    ],
)
def test_a_gate_that_makes_no_sense_is_said_at_its_field(
    team: Team, client_as: As, owner: Any, wrong: dict[str, str], said: str
) -> None:
    body = {"stage": "production", "rule": "at_least", "score": "json_fields", "limit": "0.9"} | wrong
    answer = client_as(owner).post("/t/acme/adapters/gates/", body)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Gate.objects.exists()


def test_a_version_stands_beside_the_one_in_production(make_next: Make, client_as: As, viewer: Any) -> None:
    present, new = make_next(loss=0.9, stage="production"), make_next(loss=0.4)
    said = read(client_as(viewer), page(new))
    assert "v1, production" in said
    assert 'data-label="v1">0.900</td>' in said
    assert ", production" not in read(client_as(viewer), page(present))


def test_the_words_of_people_are_escaped_in_the_history(
    version: AdapterVersion, client_as: As, reviewer: Any, viewer: Any
) -> None:
    actions.move(by=reviewer, version=version, stage="candidate", reason="<script>alert(1)</script>")
    assert "<script>alert(1)" not in read(client_as(viewer), page(version, "history/"))
