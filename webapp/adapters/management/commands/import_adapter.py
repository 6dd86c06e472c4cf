from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from webapp.accounts.models import Membership
from webapp.adapters import actions, imported
from webapp.artifacts import actions as artifacts
from webapp.contract.spec import ADAPTER_FILES
from webapp.core.faults import UserFault


class Command(BaseCommand):
    help = (
        "Bring an adapter that was trained elsewhere: a folder with adapter_model.safetensors and "
        "adapter_config.json, or a zip of one. A worker checks it; the page that is printed says what came of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the folder, or the zip")
        parser.add_argument("email", help="who brings it")
        parser.add_argument("team", help="the team's address, as in /t/<team>/")
        parser.add_argument("base", help="the base model that it was trained on: its name as under Base models, or id")
        parser.add_argument("--name", default="", help="of the adapter in the catalog (default: that of the path)")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["path"]
        files = [path] if path.is_file() else [path / name for name in ADAPTER_FILES if (path / name).is_file()]
        if not files:
            raise CommandError(f"{path} is no file, and no folder with {ADAPTER_FILES[0]} in it.")
        found = Membership.objects.select_related("user", "team").filter(
            user__email=options["email"].strip().lower(), team__slug=options["team"]
        )
        membership = found.first()
        if membership is None:
            raise CommandError(f"{options['email']} is not a member of a team at /t/{options['team']}/.")
        team, user = membership.team, membership.user
        bases = {name: base for base in imported.bases(team) for name in (base.public_id, base.name)}
        if options["base"] not in bases:
            raise CommandError(f"No base model {options['base']} is ready here. There are: {', '.join(sorted(bases))}.")
        try:
            uploads = [artifacts.receive_path(by=user, team=team, path=file, file_name=file.name) for file in files]
            made = actions.import_uploads(
                by=user,
                team=team,
                uploads=uploads,
                base_model=bases[options["base"]],
                name=options["name"] or path.resolve().stem,
            )
        except (UserFault, PermissionDenied) as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(f"/t/{team.slug}/adapters/import/{made.public_id}/")
