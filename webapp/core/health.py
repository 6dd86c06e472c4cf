"""Is this process alive, and may it get requests?"""

import logging
import shutil
import time

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

logger = logging.getLogger(__name__)

_migrated = False


def checks() -> dict[str, str]:
    """Each part and how it is. "ok" everywhere means ready; "away" is the broker's, without which pages still work."""
    return {"database": _database(), "disk": _disk(), "broker": _broker()}


def is_ready(found: dict[str, str]) -> bool:
    return all(state in {"ok", "away"} for state in found.values())


def _database() -> str:
    """Reachable, and every migration of this version applied (asked until it once was)."""
    global _migrated
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _migrated:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        logger.error("the database does not answer: %s", error)
        return "unreachable"
    return "ok" if _migrated else "not migrated"


def _disk() -> str:
    try:
        free = shutil.disk_usage(settings.STATE_DIR).free
    except OSError as error:
        logger.error("the state folder cannot be read: %s", error)
        return "unreachable"
    return "ok" if free >= settings.DISK_RESERVE_BYTES else "full"


def _broker() -> str:
    if not settings.REDIS_URL:
        return "away"
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5)
    started = time.monotonic()
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        logger.warning("the broker does not answer after %.1f s: %s", time.monotonic() - started, error)
        return "away"
    finally:
        client.close()
    return "ok"
