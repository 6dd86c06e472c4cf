"""Several acts in the same moment, to see that rows meet the real locks of the database."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread of its own, let go together, and collect what they return."""
    gate, results = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results.append(act())
        except BaseException as error:
            results.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
