"""`manage.py up`: everything on this machine, until Ctrl-C."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.launch import first_admin, interrupts, prepare
from webapp.launch.console import Console
from webapp.launch.errors import LaunchError
from webapp.launch.launcher import Launcher

# What a terminal is spared; the log files have it.
QUIET = {"broker"}  # speaks of the machine's tuning
ORDINARY = " INFO django_structlog.middlewares.request "  # a page that shows progress asks every two seconds


def is_shown(name: str, line: str) -> bool:
    return name not in QUIET and ORDINARY not in line


class Command(BaseCommand):
    help = "Start Tunesmith on this machine: database, broker, web, worker and housekeeping. Ctrl-C stops it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1", help="address to listen on")
        parser.add_argument("--port", default=os.environ.get("PORT", ""), help="port; without it a free one is chosen")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(self.stdout._out)  # type: ignore[arg-type]
        launcher = Launcher(
            folder=settings.STATE_DIR,
            host=options["host"],
            port=options["port"],
            say=console.say,
            show=lambda name, line: console.show(name, line) if is_shown(name, line) else None,
            worker_ended=prepare.tell_worker_exited,
        )
        with interrupts.as_keyboard_interrupts():
            try:
                run(launcher, console)
            except KeyboardInterrupt:
                pass  # the person at the terminal wants an end
            except LaunchError as error:
                raise CommandError(str(error)) from error
            finally:
                launcher.stop()


def run(launcher: Launcher, console: Console) -> None:
    launcher.open()
    console.say("database", prepare.prepare())
    first_admin.ensure(url=launcher.url, say=console.say)
    launcher.start()
    console.say("ready", "Ctrl-C stops it")
    while True:
        launcher.watch(0.5)
