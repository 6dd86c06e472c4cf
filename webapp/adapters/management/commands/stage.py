from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.http import Http404

from webapp.accounts.models import User
from webapp.adapters import actions
from webapp.adapters.models import AdapterVersion, Stage
from webapp.core.faults import UserFault

ROLLBACK = "rollback"


class Command(BaseCommand):
    help = "Move an adapter version to another stage, as a member of its team: the same rights and gates as elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("adapter", help="its id, as in its page's address: adp_…")
        parser.add_argument("version", type=int, help="the version's number: 3 for v3")
        parser.add_argument(
            "stage",
            choices=[*Stage.values, ROLLBACK],
            help="where it goes; “rollback”, with the version that is in production, brings the one before it back",
        )
        parser.add_argument("--by", required=True, metavar="EMAIL", help="who decides; their role must allow it")
        parser.add_argument("--reason", default="", help="why; it stands in the history")

    def handle(self, *args: Any, **options: Any) -> None:
        version = _version(options["adapter"], options["version"])
        by = User.objects.filter(email=options["by"].strip().lower(), is_active=True).first()
        if by is None:
            raise CommandError(f"Nobody with the address {options['by']} has an account here.")
        try:
            change = _act(by, version, options["stage"], options["reason"])
        except UserFault as fault:
            raise CommandError(fault.message) from fault
        except PermissionDenied as fault:
            raise CommandError(f"{by} may not do that: {fault}.") from fault
        except Http404 as fault:
            raise CommandError(f"{by} is not a member of the team {version.adapter.team}.") from fault
        self.stdout.write(f"{version.adapter} v{change.number}: {change.from_stage} to {change.to_stage}")


def _version(adapter_id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.select_related("adapter__team")
    found = versions.filter(adapter__public_id=adapter_id, adapter__deleted_at=None, number=number).first()
    if found is None:
        raise CommandError(f"There is no v{number} of an adapter {adapter_id}. Its page's address holds its id.")
    return found


def _act(by: User, version: AdapterVersion, stage: str, reason: str) -> Any:
    if stage != ROLLBACK:
        return actions.move(by=by, version=version, stage=stage, reason=reason)
    if version.stage != Stage.PRODUCTION:
        raise CommandError(f"v{version.number} is not in production, so it is not what a rollback would replace.")
    return actions.rollback(by=by, adapter=version.adapter, reason=reason)
