"""Moving a version through its stages: who may, which way, past which gates, and what is kept of it."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.webapp.at_once import at_once
from webapp.accounts.models import Team
from webapp.adapters import actions, stages, standing
from webapp.adapters.models import AdapterVersion, Gate, Rule, Score, Stage, StageChange
from webapp.artifacts import storage
from webapp.audit.models import Event
from webapp.core.faults import UserFault
from webapp.lineage import actions as lineage
from webapp.lineage import things
from webapp.notices.models import Notice

Make = Callable[..., AdapterVersion]


def stage_of(version: AdapterVersion) -> str:
    return AdapterVersion.objects.values_list("stage", flat=True).get(pk=version.pk)


def promoted(version: AdapterVersion, by: Any) -> AdapterVersion:
    for stage in ("candidate", "production"):
        actions.move(by=by, version=version, stage=stage)
    return version


def spoil(version: AdapterVersion) -> str:
    """Another content under the same hash, as a failing disk would leave it; returns the file's path."""
    blob = version.bundle.files.get(path="adapter_model.safetensors").blob
    path = storage.path_of(blob.sha256)
    path.chmod(0o600)
    path.write_bytes(b"rotten")
    return "adapter_model.safetensors"


def test_a_version_goes_from_draft_over_candidate_to_production(version: AdapterVersion, reviewer: Any) -> None:
    change = actions.move(by=reviewer, version=version, stage="candidate", reason=" Good on French claims. ")
    assert (stage_of(version), change.from_stage, change.reason) == ("candidate", "draft", "Good on French claims.")
    actions.move(by=reviewer, version=version, stage="production")
    assert stage_of(version) == "production"
    kept = StageChange.objects.order_by("id").values_list("from_stage", "to_stage", "cause", "refusal", "by__email")
    assert list(kept) == [
        ("draft", "candidate", "moved", "", reviewer.email),
        ("candidate", "production", "moved", "", reviewer.email),
    ]
    verbs = Event.objects.filter(verb="adapter.moved").order_by("id").values_list("actor_id", "data__to")
    assert list(verbs) == [(reviewer.public_id, "candidate"), (reviewer.public_id, "production")]


@pytest.mark.parametrize(("start", "end"), [pair for pair in itertools.product(Stage, Stage) if pair[0] != pair[1]])
def test_only_the_ways_of_the_table_are_open(version: AdapterVersion, reviewer: Any, start: Stage, end: Stage) -> None:
    AdapterVersion.objects.filter(pk=version.pk).update(stage=start)
    if stages.can_move(start, end):
        actions.move(by=reviewer, version=version, stage=end)
        assert stage_of(version) == end
    else:
        with pytest.raises(UserFault) as raised:
            actions.move(by=reviewer, version=version, stage=end)
        assert (raised.value.code, raised.value.status, stage_of(version)) == ("no_way", 409, start)


def test_production_is_entered_from_candidate_alone() -> None:
    assert [start for start in Stage if stages.can_move(start, Stage.PRODUCTION)] == [Stage.CANDIDATE]


def test_the_holder_of_production_is_retired_and_the_holder_of_candidate_is_a_draft_again(
    make_next: Make, reviewer: Any
) -> None:
    first, second, third = make_next(), make_next(), make_next()
    promoted(first, reviewer)
    actions.move(by=reviewer, version=second, stage="candidate")
    actions.move(by=reviewer, version=third, stage="candidate")
    assert [stage_of(one) for one in (first, second, third)] == ["production", "draft", "candidate"]
    actions.move(by=reviewer, version=third, stage="production")
    assert [stage_of(one) for one in (first, second, third)] == ["retired", "draft", "production"]
    displaced = StageChange.objects.filter(cause="displaced").order_by("id").values_list("number", "to_stage")
    assert list(displaced) == [(2, "draft"), (1, "retired")]


def test_who_may_not_review_moves_nothing_and_a_stranger_learns_nothing(
    version: AdapterVersion, trainer: Any, viewer: Any, stranger: Any
) -> None:
    for person in (trainer, viewer):
        with pytest.raises(PermissionDenied, match="Moving adapters through their stages needs the role"):
            actions.move(by=person, version=version, stage="candidate")
        with pytest.raises(PermissionDenied):
            actions.rollback(by=person, adapter=version.adapter)
    with pytest.raises(Http404):
        actions.move(by=stranger, version=version, stage="candidate")
    assert not StageChange.objects.exists()


