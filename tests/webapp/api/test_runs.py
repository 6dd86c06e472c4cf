import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from tests.webapp.adapters.conftest import WEIGHTS
from tests.webapp.api.conftest import Program
from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion
from webapp.api import actions
from webapp.api.models import IdempotencyKey
from webapp.jobs.lifecycle import State
from webapp.runs import actions as runs
from webapp.runs.models import Recipe, Run

Make = Callable[..., Program]


@pytest.fixture
def order(team: Team, make_base: Callable[..., Any], make_version: Callable[..., Any]) -> dict[str, Any]:
    """The body of a launch that works."""
    base, data = make_base(), make_version(team=team)
    recipe = Recipe.objects.for_team(team).first()
    assert recipe is not None
    return {"dataset": data.dataset.public_id, "base_model": base.public_id, "recipe": recipe.public_id}


def test_a_run_is_launched_read_listed_and_cancelled(program: Make, trainer: Any, order: dict[str, Any]) -> None:
    asked = program(trainer)
    status, run = asked.ask("POST", "/runs", order | {"name": "from a script", "config": {"lora_r": 4}})
    assert (status, run["state"], run["config"]["lora_r"]) == (201, "queued", 4)
    assert asked.headers["Location"] == f"/api/v1/runs/{run['id']}"
    assert asked.ask("GET", f"/runs/{run['id']}")[1]["name"] == "from a script"
    assert [item["id"] for item in asked.ask("GET", "/runs")[1]["items"]] == [run["id"]]
    status, cancelled = asked.ask("POST", f"/runs/{run['id']}/cancel")
    assert (status, cancelled["state"]) == (200, "cancelled")


def test_the_same_key_starts_one_run_and_with_another_body_is_refused(
    program: Make, trainer: Any, order: dict[str, Any]
) -> None:
    asked = program(trainer)
    first = asked.ask("POST", "/runs", order, **{"idempotency-key": "k1"})[1]
    again = asked.ask("POST", "/runs", order, **{"idempotency-key": "k1"})[1]
    assert first["id"] == again["id"]
    assert Run.objects.count() == 1
    status, problem = asked.ask("POST", "/runs", order | {"name": "x"}, **{"idempotency-key": "k1"})
    assert (status, problem["code"]) == (422, "idempotency_key_reused")


def test_the_repeat_of_a_launch_whose_run_was_deleted_meanwhile_is_not_found(
    program: Make, trainer: Any, order: dict[str, Any]
) -> None:
    asked = program(trainer)
    asked.ask("POST", "/runs", order, **{"idempotency-key": "k1"})
    Run.objects.update(deleted_at=timezone.now())
    status, problem = asked.ask("POST", "/runs", order, **{"idempotency-key": "k1"})
    assert (status, problem["status"]) == (404, 404)


def test_an_answer_is_kept_for_a_day(program: Make, trainer: Any, order: dict[str, Any]) -> None:
    asked = program(trainer)
    for key in ("old", "new"):
        asked.ask("POST", "/runs", order, **{"idempotency-key": key})
    IdempotencyKey.objects.filter(key="old").update(created_at=timezone.now() - dt.timedelta(hours=25))
    assert actions.forget_keys() == 1
    assert IdempotencyKey.objects.get().key == "new"


@pytest.mark.parametrize(
    ("config", "field"),
    [({"lora_r": 0}, "lora_r"), ({"learning_rate": 1e9}, "learning_rate"), ({"lora_rank": 8}, "lora_rank")],
)
def test_a_setting_that_cannot_work_is_refused_by_name(
    program: Make, trainer: Any, order: dict[str, Any], config: dict[str, Any], field: str
) -> None:
    status, problem = program(trainer).ask("POST", "/runs", order | {"config": config})
    assert status == 422
    assert field in problem["field"]
    assert Run.objects.count() == 0


def test_a_base_model_that_does_not_exist_is_not_found(program: Make, trainer: Any, order: dict[str, Any]) -> None:
    status, _problem = program(trainer).ask("POST", "/runs", order | {"base_model": "base_00000000000000000000"})
    assert status == 404


@pytest.mark.row("W1")
def test_a_reviewer_s_token_may_read_runs_and_launch_none(
    program: Make, reviewer: Any, order: dict[str, Any], make_run: Callable[..., Run], team: Team
) -> None:
    make_run(team=team)
    asked = program(reviewer, ("read",))
    assert asked.ask("GET", "/runs")[0] == 200
    assert asked.ask("POST", "/runs", order)[0] == 403


def test_metrics_go_on_after_the_cursor(program: Make, trainer: Any, make_run: Callable[..., Run], team: Team) -> None:
    run, asked = make_run(team=team), program(trainer)
    runs.append_metrics(run=run, attempt=1, points=[(1, {"loss": 3.0}, {}), (2, {"loss": 2.0}, {})])
    first = asked.ask("GET", f"/runs/{run.public_id}/metrics?names=loss")[1]
    assert first["series"]["loss"]["value"] == [3.0, 2.0]
    runs.append_metrics(run=run, attempt=1, points=[(3, {"loss": 1.0}, {})])
    more = asked.ask("GET", f"/runs/{run.public_id}/metrics?names=loss&after={first['cursor']}")[1]
    assert (more["reset"], more["series"]["loss"]["step"]) == (False, [3])


def test_pages_follow_the_cursor_to_the_end_without_a_gap(
    program: Make, trainer: Any, make_run: Callable[..., Run], team: Team
) -> None:
    made = [make_run(team=team, name=f"run {n}", state=State.SUCCEEDED).public_id for n in range(5)]
    asked, seen, cursor = program(trainer), [], ""
    for _page in range(3):
        page = asked.ask("GET", f"/runs?limit=2{cursor}")[1]
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert page["next"] is None
    assert seen == made[::-1]


def test_an_adapter_is_listed_and_read_with_its_hash_scores_and_files(
    program: Make, trainer: Any, version: AdapterVersion
) -> None:
    asked = program(trainer)
    (adapter,) = asked.ask("GET", "/adapters")[1]["items"]
    assert adapter["newest_version"] == 1
    found = asked.ask("GET", f"/adapters/{adapter['id']}/versions/1")[1]
    assert found["sha256"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert found["scores"][0]["base"] == 2.0
    assert [item["path"] for item in found["files"]] == ["adapter_config.json", "adapter_model.safetensors"]


def test_a_deleted_adapter_is_gone_from_the_api(program: Make, trainer: Any, version: AdapterVersion) -> None:
    asked = program(trainer)
    assert asked.ask("DELETE", f"/adapters/{version.adapter.public_id}")[0] == 204
    assert asked.ask("GET", f"/adapters/{version.adapter.public_id}")[0] == 404
