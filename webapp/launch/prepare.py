"""What has to be done to the database before anything may use it, and what is told to it afterwards."""

import logging
import socket

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor

from webapp.adapters import actions as adapters
from webapp.basemodels import actions as basemodels
from webapp.fleet import actions as fleet
from webapp.launch.errors import LaunchError

logger = logging.getLogger(__name__)


def prepare() -> str:
    """Bring the database up to this version and order what every installation has; returns in words what was done."""
    done = _migrate()
    basemodels.ensure_starter()
    adapters.relist_missing()
    return done


def _migrate() -> str:
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if missing:
            call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        raise LaunchError(_why_not(error)) from error
    done = f"{missing} migration{'s' if missing != 1 else ''} applied" if missing else "up to date"
    return f"{connection.display_name}, {done}"


def _why_not(error: DatabaseError) -> str:
    first_line = str(error).strip().split("\n")[0]
    if connection.vendor == "sqlite":
        place = settings.DATABASES["default"]["NAME"]
        return f"The database {place} cannot be opened ({first_line}). Check that its disk has space and is writable."
    return f"The database at DATABASE_URL does not answer ({first_line}). Check its address, name, user and password."


def tell_worker_exited(pid: int) -> None:
    """Release what the worker held at once; without this its leases run out by themselves."""
    try:
        fleet.worker_exited(host=socket.gethostname(), pid=pid)
    except DatabaseError as error:
        logger.warning("could not note that worker process %d ended: %s", pid, error)
    finally:
        close_old_connections()
