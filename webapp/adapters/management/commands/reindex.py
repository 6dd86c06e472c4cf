from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.accounts.models import Team
from webapp.adapters import actions


class Command(BaseCommand):
    help = "Write the catalog's lists, its search index and the numbers beside its filters anew, from what is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("team", nargs="*", help="addresses of teams, as in /t/<team>/; without one, all teams")

    def handle(self, *args: Any, **options: Any) -> None:
        teams = Team.objects.order_by("slug")
        if options["team"]:
            teams = teams.filter(slug__in=options["team"])
            unknown = set(options["team"]) - set(teams.values_list("slug", flat=True))
            if unknown:
                raise CommandError(f"There is no team at /t/{min(unknown)}/.")
        for team in teams:
            count = actions.relist_team(team=team)
            self.stdout.write(f"{team.slug}: {count} adapter{'' if count == 1 else 's'}")
