"""Resumable states that survive a kill at any moment, and damage afterwards.

    checkpoints/step-00000120/
        adapter.safetensors      the adapter in peft's format, float32
        optimizer.safetensors    <parameter>.exp_avg and <parameter>.exp_avg_sq
        state.json               step, what was measured, early stopping, the decisions
        manifest.json            size and SHA-256 of each, whose run this is, and a seal on all that

Each is written into a temporary folder, flushed, and renamed; a folder with the final name is therefore whole,
and its manifest tells whether it still is. No pickle. Learning rate, row order and dropout are functions of the
step and need no state.
"""

import dataclasses
import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from webapp.contract import codec
from webapp.contract.events import Checkpointed, Fault, Noted
from workers.engine import crash, durable
from workers.engine.decisions import Decisions
from workers.engine.faults import EngineFault, is_disk_full

ADAPTER, OPTIMIZER, STATE, MANIFEST = "adapter.safetensors", "optimizer.safetensors", "state.json", "manifest.json"
FORMAT = 1
KEPT = 2


@dataclass(kw_only=True)
class State:
    """Where a run stands after `step` optimizer steps. `seconds` counts training in all attempts."""

    step: int = 0
    tokens_seen: int = 0
    seconds: float = 0.0
    first_loss: float | None = None
    last_loss: float | None = None
    measured_step: int = -1
    validation_before: float | None = None
    validation_last: float | None = None
    best_step: int = -1
    best_validation: float | None = None
    measurements_since_best: int = 0
    is_stopped_early: bool = False


@dataclass(frozen=True)
class Identity:
    """Whose checkpoints these are. Another order's are never used; other versions are used and said."""

    order_sha256: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Loaded:
    folder: str
    adapter: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    state: State
    decisions: Decisions
    versions: dict[str, str]


class Damaged(Exception):
    """A checkpoint is not what its manifest says; the message names the file."""


