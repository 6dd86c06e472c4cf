"""Reads an adapter's folder as its LoRA pairs, each with the scaling that peft would use."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from webapp.contract.events import Fault
from workers.engine.anatomy import Pair
from workers.engine.chat import read_json
from workers.engine.faults import EngineFault

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
PREFIX = "base_model.model."
SUFFIXES = ((".lora_A.weight", ".lora_B.weight"), (".lora_embedding_A", ".lora_embedding_B"))
# Settings with which the adapter is no longer s·B·A laid over the base's own weights.
_OTHER_KINDS = (
    "use_dora", "lora_bias", "use_qalora", "use_bdlora", "layer_replication", "target_parameters", "megatron_config",
    "alora_invocation_tokens", "arrow_config", "kasa_config", "monteclora_config", "velora_config",
)  # fmt: skip
_PLAIN_STARTS = (True, False, None, "gaussian", "orthogonal", "eva")  # others change the base before training


@dataclass(frozen=True)
class Adapter:
    """`pairs` by module, as the base model names it; `tensors` is everything in the file, by its own name."""

    config: dict[str, Any]
    pairs: dict[str, Pair]
    names: dict[str, tuple[str, str]]
    tensors: dict[str, Tensor]

    @property
    def rank(self) -> int:
        """The largest, where modules differ."""
        return max(pair.rank for pair in self.pairs.values())

    @property
    def other_tensors(self) -> dict[str, Tensor]:
        """What is no pair: whole modules that were trained too, biases."""
        paired = {name for both in self.names.values() for name in both}
        return {name: tensor for name, tensor in self.tensors.items() if name not in paired}


def read(folder: Path) -> Adapter:
    """Raises EngineFault for an adapter that is none of plain LoRA pairs, or whose files do not agree."""
    check_adapter(folder)
    config = read_json(folder / CONFIG)
    require_plain(config)
    tensors = load_file(folder / WEIGHTS)
    names = _paired_names(tensors)
    pairs = {module: _pair(module, both, tensors, config) for module, both in names.items()}
    return Adapter(config, pairs, names, tensors)


def check_adapter(folder: Path) -> None:
    """Refuse what is not a plain LoRA adapter in safetensors. Raises EngineFault."""
    if not (folder / WEIGHTS).is_file():
        raise EngineFault(Fault.DAMAGED_INPUT, file=WEIGHTS, reason="absent")
    config = read_json(folder / CONFIG)
    if config.get("peft_type") != "LORA" or config.get("auto_mapping"):
        raise EngineFault(Fault.BAD_CONFIG, field="peft_type", value=str(config.get("peft_type"))[:100], nearest="LORA")
    rank = config.get("r")
    if not isinstance(rank, int) or not 1 <= rank <= 4096:
        raise EngineFault(Fault.BAD_CONFIG, field="r", value=str(rank)[:100])
    targets = config.get("target_modules")
    if not isinstance(targets, list) or not all(isinstance(name, str) and name.isidentifier() for name in targets):
        raise EngineFault(Fault.BAD_CONFIG, field="target_modules", value=str(targets)[:100])


def require_plain(config: Mapping[str, Any]) -> None:
    for field in _OTHER_KINDS:
        if config.get(field):
            raise EngineFault(Fault.BAD_CONFIG, field=field, value=str(config[field])[:100], nearest=False)
    if config.get("init_lora_weights", True) not in _PLAIN_STARTS:
        value = str(config["init_lora_weights"])[:100]
        raise EngineFault(Fault.BAD_CONFIG, field="init_lora_weights", value=value, nearest=True)
    for field in ("rank_pattern", "alpha_pattern"):
        for key in config.get(field) or {}:
            if not re.fullmatch(r"[\w.]+", str(key)):  # peft reads it as a regular expression; we run nobody's
                raise EngineFault(Fault.BAD_CONFIG, field=field, value=str(key)[:100])


def scaling_of(module: str, rank: int, config: Mapping[str, Any]) -> float:
    """alpha/r, or alpha/√r for rsLoRA, with the module's own alpha where a pattern names it (as peft reads them)."""
    alpha = _by_pattern(config.get("alpha_pattern") or {}, module, config.get("lora_alpha", 8))
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise EngineFault(Fault.BAD_CONFIG, field="lora_alpha", value=str(alpha)[:100])
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _by_pattern(patterns: Mapping[str, Any], module: str, otherwise: Any) -> Any:
    """The value of the first pattern that the module's name ends with."""
    return next((value for key, value in patterns.items() if re.match(rf"(.*\.)?({key})$", module)), otherwise)


def _paired_names(tensors: Mapping[str, Tensor]) -> dict[str, tuple[str, str]]:
    found = {}
    for name in sorted(tensors):
        for of_a, of_b in SUFFIXES:
            if not name.endswith(of_a):
                continue
            partner = name.removesuffix(of_a) + of_b
            if partner not in tensors:
                raise EngineFault(Fault.DAMAGED_INPUT, file=WEIGHTS, reason="absent", tensor=partner)
            found[name.removesuffix(of_a).removeprefix(PREFIX)] = (name, partner)
    if not found:
        raise EngineFault(Fault.DAMAGED_INPUT, file=WEIGHTS, reason="no_pairs")
    return found


def _pair(module: str, names: tuple[str, str], tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Pair:
    a, b = (tensors[name] for name in names)
    rank = _by_pattern(config.get("rank_pattern") or {}, module, config.get("r"))
    if a.ndim != 2 or b.ndim != 2 or not a.shape[0] == b.shape[1] == rank:
        shapes = f"{tuple(a.shape)}, {tuple(b.shape)}, r {rank}"
        raise EngineFault(Fault.DAMAGED_INPUT, file=WEIGHTS, reason="shapes", tensor=names[0], message=shapes)
    for name, tensor in zip(names, (a, b), strict=True):
        if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
            raise EngineFault(Fault.DAMAGED_INPUT, file=WEIGHTS, reason="not_finite", tensor=name)
    return Pair(a, b, scaling_of(module, a.shape[0], config))