@pytest.mark.parametrize(
    ("stage", "code"), [("gold", "unknown_stage"), ("", "unknown_stage"), ("draft", "already_there")]
)
def test_a_stage_that_is_none_or_is_held_already_is_refused(
    version: AdapterVersion, reviewer: Any, stage: str, code: str
) -> None:
    with pytest.raises(UserFault) as raised:
        actions.move(by=reviewer, version=version, stage=stage)
    assert raised.value.code == code


def test_author_and_displaced_author_are_told_and_who_did_it_is_not(
    make_next: Make, reviewer: Any, trainer: Any, maintainer: Any
) -> None:
    first = make_next(created_by=maintainer)
    promoted(first, maintainer)
    Notice.objects.all().delete()
    promoted(make_next(), reviewer)
    told = sorted(Notice.objects.values_list("user__email", "code"))
    assert told == sorted(
        [
            (trainer.email, "adapter_candidate"),
            (trainer.email, "adapter_production"),
            (maintainer.email, "adapter_retired"),
        ]
    )


def test_who_decides_after_another_did_is_told_who_and_what(make_next: Make, reviewer: Any, maintainer: Any) -> None:
    first, second = make_next(), make_next()
    seen = standing.last_change(first.adapter)
    actions.move(by=maintainer, version=first, stage="candidate", seen=seen)
    with pytest.raises(UserFault) as raised:
        actions.move(by=reviewer, version=second, stage="candidate", seen=seen)
    assert (raised.value.status, raised.value.code) == (409, "decided_meanwhile")
    assert "Milo Maintainer was faster: v1 went from Draft to Candidate" in raised.value.message
    assert [stage_of(first), stage_of(second)] == ["candidate", "draft"]


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_promote_at_once_one_wins_and_the_other_reads_who(
    make_next: Make, reviewer: Any, maintainer: Any
) -> None:
    first, second = make_next(stage="production"), make_next()
    third = make_next()
    seen = standing.last_change(first.adapter)
    results = at_once(
        [
            lambda: actions.move(by=reviewer, version=second, stage="candidate", seen=seen),
            lambda: actions.move(by=maintainer, version=third, stage="candidate", seen=seen),
        ]
    )
    (won,) = [one for one in results if isinstance(one, StageChange)]
    (lost,) = [one for one in results if isinstance(one, UserFault)]
    assert (lost.status, lost.code) == (409, "decided_meanwhile")
    assert str(won.by) in lost.message
    assert AdapterVersion.objects.filter(stage="candidate").get().pk == won.version_id
    assert StageChange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_promotion_and_a_rollback_at_once_leave_one_version_in_production(
    make_next: Make, reviewer: Any, maintainer: Any
) -> None:
    promoted(make_next(), reviewer)
    second = promoted(make_next(), reviewer)
    third = make_next()
    actions.move(by=reviewer, version=third, stage="candidate")
    adapter, seen = second.adapter, standing.last_change(second.adapter)
    results = at_once(
        [
            lambda: actions.move(by=reviewer, version=third, stage="production", seen=seen),
            lambda: actions.rollback(by=maintainer, adapter=adapter, seen=seen),
        ]
    )
    assert sorted(type(one).__name__ for one in results) == ["StageChange", "UserFault"]
    (won,) = [one for one in results if isinstance(one, StageChange)]
    assert AdapterVersion.objects.filter(stage="production").get().pk == won.version_id


# Gates.


def gate(team: Team, rule: Rule, score: str = "", limit: float = 0.0, stage: str = "production") -> Gate:
    return Gate.objects.create(team=team, stage=stage, rule=rule, score=score, limit=limit)


def test_a_gate_that_is_not_passed_refuses_and_the_decision_is_kept(make_next: Make, team: Team, reviewer: Any) -> None:
    version = make_next(loss=0.8)
    gate(team, Rule.AT_MOST, "validation_loss", 0.5)
    actions.move(by=reviewer, version=version, stage="candidate")
    with pytest.raises(UserFault) as raised:
        actions.move(by=reviewer, version=version, stage="production", reason="in a hurry")
    fault = raised.value
    assert (fault.status, fault.code, stage_of(version)) == (409, "gate_refused", "candidate")
    assert "Held-out loss is 0.800, and at most 0.500 is allowed." in fault.message
    assert fault.data["gates"][0]["outcome"] == "failed"
    kept = StageChange.objects.get(refusal="gate")
    assert (kept.by, kept.reason, kept.to_stage) == (reviewer, "in a hurry", "production")
    assert kept.decision["gates"][0]["value"] == 0.8
    assert Event.objects.filter(verb="adapter.move_refused").exists()


