"""`manage.py prepare`: what `up` does before it starts anything, where another program starts the processes."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from webapp.launch import first_admin, prepare
from webapp.launch.console import Console
from webapp.launch.errors import LaunchError


class Command(BaseCommand):
    help = "Bring the database up to date, order the starter model, and see that somebody can sign in."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout._out)  # type: ignore[arg-type]
        try:
            console.say("database", prepare.prepare())
            first_admin.ensure(url=settings.PUBLIC_URL, say=console.say)
        except LaunchError as error:
            raise CommandError(str(error)) from error
