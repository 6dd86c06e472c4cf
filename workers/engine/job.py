"""What every kind of job needs while it runs: its folder, its order, its voice, and whether to stop."""

import time
from dataclasses import dataclass, field
from typing import Any

from webapp.contract import events, spec
from workers.engine.faults import StopAsked
from workers.engine.order import JobFolder

LOOK_SECONDS = 0.2


class Stop:
    """Set by a signal, looked at between steps."""

    def __init__(self) -> None:
        self.is_asked = False

    def ask(self, *_signal: Any) -> None:
        self.is_asked = True

    def sleep(self, seconds: float) -> None:
        """Wait so long. Raises StopAsked as soon as a stop is asked for."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, LOOK_SECONDS))
        self.check()

    def check(self) -> None:
        """Raises StopAsked, where there is nothing to save yet."""
        if self.is_asked:
            raise StopAsked


@dataclass(frozen=True)
class Job:
    folder: JobFolder
    order: spec.Order
    writer: events.Writer
    versions: dict[str, str]
    stop: Stop = field(default_factory=Stop)

    def say(self, event: events.Event) -> None:
        self.writer.say(event)

    def enter(self, phase: events.Phase) -> None:
        """Begin a phase, unless we were asked to stop."""
        self.stop.check()
        self.say(events.PhaseChanged(phase=phase))

    def note(self, code: str, *, is_warning: bool = False, **data: Any) -> None:
        self.say(events.Noted(code=code, data=data, is_warning=is_warning))
