"""Being asked to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def as_keyboard_interrupts() -> Iterator[None]:
    """`kill`, a closed terminal and Ctrl-C all ask for the same: an ordered stop."""
    numbers = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
