"""What went wrong, in codes that the web tier turns into sentences."""

import errno
from typing import Any

from webapp.contract.codec import ContractError
from webapp.contract.events import Fault


class EngineFault(Exception):
    """The job cannot go on; `fault` says why and `data` names row, field, file or size."""

    def __init__(self, fault: Fault, **data: Any) -> None:
        super().__init__(f"{fault.value}: {data}" if data else fault.value)
        self.fault = fault
        self.data = data


class StopAsked(Exception):
    """A signal asked the program to stop before there was anything worth a checkpoint."""


_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "defaultcpuallocator")
_DISK_WORDS = ("no space left on device", "disk quota exceeded")


def classify(error: BaseException) -> tuple[Fault, dict[str, Any]]:
    """Find the fault behind any exception; what nobody expected is INTERNAL."""
    if isinstance(error, EngineFault):
        return error.fault, error.data
    words = str(error).lower()
    if isinstance(error, MemoryError) or any(hint in words for hint in _MEMORY_WORDS):
        return Fault.OUT_OF_MEMORY, {"message": str(error)[:300]}
    if is_disk_full(error):
        return Fault.DISK_FULL, {"file": str(getattr(error, "filename", None) or "")}
    if isinstance(error, ContractError):
        return Fault.BAD_CONFIG, {"message": str(error)}
    if type(error).__name__ in {"SafetensorError", "ArrowInvalid"}:
        return Fault.DAMAGED_INPUT, {"message": str(error)[:300]}
    return Fault.INTERNAL, {"error": type(error).__name__, "message": str(error)[:300]}


def is_disk_full(error: BaseException) -> bool:
    """Also where a library has put the system's error into words of its own."""
    by_number = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return by_number or any(hint in str(error).lower() for hint in _DISK_WORDS)
