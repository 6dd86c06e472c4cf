"""What the reader forbids itself before it looks at a stranger's file.

Memory, processor time, file sizes and open files through rlimits; no new sockets and no other
programs through seccomp where the kernel offers it, and through an audit hook everywhere; dies with
its parent. All of it holds for this process only and cannot be taken back.
"""

import ctypes
import logging
import os
import platform
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

MEBIBYTE = 1 << 20
GRACE_CPU_SECONDS = 30  # between SIGXCPU, which is reported, and the kernel's SIGKILL

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 1, 38, 22, 2
_RETURN_ALLOW, _RETURN_ERRNO, _EPERM, _RETURN_KILL = 0x7FFF0000, 0x00050000, 1, 0x80000000
_LOAD_WORD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06

# AUDIT_ARCH constant and the numbers of: socket, connect, bind, execve, execveat, ptrace, io_uring_setup
# (which opens sockets without calling `socket`), process_vm_writev.
_SYSCALLS = {
    "x86_64": (0xC000003E, (41, 42, 49, 59, 322, 101, 425, 311)),
    "aarch64": (0xC00000B7, (198, 203, 200, 221, 281, 117, 425, 271)),
}
_X32_BIT = 0x40000000  # the x86-64 kernel's second table of calls, by which a filter could be passed

_FORBIDDEN_EVENTS = frozenset(
    {"socket.__new__", "socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
    | {"os.fork", "os.forkpty", "pty.spawn"}
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    memory_bytes: int = 512 * MEBIBYTE
    cpu_seconds: int = 600
    file_bytes: int = 1 << 40
    open_files: int = 64


def apply(limits: Limits) -> None:
    """Bind this process for the rest of its life."""
    _die_with_parent()
    _set(resource.RLIMIT_DATA, limits.memory_bytes)
    _set(resource.RLIMIT_FSIZE, limits.file_bytes)
    _set(resource.RLIMIT_NOFILE, limits.open_files)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_CPU, limits.cpu_seconds, hard=limits.cpu_seconds + GRACE_CPU_SECONDS)
    sys.addaudithook(_refuse)
    is_filtered = _filter_syscalls()
    log.info("limits: %s; sockets refused by %s", limits, "seccomp" if is_filtered else "audit hook only")


def _set(what: int, soft: int, *, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(what)[1]
    hard = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(what, (soft, hard))


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN_EVENTS:
        raise PermissionError(f"the reader may not do this: {event}")


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def _filter_syscalls() -> bool:
    """Install a seccomp filter that answers EPERM to network and exec calls. False where it cannot."""
    known = _SYSCALLS.get(platform.machine()) if sys.platform == "linux" else None
    if known is None or sys.maxsize < 2**32:
        return False
    code = _filter_code(*known)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    if prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        log.warning("no seccomp: %s", os.strerror(ctypes.get_errno()))
        return False
    return True


def _filter_code(architecture: int, numbers: tuple[int, ...]) -> bytes:
    """Classic BPF over `struct seccomp_data` (linux/seccomp.h): architecture at byte 4, call number at 0."""
    deny = _RETURN_ERRNO | _EPERM
    code = [
        (_LOAD_WORD, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _RETURN_KILL),
        (_LOAD_WORD, 0, 0, 0),
    ]
    if platform.machine() == "x86_64":
        code += [(_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT), (_RETURN, 0, 0, deny)]
    for number in numbers:
        code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, deny)]
    code.append((_RETURN, 0, 0, _RETURN_ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
