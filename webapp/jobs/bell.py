"""The doorbell: tells all workers that there is work. A bell that is lost costs seconds, so ringing never fails."""

import logging
import os
import threading
from typing import Any

from django.conf import settings
from kombu import Exchange

from webapp.celery import app
from webapp.contract.queue import BELL_QUEUE, BELL_TASK

logger = logging.getLogger(__name__)

WAIT_SECONDS = 0.5
PAUSE_SECONDS = 5.0

EXCHANGE = Exchange(BELL_QUEUE, type="fanout")


def ring() -> bool:
    """Wake every worker; False when that is not known to have worked. Never raises, never takes over half a second."""
    if not settings.REDIS_URL:
        return False
    return _ringer().ring()


class Ringer:
    """Rings from a thread of its own, so that a broker which hangs cannot hold up a request.

    Bells that are wanted while one is being sent become one. After a failure nobody waits for a few seconds.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._changed = threading.Condition()
        self._wanted = 0
        self._tried = 0
        self._rung = 0
        self._is_away = False
        threading.Thread(target=self._run, name="bell", daemon=True).start()

    def ring(self) -> bool:
        with self._changed:
            self._wanted += 1
            ticket = self._wanted
            self._changed.notify_all()
            if not self._is_away:
                self._is_away = not self._changed.wait_for(lambda: self._tried >= ticket, timeout=WAIT_SECONDS)
            return self._rung >= ticket

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted > self._tried)
                ticket = self._wanted
            is_rung = publish()
            with self._changed:
                self._tried, self._is_away = ticket, not is_rung
                if is_rung:
                    self._rung = ticket
                self._changed.notify_all()
                if not is_rung:
                    # Let nobody hammer a broker that is away; workers look by themselves meanwhile.
                    self._changed.wait_for(lambda: False, timeout=PAUSE_SECONDS)


def publish() -> bool:
    """Send one bell over a connection of its own with short limits; False when the broker did not take it."""
    limits = {"socket_timeout": WAIT_SECONDS, "socket_connect_timeout": WAIT_SECONDS, "max_retries": 0}
    options = {**app.conf.broker_transport_options, **limits}
    try:
        with app.connection_for_write(transport_options=options) as connection:
            producer = app.amqp.Producer(connection.channel())
            place: dict[str, Any] = {"exchange": EXCHANGE.name, "routing_key": BELL_QUEUE, "declare": [EXCHANGE]}
            app.send_task(BELL_TASK, producer=producer, retry=False, **place)
    except Exception as error:
        logger.warning("the broker is away, so workers will find new work by themselves: %s", error)
        return False
    return True


_lock = threading.Lock()
_current: Ringer | None = None


def _ringer() -> Ringer:
    """The one of this process; a forked child starts its own, since threads do not survive a fork."""
    global _current
    with _lock:
        if _current is None or _current.pid != os.getpid():
            _current = Ringer()
        return _current
