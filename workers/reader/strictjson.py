"""JSON of strangers, read strictly: no name twice in an object, no NaN, no endless depth."""

import json
from typing import Any

from webapp.contract.events import Fault
from workers.reader.faults import Refused


def load_object(data: bytes, *, file: str) -> dict[str, Any]:
    """Raises Refused where it is not one JSON object in UTF-8 that every parser reads alike."""
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(Fault.BAD_FILE, cause="json", file=file, message=str(error)[:200]) from error
    if not isinstance(found, dict):
        raise Refused(Fault.BAD_FILE, cause="json", file=file, message="not an object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
