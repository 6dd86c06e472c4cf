"""A team's rules for its stages. Only an owner sets them, and each change is on record: there is no other way past."""

import math

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User
from webapp.adapters.models import Gate, Rule, Stage
from webapp.audit import actions as audit
from webapp.core.faults import UserFault

MOST_APPROVALS = 10
MOST_GATES = 40


@transaction.atomic
def add_gate(*, by: User | None, team: Team, stage: str, rule: str, score: str = "", limit: float = 0.0) -> Gate:
    """`limit` is in the score's own unit (0.9 for 90 %, 0.02 for 2 points), or how many approvals are asked."""
    access.require(by=by, team=team, permission=Permission.SET_GATES)
    if team.gates.count() >= MOST_GATES:
        message = _("A team has at most %(count)d gates. Remove one that is not needed.") % {"count": MOST_GATES}
        raise UserFault("too_many_gates", message, status=409)
    gate = Gate(team=team, stage=stage, rule=rule, score=_score(rule, score), limit=limit, created_by=by)
    _save(gate)
    audit.record(by=by, verb="gate.added", team=team, obj=gate, data=_data(gate))
    return gate


@transaction.atomic
def change_gate(*, by: User | None, gate: Gate, stage: str, rule: str, score: str = "", limit: float = 0.0) -> Gate:
    access.require(by=by, team=gate.team, permission=Permission.SET_GATES)
    was = _data(gate)
    gate.stage, gate.rule, gate.score, gate.limit = stage, rule, _score(rule, score), limit
    _save(gate)
    audit.record(by=by, verb="gate.changed", team=gate.team, obj=gate, data=_data(gate) | {"was": was})
    return gate


@transaction.atomic
def remove_gate(*, by: User | None, gate: Gate) -> None:
    access.require(by=by, team=gate.team, permission=Permission.SET_GATES)
    audit.record(by=by, verb="gate.removed", team=gate.team, obj=gate, data=_data(gate))
    gate.delete()


def _score(rule: str, score: str) -> str:
    return "" if rule == Rule.APPROVALS else score.strip()


def _save(gate: Gate) -> None:
    _check(gate)
    try:
        with transaction.atomic():
            gate.save()
    except IntegrityError as error:
        message = _("The team has this gate already. Change that one instead.")
        raise UserFault("gate_exists", message, field="score", status=409) from error


def _check(gate: Gate) -> None:
    if gate.stage not in {Stage.CANDIDATE, Stage.PRODUCTION}:
        raise UserFault("bad_gate", _("A gate stands before candidate or production. Choose one."), field="stage")
    if gate.rule not in Rule.values:
        message = _("This is no rule. The rules are %(rules)s.") % {"rules": ", ".join(Rule.values)}
        raise UserFault("bad_gate", message, field="rule")
    if not math.isfinite(gate.limit):
        raise UserFault("bad_gate", _("The limit is a number, like 0.9."), field="limit")
    if gate.rule == Rule.APPROVALS:
        if gate.limit not in range(1, MOST_APPROVALS + 1):
            message = _("Ask for 1 to %(count)d approvals.") % {"count": MOST_APPROVALS}
            raise UserFault("bad_gate", message, field="limit")
        return
    if not gate.score or len(gate.score) > 80 or not gate.score.isprintable():
        message = _("Name the score that the rule reads, with 1 to 80 visible characters.")
        raise UserFault("bad_gate", message, field="score")
    if gate.rule in {Rule.NEAR_BASE, Rule.NEAR_PRODUCTION} and gate.limit < 0:
        message = _("How much worse it may be is 0 or more; 0 means not at all.")
        raise UserFault("bad_gate", message, field="limit")


def _data(gate: Gate) -> dict[str, str | float]:
    return {"stage": gate.stage, "rule": gate.rule, "score": gate.score, "limit": gate.limit}
