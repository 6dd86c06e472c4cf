"""How reading a file as a whole can end early."""

from typing import Any

from webapp.contract import events


class Refused(Exception):
    """The file cannot be read; `fault` and `data` become the job's last word."""

    def __init__(self, fault: events.Fault, **data: Any) -> None:
        super().__init__(fault, data)
        self.fault, self.data = fault, data


class Stopped(Exception):
    """Someone asked the reader to stop."""


class Stop:
    """Set by a signal, looked at after every chunk."""

    def __init__(self) -> None:
        self.is_asked = False
