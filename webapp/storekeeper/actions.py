"""Making room: what a person chose, and what a team's rules let go by themselves. Nothing in use ever goes: each thing
is judged once more in its own app's action, under its own lock, in the moment in which it goes to the trash."""

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User
from webapp.adapters import actions as adapters
from webapp.adapters.models import AdapterVersion
from webapp.artifacts import actions as artifacts
from webapp.audit import actions as audit
from webapp.core.faults import UserFault
from webapp.datasets import removing
from webapp.datasets.models import DatasetVersion
from webapp.evaluation import actions as evaluation
from webapp.evaluation.models import Report
from webapp.jobs.lifecycle import OVER
from webapp.runs import actions as runs
from webapp.runs.models import Run
from webapp.storekeeper import candidates, disk, holdings
from webapp.storekeeper.models import DiskSample, Rules

logger = logging.getLogger(__name__)
LONGEST_DAYS = 3650


@dataclass(frozen=True)
class Refusal:
    key: str
    name: str
    why: str


@dataclass(frozen=True)
class Freed:
    """What went to the trash, and what did not, with the reason."""

    keys: list[str]
    size_bytes: int
    refused: list[Refusal]


def free(*, by: User | None, team: Team, keys: Sequence[str]) -> Freed:
    """Move what was chosen to the trash, each on its own, from where it can come back for TRASH_DAYS.

    Only what may go at this moment does, whatever was shown before.
    """
    access.require(by=by, team=team, permission=Permission.TRAIN)
    may_go = {candidate.key: candidate for candidate in candidates.of_team(team)}
    freed, size, refused = list[str](), 0, list[Refusal]()
    for key in dict.fromkeys(keys):
        candidate = may_go.get(key)
        if candidate is None:
            refused.append(Refusal(key, key, _("It is not there any more, or something uses it now.")))
            continue
        try:
            _TO_TRASH[candidate.kind](by, team, candidate.public_id)
        except (UserFault, PermissionDenied) as fault:
            refused.append(Refusal(key, candidate.name, str(fault)))
        else:
            freed.append(key)
            size += candidate.size_bytes
    return Freed(freed, size, refused)


def _free_checkpoints(by: User | None, team: Team, public_id: str) -> None:
    runs.delete_checkpoints(by=by, run=Run.objects.select_related("team").get(team=team, public_id=public_id))


def _free_version(by: User | None, team: Team, public_id: str) -> None:
    versions = AdapterVersion.objects.select_related("adapter__team")
    adapters.delete_version(by=by, version=versions.get(adapter__team=team, public_id=public_id))


def _free_dataset(by: User | None, team: Team, public_id: str) -> None:
    versions = DatasetVersion.objects.select_related("dataset__team", "bundle", "job")
    removing.delete_version(by=by, version=versions.get(dataset__team=team, public_id=public_id))


def _free_report(by: User | None, team: Team, public_id: str) -> None:
    reports = Report.objects.select_related("team", "job", "version__adapter__team")
    evaluation.delete(by=by, report=reports.get(team=team, public_id=public_id))


_TO_TRASH: dict[str, Callable[[User | None, Team, str], None]] = {
    "checkpoints": _free_checkpoints,
    "adapter": _free_version,
    "dataset": _free_dataset,
    "report": _free_report,
}


def rules_of(team: Team) -> Rules:
    return Rules.objects.filter(team=team).first() or Rules(team=team)


@transaction.atomic
def set_rules(*, by: User | None, team: Team, checkpoint_days: int | None) -> Rules:
    """Change what the team lets go by itself; None keeps for ever. Raises UserFault."""
    access.require(by=by, team=team, permission=Permission.MANAGE)
    if checkpoint_days is not None and not 1 <= checkpoint_days <= LONGEST_DAYS:
        message = _("Keep them for 1 to %(longest)s days, or for ever.") % {"longest": LONGEST_DAYS}
        raise UserFault("bad_days", message, field="checkpoint_days")
    rules, _made = Rules.objects.update_or_create(team=team, defaults={"checkpoint_days": checkpoint_days})
    audit.record(by=by, verb="team.rules_changed", team=team, obj=team, data={"checkpoint_days": checkpoint_days})
    return rules


def apply_rules() -> int:
    """Move to the trash what the teams' rules let go; returns how many runs were looked at with success."""
    count = 0
    for team in Team.objects.all():
        rules = rules_of(team)
        if rules.checkpoint_days is not None:
            count += _drop_old_checkpoints(team, before=timezone.now() - dt.timedelta(days=rules.checkpoint_days))
    return count


def _drop_old_checkpoints(team: Team, *, before: dt.datetime) -> int:
    ended = Run.objects.filter(team=team, job__state__in=OVER, job__finished_at__lt=before)
    due = ended.filter(checkpoints__bundle__isnull=False, checkpoints__deleted_at=None).distinct()
    count = 0
    for run in due.select_related("team"):
        try:
            count += bool(runs.delete_checkpoints(by=None, run=run))
        except UserFault as fault:
            logger.info("checkpoints of %s stay: %s", run.public_id, fault)
    return count


def take_sample() -> None:
    """Once a day: how full the disk is, for the forecast, and a look for contents that nobody registered."""
    today = timezone.now().date()
    if DiskSample.objects.filter(day=today).exists():
        return
    artifacts.adopt_strays()
    seen = disk.look()
    sizes = {"used_bytes": seen.used_bytes or holdings.stored_bytes(), "total_bytes": seen.total_bytes or 0}
    DiskSample.objects.get_or_create(day=today, defaults=sizes)
    DiskSample.objects.filter(day__lt=today - dt.timedelta(days=400)).delete()
