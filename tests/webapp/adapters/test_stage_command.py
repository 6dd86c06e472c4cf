"""manage.py stage: the same rights and gates as every other door."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion, Gate, Rule, StageChange

Make = Callable[..., AdapterVersion]


def run(version: AdapterVersion, stage: str, by: Any, **more: str) -> str:
    out = StringIO()
    email = by if isinstance(by, str) else by.email
    call_command("stage", version.adapter.public_id, version.number, stage, "--by", email, stdout=out, **more)
    return out.getvalue()


def test_it_moves_a_version_and_says_so(version: AdapterVersion, reviewer: Any) -> None:
    assert run(version, "candidate", reviewer, reason="from a script") == "workshop v1: draft to candidate\n"
    change = StageChange.objects.get()
    assert (change.by, change.reason) == (reviewer, "from a script")


def test_it_rolls_back(make_next: Make, reviewer: Any) -> None:
    first, second = make_next(), make_next()
    for one in (first, second):
        run(one, "candidate", reviewer)
        run(one, "production", reviewer)
    with pytest.raises(CommandError, match="v1 is not in production"):
        run(first, "rollback", reviewer)
    assert run(AdapterVersion.objects.get(pk=second.pk), "rollback", reviewer) == "workshop v1: retired to production\n"


def test_a_gate_refuses_here_too(version: AdapterVersion, team: Team, reviewer: Any) -> None:
    Gate.objects.create(team=team, stage="candidate", rule=Rule.AT_MOST, score="validation_loss", limit=0.1)
    with pytest.raises(CommandError, match="v1 does not pass the gates for Candidate"):
        run(version, "candidate", reviewer)
    version.refresh_from_db()
    assert version.stage == "draft"
    assert StageChange.objects.get().refusal == "gate"


def test_roles_count_here_too(version: AdapterVersion, trainer: Any, stranger: Any) -> None:
    with pytest.raises(CommandError, match="Tara Trainer may not do that: Moving adapters"):
        run(version, "candidate", trainer)
    with pytest.raises(CommandError, match="Sven Stranger is not a member"):
        run(version, "candidate", stranger)
    with pytest.raises(CommandError, match="Nobody with the address"):
        run(version, "candidate", "nobody@example.org")
    with pytest.raises(CommandError, match="There is no v2"):
        version.number = 2
        run(version, "candidate", trainer)