def test_a_refused_move_does_not_count_as_a_change_for_who_looked_before(
    make_next: Make, team: Team, reviewer: Any
) -> None:
    version = make_next(loss=0.8, stage="candidate")
    only = gate(team, Rule.AT_MOST, "validation_loss", 0.5)
    seen = standing.last_change(version.adapter)
    with pytest.raises(UserFault):
        actions.move(by=reviewer, version=version, stage="production", seen=seen)
    only.delete()
    actions.move(by=reviewer, version=version, stage="production", seen=seen)
    assert stage_of(version) == "production"


def test_a_gate_whose_suite_was_deleted_refuses_and_says_what_to_do(
    make_next: Make, team: Team, reviewer: Any, owner: Any
) -> None:
    version = make_next(stage="candidate")
    Score.objects.create(version=version, name="suite.claims", value=0.97, source_id="suite_1")
    only = gate(team, Rule.AT_LEAST, "suite.claims", 0.9)
    assert [result.outcome for result in standing.results(version, "production")] == ["passed"]
    Score.objects.filter(source_id="suite_1").delete()
    with pytest.raises(UserFault, match="no version of the team has such a score"):
        actions.move(by=reviewer, version=version, stage="production")
    assert stage_of(version) == "candidate"
    actions.remove_gate(by=owner, gate=only)
    actions.move(by=reviewer, version=version, stage="production")
    assert stage_of(version) == "production"


def test_the_newest_value_of_a_score_counts(make_next: Make, team: Team, reviewer: Any) -> None:
    version = make_next(stage="candidate")
    for source, value in (("rep_1", 0.5), ("rep_2", 0.95)):
        actions.record_score(version=version, name="json_fields", value=value, base_value=None, source_id=source)
    gate(team, Rule.AT_LEAST, "json_fields", 0.9)
    actions.move(by=reviewer, version=version, stage="production")
    assert stage_of(version) == "production"


def test_gates_of_another_team_or_stage_ask_nothing(
    make_next: Make, team: Team, other_team: Team, reviewer: Any
) -> None:
    version = make_next(stage="candidate", loss=9.0)
    gate(other_team, Rule.AT_MOST, "validation_loss", 0.5)
    gate(team, Rule.AT_MOST, "validation_loss", 0.5, stage="candidate")
    actions.move(by=reviewer, version=version, stage="production")
    assert stage_of(version) == "production"


def test_a_version_is_not_compared_with_itself(make_next: Make, team: Team, reviewer: Any) -> None:
    present, better, worse = make_next(loss=0.5), make_next(loss=0.4), make_next(loss=0.6)
    promoted(present, reviewer)
    gate(team, Rule.NEAR_PRODUCTION, "validation_loss", 0.0)
    assert standing.results(present, "production")[0].has_passed
    assert standing.results(better, "production")[0].has_passed
    assert not standing.results(worse, "production")[0].has_passed


# Files and rolling back.


def test_a_version_with_a_damaged_file_does_not_get_into_production_and_the_file_is_named(
    make_next: Make, reviewer: Any
) -> None:
    version = make_next(stage="candidate")
    path = spoil(version)
    with pytest.raises(UserFault) as raised:
        actions.move(by=reviewer, version=version, stage="production")
    assert raised.value.code == "files_damaged"
    assert f"{path} is damaged" in raised.value.message
    assert stage_of(version) == "candidate"


