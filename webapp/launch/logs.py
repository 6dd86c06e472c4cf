"""Log files that cannot fill a disk."""

from collections.abc import Callable
from pathlib import Path

LARGEST_BYTES = 10 * 1024 * 1024


class Log:
    """Lines of one program, in a file and on the terminal. A full file makes room by becoming `.1`."""

    def __init__(self, path: Path, *, show: Callable[[str], None], largest_bytes: int = LARGEST_BYTES) -> None:
        self._path = path
        self._show = show
        self._largest_bytes = largest_bytes
        self._file = path.open("ab", buffering=0)

    def write(self, line: str) -> None:
        self._show(line)
        try:
            if self._file.tell() > self._largest_bytes:
                self._turn()
            self._file.write(f"{line}\n".encode())
        except OSError:
            pass  # a full disk must not end the programs; the terminal has the line

    def _turn(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_suffix(".log.1"))
        self._file = self._path.open("ab", buffering=0)

    def close(self) -> None:
        self._file.close()
