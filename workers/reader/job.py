"""A reader's job from the order to the last word."""

import errno
import json
import logging
import os
import platform
import resource
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from webapp.contract import codec, events, spec
from webapp.contract.events import Fault, Outcome
from webapp.datasets import formats
from workers.reader import report
from workers.reader.adapter import Importing
from workers.reader.faults import Refused, Stop, Stopped
from workers.reader.reading import Reading

log = logging.getLogger(__name__)

LIBRARIES = ("pyarrow", "orjson", "charset-normalizer")


def run(folder: Path, *, stop: Stop) -> Outcome:
    """Do the job in `folder`; whatever happens, the last event says how it ended."""
    writer = events.Writer(folder / "events.jsonl")
    versions = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    writer.say(events.Started(pid=os.getpid(), device="cpu", versions=versions))
    ended = _end(folder, writer, stop)
    log.info("ended: %s %s; peak memory %d MB", ended.outcome, ended.fault or "", _peak_memory_bytes() // 1_000_000)
    writer.say(ended)
    writer.close()
    return ended.outcome


def load_order(folder: Path) -> spec.ReadSpec | spec.ImportSpec:
    """Raises Refused for a document that this program must not guess about."""
    try:
        data = json.loads((folder / "spec.json").read_bytes())
        if isinstance(data, dict) and data.get("version") != spec.SPEC_VERSION:
            raise Refused(Fault.CONTRACT_VERSION, found=data.get("version"), known=spec.SPEC_VERSION)
        order = codec.from_dict(spec.Order, data)
        if order.kind is spec.JobKind.IMPORT:
            return codec.from_dict(spec.ImportSpec, order.spec)
        if order.kind is not spec.JobKind.READ:
            raise Refused(Fault.BAD_CONFIG, field="kind")
        return _checked(codec.from_dict(spec.ReadSpec, order.spec))
    except formats.MappingError as error:
        raise Refused(Fault.BAD_CONFIG, field="mapping", cause=error.code, **error.data) from error
    except (OSError, ValueError) as error:
        raise Refused(Fault.BAD_CONFIG, field="spec.json", cause=str(error)[:300]) from error


def _checked(found: spec.ReadSpec) -> spec.ReadSpec:
    if not 0 <= found.validation_share < 1:
        raise Refused(Fault.BAD_CONFIG, field="validation_share")
    if found.mapping:
        formats.check_mapping(found.mapping)
    return found


def _end(folder: Path, writer: events.Writer, stop: Stop) -> events.Ended:
    try:
        return events.Ended(outcome=Outcome.SUCCEEDED, data=_do(folder, load_order(folder), writer, stop))
    except Refused as refused:
        return events.Ended(outcome=Outcome.FAILED, fault=refused.fault, data=_storable(refused.data))
    except Stopped:
        return events.Ended(outcome=Outcome.STOPPED)
    except MemoryError:
        return events.Ended(outcome=Outcome.FAILED, fault=Fault.TOO_LARGE, data={"cause": "memory"})
    except OSError as error:
        log.exception("a file could not be read or written")
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return events.Ended(outcome=Outcome.FAILED, fault=Fault.DISK_FULL)
        if error.errno == errno.EFBIG:
            return events.Ended(outcome=Outcome.FAILED, fault=Fault.TOO_LARGE, data={"cause": "result_bytes"})
    except Exception:
        log.exception("the reader has a fault")
    return events.Ended(outcome=Outcome.FAILED, fault=Fault.INTERNAL)


def _do(folder: Path, order: spec.ReadSpec | spec.ImportSpec, writer: events.Writer, stop: Stop) -> dict[str, Any]:
    if isinstance(order, spec.ImportSpec):
        return Importing(folder, order, writer, stop).run()
    return Reading(folder, order, writer, stop).run()


def _storable(value: Any) -> Any:
    """What a file says about itself may hold half characters, which no line of events can."""
    match value:
        case str():
            return report.clean(value, len(value))
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case list():
            return [_storable(item) for item in value]
        case _:
            return value


def _peak_memory_bytes() -> int:
    """What this program held at most. Not ru_maxrss, which remembers the parent from before the exec."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
