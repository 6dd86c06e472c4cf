"""What a job says: one JSON object a line in events.jsonl, numbered from 1 without gaps.

A line is `{"seq": 7, "at": "2026-01-31T12:00:00.123Z", "type": "metrics", ...fields}`. A reader takes
whole lines only; a torn last line is not yet said. `(attempt, seq)` makes relaying idempotent.
"""

import datetime as dt
import enum
import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from webapp.contract import codec


class Phase(enum.StrEnum):
    """What the program is doing now; the words for people live in the web tier."""

    STARTING = "starting"
    DOWNLOADING = "downloading"
    CONVERTING = "converting"
    READING = "reading"
    LOADING_MODEL = "loading_model"
    TOKENIZING = "tokenizing"
    TRAINING = "training"
    EVALUATING = "evaluating"
    ANSWERING = "answering"
    INSPECTING = "inspecting"
    COMPRESSING = "compressing"
    SAVING = "saving"
    CHECKING = "checking"


class Outcome(enum.StrEnum):
    """How the program ended. STOPPED: it was asked to and left a checkpoint."""

    SUCCEEDED = "succeeded"
    STOPPED = "stopped"
    FAILED = "failed"


class Fault(enum.StrEnum):
    """Why it failed. The first group is for the user to fix, INTERNAL is ours."""

    NO_ROWS = "no_rows"
    BAD_FILE = "bad_file"
    TOO_LARGE = "too_large"
    UNKNOWN_FORMAT = "unknown_format"
    UNSAFE_FILE = "unsafe_file"
    DOES_NOT_FIT = "does_not_fit"
    NO_TRAINABLE_TOKENS = "no_trainable_tokens"
    NO_CHAT_TEMPLATE = "no_chat_template"
    BAD_CONFIG = "bad_config"
    UNSUPPORTED_MODEL = "unsupported_model"
    DAMAGED_INPUT = "damaged_input"
    HUB_UNREACHABLE = "hub_unreachable"
    HUB_NOT_FOUND = "hub_not_found"
    HUB_GATED = "hub_gated"
    HUB_TOKEN_REFUSED = "hub_token_refused"  # noqa: S105  a code, not a secret
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    LOSS_NOT_FINITE = "loss_not_finite"
    NOTHING_LEARNED = "nothing_learned"
    CONTRACT_VERSION = "contract_version"
    INTERNAL = "internal"


@dataclass(frozen=True, kw_only=True)
class Started:
    """The program lives. `versions` of the libraries that matter, `device` in words."""

    pid: int
    device: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PhaseChanged:
    phase: Phase


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What training will do, said before step 1. `decisions` are the automatic choices, each in plain values."""

    total_steps: int
    resumed_from_step: int
    train_rows: int
    validation_rows: int
    trainable_parameters: int
    total_parameters: int
    trained_tokens_per_epoch: int
    decisions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Progressed:
    """How far a job without metrics is. `total` 0 means unknown; `unit` is "bytes", "rows" or "steps"."""

    done: int
    total: int
    unit: str


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Values at an optimizer step. A value that is not finite arrives as None with its name in `flags`."""

    step: int
    values: dict[str, float | None]
    flags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Checkpointed:
    """A checkpoint was written, flushed and renamed into place; `folder` is relative to checkpoints/."""

    step: int
    folder: str
    size_bytes: int
    manifest_sha256: str
    validation_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Noted:
    """Something a person should read: a code with its data; the words live in the web tier."""

    code: str
    data: dict[str, Any] = field(default_factory=dict)
    is_warning: bool = False


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The last word. `fault` is set when it failed; `data` names row, field, file or size."""

    outcome: Outcome
    fault: Fault | None = None
    data: dict[str, Any] = field(default_factory=dict)


Event = Started | PhaseChanged | Planned | Progressed | Metrics | Checkpointed | Noted | Ended

TYPES: dict[str, type] = {
    "started": Started,
    "phase": PhaseChanged,
    "planned": Planned,
    "progress": Progressed,
    "metrics": Metrics,
    "checkpoint": Checkpointed,
    "note": Noted,
    "ended": Ended,
}
_NAMES = {cls: name for name, cls in TYPES.items()}


@dataclass(frozen=True)
class Line:
    """One event as it stands in the file."""

    seq: int
    at: dt.datetime
    event: Event


class Writer:
    """Appends events to a file; each call is one `write` of one whole line, flushed to the kernel."""

    def __init__(self, path: Path) -> None:
        self._seq = _last_seq(path)
        self._file = path.open("ab", buffering=0)

    def say(self, event: Event) -> None:
        self._seq += 1
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = {"seq": self._seq, "at": now, "type": _NAMES[type(event)]}
        self._file.write((codec.dumps(head | codec.to_dict(event)) + "\n").encode())

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()


def _last_seq(path: Path) -> int:
    """How many lines were said. A torn last line, of a program that was killed while it wrote, never was: it goes."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return whole.count(b"\n")


def parse(line: bytes | str) -> Line:
    """Read one line. Raises codec.ContractError for anything that is not an event."""
    try:
        data = json.loads(line)
    except ValueError as error:
        raise codec.ContractError(f"not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("type") not in TYPES:
        raise codec.ContractError("not an event of a known type")
    cls = TYPES[data.pop("type")]
    seq, at = data.pop("seq", None), data.pop("at", None)
    if not isinstance(seq, int) or not isinstance(at, str):
        raise codec.ContractError("seq or at is missing")
    known = {item.name for item in fields(cls)}
    event: Any = codec.from_dict(cls, {key: value for key, value in data.items() if key in known})
    return Line(seq=seq, at=dt.datetime.fromisoformat(at), event=event)
