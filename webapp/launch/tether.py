"""`python -m webapp.launch.tether PARENT COMMAND …`: become COMMAND, and be told to end when the parent ends.

Without this a launcher that was killed outright would leave its processes behind, and the next
start would meet them. The request to the kernel outlives `exec`. It is made here and not between
fork and exec, because code there must not run in a program that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def follow_parent(parent: int) -> None:
    """Ask the kernel for SIGTERM when the parent ends; end now if it has ended already."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):  # Linux; elsewhere an orphan is found by the next start
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit(0)


def command(argv: list[str]) -> list[str]:
    """The command line that runs `argv` tethered to this process."""
    return [sys.executable, "-m", "webapp.launch.tether", str(os.getpid()), *argv]


if __name__ == "__main__":
    follow_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the launcher names the program; there is no shell
