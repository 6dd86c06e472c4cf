"""What Celery knows of this worker: one bell, and when to start and stop its crew.

python -m celery -A workers.tasks worker --pool threads --concurrency 2
"""

import atexit
import logging
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

from celery import signals  # noqa: E402 - models can be imported only now

from webapp.celery import app  # noqa: E402
from webapp.contract.queue import BELL_TASK  # noqa: E402
from workers.crew import Crew  # noqa: E402

crew = Crew()

for name in ("celery.worker.strategy", "celery.app.trace"):
    logging.getLogger(name).setLevel(logging.WARNING)  # that a bell was heard is no news


@app.task(name=BELL_TASK, ignore_result=True)
def bell() -> None:
    """There may be work. A bell says no more, so a lost, late or doubled one does no harm."""
    crew.wake()


@signals.worker_init.connect
def _start(**_kwargs: Any) -> None:
    """Before the broker is reached: the crew needs none."""
    crew.start()


@signals.worker_shutting_down.connect
def _stop(**_kwargs: Any) -> None:
    crew.stop()


@signals.worker_shutdown.connect
def _wait(**_kwargs: Any) -> None:
    crew.stop()
    crew.join()


atexit.register(_wait)  # Celery leaves by another door when the broker is away
