"""Reads spec.json and refuses, before any device is touched, what cannot work."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.contract import codec, spec
from webapp.contract.events import Fault
from workers.engine.faults import EngineFault


@dataclass(frozen=True)
class JobFolder:
    """Where things lie in a job folder."""

    path: Path

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def decisions(self) -> Path:
        return self.path / "decisions.json"

    @property
    def result(self) -> Path:
        return self.path / "result"

    def input(self, relative: str) -> Path:
        """A file or folder that the spec names; never outside the job folder by its name."""
        parts = Path(relative).parts
        if not relative or Path(relative).is_absolute() or ".." in parts:
            raise EngineFault(Fault.BAD_CONFIG, field="path", value=relative)
        path = self.path / relative
        if not path.exists():
            raise EngineFault(Fault.DAMAGED_INPUT, file=relative, reason="absent")
        return path


def read_order(folder: JobFolder) -> spec.Order:
    """Raises EngineFault(CONTRACT_VERSION) before looking at any other field, BAD_CONFIG for those."""
    try:
        data = json.loads((folder.path / "spec.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineFault(Fault.BAD_CONFIG, message=f"spec.json: {error}") from error
    found = data.get("version") if isinstance(data, dict) else None
    if found != spec.SPEC_VERSION:
        raise EngineFault(Fault.CONTRACT_VERSION, found=found, known=spec.SPEC_VERSION)
    return _parse(spec.Order, data)


def read_train_spec(order: spec.Order) -> spec.TrainSpec:
    parsed = _parse(spec.TrainSpec, order.spec)
    check_config(parsed.config)
    return parsed


def read_evaluate_spec(order: spec.Order) -> spec.EvaluateSpec:
    parsed = _parse(spec.EvaluateSpec, order.spec)
    for name in ("max_rows", "max_new_tokens", "max_length"):
        if getattr(parsed, name) < 1:
            raise EngineFault(Fault.BAD_CONFIG, field=name, value=getattr(parsed, name), nearest=1)
    return parsed


def read_inspect_spec(order: spec.Order) -> spec.InspectSpec:
    return _parse(spec.InspectSpec, order.spec)


def read_compress_spec(order: spec.Order) -> spec.CompressSpec:
    parsed = _parse(spec.CompressSpec, order.spec)
    for name in ("rank", "max_length"):
        if getattr(parsed, name) < 1:
            raise EngineFault(Fault.BAD_CONFIG, field=name, value=getattr(parsed, name), nearest=1)
    return parsed


def read_fetch_spec(order: spec.Order) -> spec.FetchSpec:
    return _parse(spec.FetchSpec, order.spec)


def read_fetch_adapter_spec(order: spec.Order) -> spec.FetchAdapterSpec:
    parsed: spec.FetchAdapterSpec = _parse(spec.FetchAdapterSpec, order.spec)
    return parsed


def check(order: spec.Order) -> None:
    """Raises EngineFault for an order that cannot work, whatever the inputs; needs no device and no library."""
    readers = {
        spec.JobKind.TRAIN: read_train_spec,
        spec.JobKind.EVALUATE: read_evaluate_spec,
        spec.JobKind.FETCH: read_fetch_spec,
        spec.JobKind.FETCH_ADAPTER: read_fetch_adapter_spec,
        spec.JobKind.INSPECT: read_inspect_spec,
        spec.JobKind.COMPRESS: read_compress_spec,
    }
    if order.kind not in readers:
        raise EngineFault(Fault.BAD_CONFIG, field="kind", value=order.kind.value)
    readers[order.kind](order)


def _parse(cls: type[Any], data: Any) -> Any:
    try:
        return codec.from_dict(cls, data)
    except codec.ContractError as error:
        raise EngineFault(Fault.BAD_CONFIG, message=str(error)) from error


# Field of LoraConfig: lowest and highest value that makes sense.
_LIMITS: dict[str, tuple[float, float]] = {
    "lora_r": (1, 4096),
    "lora_alpha": (1e-6, 1e6),
    "lora_dropout": (0, 0.95),
    "learning_rate": (1e-9, 1),
    "warmup_ratio": (0, 1),
    "weight_decay": (0, 10),
    "max_grad_norm": (0, 1e9),
    "num_train_epochs": (0.001, 10_000),
    "max_steps": (0, 100_000_000),
    "batch_size": (1, 1_000_000),
    "micro_batch_size": (0, 1_000_000),
    "max_length": (8, 10_000_000),
    "eval_steps": (0, 100_000_000),
    "checkpoint_seconds": (0, 86_400),
    "early_stopping_patience": (0, 10_000),
    "seed": (0, 2**53),
}


def check_config(config: spec.LoraConfig) -> None:
    """Raises EngineFault(BAD_CONFIG) with the field, its value and the nearest that works."""
    for name, (low, high) in _LIMITS.items():
        value = getattr(config, name)
        if not math.isfinite(value) or not low <= value <= high:
            nearest = min(max(value, low), high) if math.isfinite(value) else low
            raise EngineFault(Fault.BAD_CONFIG, field=name, value=str(value), nearest=type(value)(nearest))