@dataclass
class Checkpoints:
    folder: Path
    identity: Identity
    notes: list[Noted] = field(default_factory=list)

    def save(
        self, *, adapter: dict[str, Tensor], optimizer: dict[str, Tensor], state: State, decisions: Decisions
    ) -> Checkpointed:
        """Write the state of this step, then drop what is no longer needed. Raises EngineFault for a full disk."""
        final = self.folder / folder_name(state.step)
        self.folder.mkdir(parents=True, exist_ok=True)
        crash.point("checkpoint.begun")
        temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=self.folder))
        try:
            self._fill(temporary, adapter, optimizer, state, decisions)
            if final.exists():
                shutil.rmtree(final)  # an invalid one, or the same step of an attempt before this
            temporary.rename(final)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if is_disk_full(error):
                needed = sum(tensor.nbytes for tensor in (*adapter.values(), *optimizer.values()))
                free = shutil.disk_usage(self.folder).free
                raise EngineFault(Fault.DISK_FULL, needed_bytes=needed, free_bytes=free) from error
            raise
        crash.point("checkpoint.renamed")
        durable.sync_folder(self.folder)
        self.prune(best_step=state.best_step)
        crash.point("checkpoint.pruned")
        return Checkpointed(
            step=state.step,
            folder=final.name,
            size_bytes=sum(path.stat().st_size for path in final.iterdir()),
            manifest_sha256=durable.sha256_of(final / MANIFEST),
            validation_loss=state.validation_last if state.measured_step == state.step else None,
        )

    def _fill(self, folder: Path, adapter: dict[str, Tensor], optimizer: dict[str, Tensor], state: State,
              decisions: Decisions) -> None:  # fmt: skip
        save_file(adapter, folder / ADAPTER)
        durable.sync_file(folder / ADAPTER)
        crash.point("checkpoint.adapter_written")
        save_file(optimizer, folder / OPTIMIZER)
        durable.sync_file(folder / OPTIMIZER)
        crash.point("checkpoint.optimizer_written")
        durable.write_json(folder / STATE, {"state": dataclasses.asdict(state), "decisions": codec.to_dict(decisions)})
        crash.point("checkpoint.state_written")
        files = durable.describe_files(folder)
        manifest = {"format": FORMAT, "step": state.step, "files": files, **dataclasses.asdict(self.identity)}
        durable.write_json(folder / MANIFEST, manifest | {"seal": _seal(manifest)})
        crash.point("checkpoint.manifest_written")
        folder.chmod(0o755)
        durable.sync_folder(folder)
        crash.point("checkpoint.synced")

    def newest_valid(self) -> Loaded | None:
        """The newest state that can be trusted; each one passed over is noted by name."""
        for leftover in self.folder.glob(".making-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for folder in reversed(self._folders()):
            try:
                loaded = self._load(folder)
            except Damaged as damage:
                self._note("checkpoint_damaged", folder=folder.name, file=str(damage))
                continue
            if loaded is None:
                self._note("checkpoint_of_another_order", folder=folder.name)
                continue
            if loaded.versions != self.identity.versions:
                changed = _changed(loaded.versions, self.identity.versions)
                self._note("resumed_with_other_versions", folder=folder.name, changed=changed)
            return loaded
        return None

    def load_adapter(self, step: int) -> dict[str, Tensor] | None:
        """The adapter of one step, if that checkpoint is whole."""
        folder = self.folder / folder_name(step)
        try:
            loaded = self._load(folder) if folder.is_dir() else None
        except Damaged as damage:
            self._note("checkpoint_damaged", folder=folder.name, file=str(damage))
            return None
        return loaded.adapter if loaded else None

    def prune(self, *, best_step: int) -> None:
        """Keep the newest two and the best."""
        for folder in self._folders()[:-KEPT]:
            if folder.name != folder_name(best_step):
                shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        """Oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if re.fullmatch(r"step-\d{8,}", path.name))

    def _load(self, folder: Path) -> Loaded | None:
        manifest = _read_json(folder, MANIFEST)
        if manifest.pop("seal", None) != _seal(manifest) or manifest.get("format") != FORMAT:
            raise Damaged(MANIFEST)
        if manifest.get("order_sha256") != self.identity.order_sha256:
            return None
        _verify(folder, manifest["files"])
        document = _read_json(folder, STATE)
        try:
            return Loaded(
                folder=folder.name,
                adapter=load_file(folder / ADAPTER),
                optimizer=load_file(folder / OPTIMIZER),
                state=codec.from_dict(State, document.get("state")),
                decisions=codec.from_dict(Decisions, document.get("decisions")),
                versions=dict(manifest.get("versions", {})),
            )
        except codec.ContractError as error:
            raise Damaged(STATE) from error
        except (SafetensorError, OSError) as error:
            raise Damaged(f"{ADAPTER}, {OPTIMIZER}") from error

    def _note(self, code: str, **data: Any) -> None:
        self.notes.append(Noted(code=code, data=data, is_warning=True))


def folder_name(step: int) -> str:
    return f"step-{step:08d}"


def _seal(manifest: dict[str, Any]) -> str:
    """The manifest vouches for the files; this vouches for the manifest."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _verify(folder: Path, files: list[dict[str, Any]]) -> None:
    listed = {str(item.get("path")): item for item in files}
    for name in (ADAPTER, OPTIMIZER, STATE):
        path, item = folder / name, listed.get(name)
        if item is None or not path.is_file() or path.stat().st_size != item.get("size_bytes"):
            raise Damaged(name)
        if durable.sha256_of(path) != item.get("sha256"):
            raise Damaged(name)


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Damaged(name) from error
    if not isinstance(value, dict):
        raise Damaged(name)
    return value


def _changed(before: dict[str, str], now: dict[str, str]) -> dict[str, list[str]]:
    names = sorted(set(before) | set(now))
    return {name: [before.get(name, ""), now.get(name, "")] for name in names if before.get(name) != now.get(name)}
