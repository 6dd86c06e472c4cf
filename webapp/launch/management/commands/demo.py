"""`manage.py demo`: start everything, train a real adapter on the sample through the REST API, show what came of it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from webapp.launch import interrupts, prepare
from webapp.launch.demo import cast, pages
from webapp.launch.demo.client import Client, DemoError
from webapp.launch.demo.screen import Screen
from webapp.launch.demo.story import Outcome, Story
from webapp.launch.errors import LaunchError
from webapp.launch.launcher import Launcher

PROBE_SECONDS = 120


class Command(BaseCommand):
    help = "Start Tunesmith, train a real adapter on the sample dataset, and show what came of it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1", help="address to listen on")
        parser.add_argument("--port", default=os.environ.get("PORT", ""), help="port; without it a free one is chosen")
        parser.add_argument("--exit", action="store_true", help="end afterwards, with status 0 if all went well")
        parser.add_argument("--target", default="demo-result", help="folder for the downloaded adapter")

    def handle(self, *args: Any, **options: Any) -> None:
        screen = Screen()
        launcher = Launcher(
            folder=settings.STATE_DIR,
            host=options["host"],
            port=options["port"],
            say=lambda name, text: None,
            show=lambda name, line: None,  # the log files have every line
            worker_ended=prepare.tell_worker_exited,
        )
        with interrupts.as_keyboard_interrupts():
            try:
                is_good = _perform(launcher, screen, Path(options["target"]), stays=not options["exit"])
            except LaunchError as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                is_good = not options["exit"]
            finally:
                screen.console.show_cursor(True)  # a progress bar that was broken off hides it
                screen.line("Stopping …")
                launcher.stop()
        if not is_good:
            sys.exit(1)


def _perform(launcher: Launcher, screen: Screen, target: Path, *, stays: bool) -> bool:
    started_at = float(os.environ.get("TUNESMITH_DEMO_STARTED_AT") or time.time())
    screen.title("Tunesmith demo")
    launcher.open()
    screen.fact("Database", prepare.prepare())
    player = cast.sign_up()
    connection.close()
    launcher.start()
    pages.welcome(screen, launcher, player)
    client = Client(url=launcher.url, token=player.token)
    story = Story(client=client, screen=screen, target=target.resolve(), started_at=started_at)
    outcome = _tell_while_watching(story, launcher, screen)
    is_good = outcome is not None and pages.ending(screen, outcome, probe(), folder=launcher.folder)
    if stays:
        screen.line(f"\nTunesmith goes on serving at {launcher.url}. Ctrl-C stops it.")
        while True:
            launcher.watch(0.5)
    return is_good


def _tell_while_watching(story: Story, launcher: Launcher, screen: Screen) -> Outcome | None:
    """The story runs in a thread of its own; this one keeps the processes."""
    told: list[Outcome] = []

    def tell() -> None:
        try:
            told.append(story.tell())
        except DemoError as error:
            screen.wrong(f"\nThe demo could not go on: {error}. The logs are in {launcher.folder / 'logs'}.")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    while thread.is_alive():
        launcher.watch(0.2)
    return told[0] if told else None


def probe() -> dict[str, Any] | None:
    """How fast this machine is, beside which the demo's times can be read."""
    command = [sys.executable, "-m", "workers.engine.probe"]
    try:
        said = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, timeout=PROBE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return pages.parse_probe(said.stdout)
