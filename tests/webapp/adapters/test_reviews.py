"""Asking for a stage and answering: four eyes, and approvals that belong to one version."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp.accounts.models import Team
from webapp.adapters import actions, standing
from webapp.adapters.models import AdapterVersion, Gate, Review, Rule
from webapp.core.faults import UserFault
from webapp.notices.models import Notice

Make = Callable[..., AdapterVersion]


@pytest.fixture
def four_eyes(team: Team) -> Gate:
    return Gate.objects.create(team=team, stage="candidate", rule=Rule.APPROVALS, limit=1)


def test_with_an_approval_the_gate_opens_and_without_it_not(
    make_next: Make, four_eyes: Gate, trainer: Any, reviewer: Any
) -> None:
    version = make_next()
    with pytest.raises(UserFault, match=r"0 of 1 approval by people who did not make the version\. Ask for a review"):
        actions.move(by=reviewer, version=version, stage="candidate")
    review = actions.ask(by=trainer, version=version, stage="candidate", word="Better on French claims.")
    actions.approve(by=reviewer, review=review, word="Agreed.")
    actions.move(by=reviewer, version=version, stage="candidate")
    review.refresh_from_db()
    assert review.outcome == Review.Outcome.GRANTED


def test_nobody_approves_what_they_made(make_next: Make, four_eyes: Gate, maintainer: Any, reviewer: Any) -> None:
    version = make_next(created_by=maintainer)
    review = actions.ask(by=maintainer, version=version, stage="candidate")
    with pytest.raises(PermissionDenied, match="somebody else has to approve it"):
        actions.approve(by=maintainer, review=review)
    assert standing.approvals(version, "candidate") == []
    with pytest.raises(UserFault):
        actions.move(by=maintainer, version=version, stage="candidate")


def test_one_person_approves_once_however_often_they_say_so(
    make_next: Make, trainer: Any, reviewer: Any, maintainer: Any
) -> None:
    version = make_next()
    review = actions.ask(by=trainer, version=version, stage="candidate")
    for _time in range(3):
        actions.approve(by=reviewer, review=review)
    assert len(standing.approvals(version, "candidate")) == 1
    actions.approve(by=maintainer, review=review)
    assert len(standing.approvals(version, "candidate")) == 2


def test_an_approval_is_for_this_version_and_this_stage(
    make_next: Make, four_eyes: Gate, trainer: Any, reviewer: Any
) -> None:
    first, second = make_next(), make_next()
    review = actions.ask(by=trainer, version=first, stage="candidate")
    actions.approve(by=reviewer, review=review)
    assert standing.approvals(second, "candidate") == []
    assert standing.approvals(first, "production") == []
    with pytest.raises(UserFault):
        actions.move(by=reviewer, version=second, stage="candidate")


def test_sending_back_closes_the_review_and_voids_its_approvals(
    make_next: Make, four_eyes: Gate, trainer: Any, reviewer: Any, maintainer: Any
) -> None:
    version = make_next()
    review = actions.ask(by=trainer, version=version, stage="candidate")
    actions.approve(by=reviewer, review=review)
    actions.send_back(by=maintainer, review=review, word="It answers in English.")
    assert standing.approvals(version, "candidate") == []
    with pytest.raises(UserFault, match="This review is closed"):
        actions.approve(by=reviewer, review=review)
    again = actions.ask(by=trainer, version=version, stage="candidate")
    assert again.pk != review.pk
    assert standing.approvals(version, "candidate") == []
    actions.approve(by=reviewer, review=again)
    assert len(standing.approvals(version, "candidate")) == 1


def test_who_asked_takes_it_back_and_another_trainer_cannot(make_next: Make, trainer: Any, reviewer: Any) -> None:
    version = make_next()
    review = actions.ask(by=reviewer, version=version, stage="candidate")
    with pytest.raises(PermissionDenied):
        actions.send_back(by=trainer, review=review)
    actions.send_back(by=reviewer, review=review)
    review.refresh_from_db()
    assert review.outcome == Review.Outcome.DROPPED


def test_asking_twice_is_one_review_and_reviewers_are_told_once(
    make_next: Make, trainer: Any, reviewer: Any, maintainer: Any, viewer: Any
) -> None:
    version = make_next()
    first = actions.ask(by=trainer, version=version, stage="candidate", word="Please.")
    assert actions.ask(by=trainer, version=version, stage="candidate") == first
    told = Notice.objects.filter(code="review_asked").values_list("user__email", flat=True)
    assert sorted(told) == sorted([reviewer.email, maintainer.email])


def test_answers_reach_who_asked_and_who_made_it(make_next: Make, trainer: Any, reviewer: Any, maintainer: Any) -> None:
    version = make_next()
    review = actions.ask(by=maintainer, version=version, stage="candidate")
    actions.approve(by=reviewer, review=review)
    told = Notice.objects.filter(code="review_approved").values_list("user__email", flat=True)
    assert sorted(told) == sorted([trainer.email, maintainer.email])


def test_who_may_ask_and_who_may_answer(
    make_next: Make, trainer: Any, reviewer: Any, viewer: Any, stranger: Any
) -> None:
    version = make_next()
    for asked in (lambda person: actions.ask(by=person, version=version, stage="candidate"),):
        with pytest.raises(PermissionDenied):
            asked(viewer)
        with pytest.raises(Http404):
            asked(stranger)
    review = actions.ask(by=reviewer, version=version, stage="candidate")
    for act in (actions.approve, actions.send_back):
        with pytest.raises(PermissionDenied):
            act(by=trainer, review=review)
        with pytest.raises(Http404):
            act(by=stranger, review=review)


@pytest.mark.parametrize("stage", ["production", "retired", "draft", "gold"])
def test_only_the_next_stage_can_be_asked_for(make_next: Make, trainer: Any, stage: str) -> None:
    with pytest.raises(UserFault):
        actions.ask(by=trainer, version=make_next(), stage=stage)
    assert not Review.objects.exists()


def test_a_review_waits_for_those_who_can_still_answer_it(
    make_next: Make, team: Team, trainer: Any, reviewer: Any, maintainer: Any
) -> None:
    version = make_next(created_by=maintainer)
    review = actions.ask(by=trainer, version=version, stage="candidate")
    assert standing.waiting_for(team, reviewer, limit=5) == [review]
    assert standing.waiting_for(team, maintainer, limit=5) == []
    actions.approve(by=reviewer, review=review)
    assert standing.waiting_for(team, reviewer, limit=5) == []


def test_a_version_that_goes_elsewhere_is_reviewed_no_more(make_next: Make, trainer: Any, reviewer: Any) -> None:
    version = make_next()
    review = actions.ask(by=trainer, version=version, stage="candidate")
    actions.move(by=reviewer, version=version, stage="retired")
    review.refresh_from_db()
    assert review.outcome == Review.Outcome.DROPPED