def test_what_was_withdrawn_does_not_get_into_production_nor_back_into_it(
    make_next: Make, reviewer: Any, owner: Any
) -> None:
    """By the withdrawal of the data it was made of, whoever asks and however; every refusal is kept."""
    first, second = promoted(make_next(), reviewer), promoted(make_next(), reviewer)
    team, run = first.adapter.team, first.run
    assert run is not None
    lineage.connect(team=team, source=run.dataset_version.public_id, target=run.public_id, relation="data")
    thing = things.find(team, [run.dataset_version.public_id])[run.dataset_version.public_id]
    lineage.withdraw(by=owner, team=team, thing=thing, reason="no consent")
    with pytest.raises(UserFault, match=r"was withdrawn \(no consent\)"):
        actions.rollback(by=reviewer, adapter=first.adapter)
    actions.move(by=reviewer, version=first, stage="draft")
    actions.move(by=reviewer, version=first, stage="candidate")  # may still be looked at
    with pytest.raises(UserFault) as raised:
        actions.move(by=reviewer, version=first, stage="production")
    assert (raised.value.code, raised.value.status) == ("withdrawn", 409)
    assert stage_of(second) == "production"
    assert StageChange.objects.filter(refusal="origin").count() == 2
    lineage.reinstate(by=owner, team=team, thing=thing)
    actions.move(by=reviewer, version=first, stage="production")
    assert stage_of(first) == "production"


def test_a_rollback_brings_back_the_version_before_and_a_second_one_undoes_it(make_next: Make, reviewer: Any) -> None:
    first, second = promoted(make_next(), reviewer), promoted(make_next(), reviewer)
    change = actions.rollback(by=reviewer, adapter=first.adapter, reason="answers in English")
    assert (change.cause, change.number) == ("rolled_back", 1)
    assert [stage_of(first), stage_of(second)] == ["production", "retired"]
    actions.rollback(by=reviewer, adapter=first.adapter)
    assert [stage_of(first), stage_of(second)] == ["retired", "production"]


def test_a_version_that_was_retired_without_a_successor_comes_back_by_a_rollback(
    make_next: Make, reviewer: Any
) -> None:
    only = promoted(make_next(), reviewer)
    actions.move(by=reviewer, version=only, stage="retired")
    actions.rollback(by=reviewer, adapter=only.adapter)
    assert stage_of(only) == "production"


def test_a_version_in_the_trash_is_not_where_a_rollback_leads(make_next: Make, reviewer: Any, trainer: Any) -> None:
    first, second, third = (promoted(make_next(), reviewer) for _number in range(3))
    actions.delete_version(by=trainer, version=second)
    assert standing.before_production(third.adapter) == first
    actions.rollback(by=reviewer, adapter=third.adapter)
    assert [stage_of(first), stage_of(third)] == ["production", "retired"]


def test_a_rollback_to_damaged_or_missing_files_names_them_and_changes_nothing(make_next: Make, reviewer: Any) -> None:
    first, second = promoted(make_next(), reviewer), promoted(make_next(), reviewer)
    path = spoil(first)
    with pytest.raises(UserFault, match=f"v1 cannot be in production: {path} is damaged"):
        actions.rollback(by=reviewer, adapter=first.adapter)
    storage.delete(first.bundle.files.get(path=path).blob.sha256)
    with pytest.raises(UserFault, match=f"{path} is missing"):
        actions.rollback(by=reviewer, adapter=first.adapter)
    assert [stage_of(first), stage_of(second)] == ["retired", "production"]
    kept = StageChange.objects.filter(refusal="files").order_by("id")
    assert [row.decision["files"][0]["is_missing"] for row in kept] == [False, True]


def test_without_an_earlier_production_version_there_is_nothing_to_roll_back_to(make_next: Make, reviewer: Any) -> None:
    only = promoted(make_next(), reviewer)
    with pytest.raises(UserFault, match="nothing to roll back to"):
        actions.rollback(by=reviewer, adapter=only.adapter)


def test_a_rollback_notes_what_the_gates_say_and_is_not_held_up_by_them(
    make_next: Make, team: Team, reviewer: Any
) -> None:
    first = promoted(make_next(loss=0.9), reviewer)
    second = promoted(make_next(loss=0.4), reviewer)
    gate(team, Rule.NEAR_PRODUCTION, "validation_loss", 0.0)
    change = actions.rollback(by=reviewer, adapter=first.adapter)
    assert change.decision["gates"][0]["outcome"] == "failed"
    assert [stage_of(first), stage_of(second)] == ["production", "retired"]


def test_a_deleted_adapter_is_moved_no_more(version: AdapterVersion, trainer: Any, reviewer: Any) -> None:
    actions.delete(by=trainer, adapter=version.adapter)
    with pytest.raises(UserFault, match="was deleted meanwhile"):
        actions.move(by=reviewer, version=version, stage="candidate")
