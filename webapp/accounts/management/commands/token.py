import datetime as dt
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from webapp.accounts import actions
from webapp.accounts.models import Membership
from webapp.accounts.tokens import Scope
from webapp.core.faults import UserFault


class Command(BaseCommand):
    help = "Make an API token for a member of a team and print it. It is shown this once and never kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="whose token it is; what their role forbids, the token cannot do")
        parser.add_argument("team", help="the team's address, as in /t/<team>/")
        parser.add_argument("--name", default="command line", help="what it is for")
        parser.add_argument(
            "--scopes",
            default="read,write,train",
            help=f"comma-separated, of: {', '.join(Scope)} (default %(default)s)",
        )
        parser.add_argument(
            "--days", type=int, default=0, help="how long it lives; 0, the default, until it is revoked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        membership = (
            Membership.objects.select_related("user", "team")
            .filter(user__email=options["email"].strip().lower(), team__slug=options["team"])
            .first()
        )
        if membership is None:
            raise CommandError(
                f"{options['email']} is not a member of a team at /t/{options['team']}/. "
                "Check both; the address of a team stands in the browser's address line."
            )
        if options["days"] < 0:
            raise CommandError("--days is 0 or more.")
        expires_at = timezone.now() + dt.timedelta(days=options["days"]) if options["days"] else None
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        try:
            _token, plain = actions.create_token(
                by=membership.user, team=membership.team, name=options["name"], scopes=scopes, expires_at=expires_at
            )
        except (UserFault, PermissionDenied) as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(plain)
