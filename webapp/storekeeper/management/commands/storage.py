from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.accounts.models import Team
from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.storekeeper import candidates, disk, forecast, holdings


class Command(BaseCommand):
    help = "Say what lies in storage, what of it may go, and when the disk will be full."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("team", nargs="?", help="the team's address, as in /t/<team>/; all teams without it")

    def handle(self, *args: Any, **options: Any) -> None:
        team = Team.objects.filter(slug=options["team"]).first()
        if options["team"] and team is None:
            raise CommandError(f"There is no team at /t/{options['team']}/.")
        for holding in holdings.of_team(team):
            self._line(holding.label, holding.size_bytes)
        if team is None:
            self._line("Stored, each content once", holdings.stored_bytes())
        for one in [team] if team else Team.objects.order_by("slug"):
            for item in candidates.of_team(one):
                self._line(f"May go in {one.slug}: {item.name}", item.size_bytes)
        self.stdout.write(str(Verdict(forecast.sentence(disk.look().forecast))))

    def _line(self, label: str, size_bytes: int) -> None:
        self.stdout.write(f"{units.filesize(size_bytes):>12}  {label}")
