"""Where things come from, what came of them, and withdrawals."""

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Path, Router

from webapp.accounts.access import Permission
from webapp.api import schemas, show
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem
from webapp.lineage import actions, picture, queries, things
from webapp.lineage.things import Thing

router = Router(tags=["lineage"])
ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


@router.get("/lineage/{id}", response={200: schemas.LineageOut, **ERRORS}, summary="Read a thing's lineage")
def read_lineage(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    """Of a dataset version, base model, recipe, run, adapter version or report. `withdrawals` are those that hold for
    it: its own, and those of what it was made of. `affected` are the ids that its own withdrawal passes on to."""
    who = caller(request)
    return _lineage(who, _thing(who, id))


@router.post("/lineage/{id}/withdraw", response={200: schemas.LineageOut, **ERRORS}, summary="Withdraw a thing")
def withdraw(request: HttpRequest, id: Path[schemas.Id], body: schemas.WithdrawIn) -> Any:
    """A dataset version, a base model (for this team) or an adapter version is not to be used any more. Who made
    something of it or downloaded it is told; new runs on it are refused. Nothing is deleted."""
    who = caller(request)
    thing = _changeable(who, id)
    actions.withdraw(by=who.user, team=who.team, thing=thing, reason=body.reason)
    return _lineage(who, thing)


@router.post("/lineage/{id}/reinstate", response={200: schemas.LineageOut, **ERRORS}, summary="Undo a withdrawal")
def reinstate(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request)
    thing = _changeable(who, id)
    actions.reinstate(by=who.user, team=who.team, thing=thing)
    return _lineage(who, thing)


def _thing(who: Caller, id: str) -> Thing:
    thing = things.find(who.team, [id]).get(id)
    if thing is None:
        raise Http404
    return thing


def _changeable(who: Caller, id: str) -> Thing:
    """The token's scopes must reach as far as the right that the thing needs."""
    thing = _thing(who, id)
    who.requires(thing.right or Permission.MANAGE)
    return thing


def _lineage(who: Caller, thing: Thing) -> dict[str, Any]:
    affected = queries.affected(who.team, thing.public_id)
    return show.lineage(picture.of(who.team, thing), affected)
