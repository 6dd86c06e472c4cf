"""A real Celery worker whose programs are played: `celery -A tests.fakes.worker worker …`.

`LOOK_SECONDS` is how often it looks for work by itself.
"""

import os

from workers.tasks import app  # first: it sets Django up

from django.conf import settings  # isort: skip

from webapp.contract.spec import JobKind
from workers import child, machine, results

settings.IDLE_LOOK_SECONDS = float(os.environ.get("LOOK_SECONDS", "10"))
child.PROGRAMS = dict.fromkeys(JobKind, "tests.fakes.engine")
results.hand_over = lambda result: None
results.tell_failed = lambda job: None
machine._probe = lambda device: None

__all__ = ["app"]
