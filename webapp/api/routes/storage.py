"""What lies in storage, and making room."""

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Router

from webapp.accounts.access import Permission
from webapp.accounts.models import Team
from webapp.api import schemas
from webapp.api.auth import caller
from webapp.api.problems import Problem
from webapp.core.verdict import Verdict
from webapp.storekeeper import actions, candidates, disk, forecast, holdings

router = Router()
ERRORS = {401: Problem, 403: Problem, 422: Problem}


@router.get("/storage", response={200: schemas.StorageOut, **ERRORS}, tags=["storage"], summary="Read the storage")
def read_storage(request: HttpRequest) -> Any:
    return _storage(caller(request).team)


@router.post("/storage/free", response={200: schemas.FreedOut, **ERRORS}, tags=["storage"], summary="Make room")
def free_storage(request: HttpRequest, body: schemas.FreeIn) -> Any:
    """Moves things of `may_go` to the trash. What may not go any more is refused with the reason; the rest goes."""
    who = caller(request, Permission.TRAIN)
    freed = actions.free(by=who.user, team=who.team, keys=body.items)
    refused = [{"key": refusal.key, "why": refusal.why} for refusal in freed.refused]
    return {"freed": freed.keys, "size_bytes": freed.size_bytes, "refused": refused}


@router.put("/storage/rules", response={200: schemas.StorageOut, **ERRORS}, tags=["storage"], summary="Set the rules")
def set_storage_rules(request: HttpRequest, body: schemas.RulesIn) -> Any:
    """What goes to the trash by itself."""
    who = caller(request, Permission.MANAGE)
    actions.set_rules(by=who.user, team=who.team, checkpoint_days=body.checkpoint_days)
    return _storage(who.team)


def _storage(team: Team) -> dict[str, Any]:
    seen = disk.look()
    return {
        "holdings": [{"label": found.label, **asdict(found)} for found in holdings.of_team(team)],
        "may_go": [{"key": found.key, **asdict(found)} for found in candidates.of_team(team)],
        "disk_total_bytes": seen.total_bytes,
        "disk_free_bytes": seen.free_bytes,
        "outlook": seen.forecast.outlook,
        "days_left": seen.forecast.days_left,
        "forecast": str(Verdict(forecast.sentence(seen.forecast))),
        "checkpoint_days": actions.rules_of(team).checkpoint_days,
    }
