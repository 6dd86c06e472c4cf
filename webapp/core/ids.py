"""Public ids, `run_01jd3x7c5k8z0m2vqhtw`: they sort by birth, name their kind, and tell nobody how many there are."""

import secrets
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: no i, l, o, u, so that ids can be read aloud
_TIME_CHARS = 10
_RANDOM_CHARS = 10
_RANDOM_BITS = 5 * _RANDOM_CHARS
MAX_LENGTH = 32

_lock = threading.Lock()
_last_milliseconds = 0
_last_random = 0


def new_id(prefix: str) -> str:
    """A new id, greater than every id that this process made before, even within one millisecond."""
    if not prefix.isascii() or not prefix.isalnum() or len(prefix) + 1 + _TIME_CHARS + _RANDOM_CHARS > MAX_LENGTH:
        raise ValueError(f"an id's prefix is 1 to 11 ASCII letters or digits, not {prefix!r}")
    milliseconds, random_part = _next()
    return f"{prefix}_{_encode(milliseconds, _TIME_CHARS)}{_encode(random_part, _RANDOM_CHARS)}"


def _next() -> tuple[int, int]:
    global _last_milliseconds, _last_random
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _last_milliseconds:
            # The top bit stays free, so that counting up within a millisecond cannot overflow.
            _last_milliseconds, _last_random = now, secrets.randbits(_RANDOM_BITS - 1)
        else:
            _last_random += 1 + secrets.randbits(16)
        return _last_milliseconds, _last_random


def _encode(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(length)))
