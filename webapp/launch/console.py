"""What the launcher writes on the terminal."""

import sys
from typing import TextIO

COLOURS = {"web": 36, "worker": 33, "housekeeping": 35}
WIDTH = 12


class Console:
    """Facts of the start in a column, lines of programs with their name in front."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._has_colours = self._out.isatty()

    def say(self, name: str, text: str) -> None:
        first, *rest = text.split("\n")
        self._write(f"  {name:<{WIDTH + 2}}{first}")
        for line in rest:
            self._write(f"    {line}")

    def show(self, name: str, line: str) -> None:
        self._write(f"{self._coloured(f'{name:<{WIDTH}} |', COLOURS.get(name, 0))} {line}")

    def _coloured(self, text: str, colour: int) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._has_colours and colour else text

    def _write(self, text: str) -> None:
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except OSError:
            pass  # the terminal is gone; the log files go on
