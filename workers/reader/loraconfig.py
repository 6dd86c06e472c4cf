"""Reads a stranger's adapter_config.json: what is known is checked, what is not known and says something is refused.

Nothing in it is believed to be a path, an address or a pattern: names are compared as text.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webapp.contract.events import Fault
from webapp.contract.spec import BaseModelRef
from workers.reader.faults import Refused

MAX_RANK = 1024
MAX_ALPHA = 1e6
MAX_PATTERNS = 10_000
MAX_TARGETS = 1000
SHOWN = 100
_NAME = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*", re.ASCII)

# Names of program code that the library would import, or a leave to do so.
_CODE = ("auto_mapping", "auto_map", "custom_generate", "custom_pipelines", "custom_code", "trust_remote_code")
# Ways of starting that leave the frozen weights as they are. All others (pissa, olora, loftq, …) rewrite them.
_HARMLESS_STARTS = (True, False, None, "gaussian", "orthogonal", "eva")
# Settings that say how the adapter was made and change nothing in what it computes.
_HISTORY = frozenset(
    {"peft_version", "revision", "inference_mode", "loftq_config", "eva_config", "corda_config", "lora_ga_config"}
    | {"megatron_core", "runtime_config", "qalora_group_size", "ensure_weight_tying", "fan_in_fan_out"}
)
_READ = frozenset(
    {"peft_type", "task_type", "base_model_name_or_path", "r", "lora_alpha", "lora_dropout", "target_modules"}
    | {"exclude_modules", "bias", "use_rslora", "use_dora", "init_lora_weights", "layers_to_transform"}
    | {"layers_pattern", "rank_pattern", "alpha_pattern", "modules_to_save", *_CODE}
)


@dataclass(frozen=True, kw_only=True)
class LoraSettings:
    """`targets` is None where a pattern named them: then the tensors tell. `layers` is None for all of them."""

    rank: int
    alpha: float
    dropout: float
    targets: tuple[str, ...] | None
    layers: tuple[int, ...] | None
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    use_rslora: bool
    use_dora: bool
    saved_modules: tuple[str, ...]
    trained_on: str

    def rank_of(self, layer: str) -> int:
        """As peft finds it: the first name in the pattern with which the layer's ends."""
        return next((rank for name, rank in self.rank_pattern.items() if ends_with(layer, name)), self.rank)


def ends_with(layer: str, name: str) -> bool:
    """Whether `name` is the whole dotted name of a layer, or its last parts."""
    return layer == name or layer.endswith(f".{name}")


def read(config: Mapping[str, Any]) -> LoraSettings:
    """Raises Refused with the field and what is wrong with it."""
    _refuse_code(config)
    if config.get("peft_type") != "LORA":
        raise _bad("peft_type", config.get("peft_type"), "not_lora")
    if config.get("task_type") not in (None, "CAUSAL_LM"):
        raise _bad("task_type", config.get("task_type"), "other_task")
    if config.get("bias", "none") != "none":
        raise _bad("bias", config.get("bias"), "not_supported")
    if (start := config.get("init_lora_weights")) not in _HARMLESS_STARTS:
        raise _bad("init_lora_weights", start, "changes_base")
    _refuse_unknown(config)
    return LoraSettings(
        rank=_rank("r", config.get("r", 8)),
        alpha=_alpha("lora_alpha", config.get("lora_alpha", 8)),
        dropout=_number("lora_dropout", config.get("lora_dropout", 0.0), 0, 0.999),
        targets=_targets(config),
        layers=_layers(config),
        rank_pattern=_pattern(config, "rank_pattern", _rank),
        alpha_pattern=_pattern(config, "alpha_pattern", _alpha),
        use_rslora=_flag(config, "use_rslora"),
        use_dora=_flag(config, "use_dora"),
        saved_modules=_names("modules_to_save", config.get("modules_to_save") or []),
        trained_on=_trained_on(config.get("base_model_name_or_path")),
    )


def normalised(
    settings: LoraSettings, *, base: BaseModelRef, targets: list[str], layers: list[int] | None
) -> dict[str, Any]:
    """The config that is kept: what peft needs to compute the same, for our base, and nothing that came otherwise."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.name,
        "revision": base.revision,
        "inference_mode": True,
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": targets,
        "layers_to_transform": layers,
        "rank_pattern": dict(settings.rank_pattern),
        "alpha_pattern": dict(settings.alpha_pattern),
        "use_rslora": settings.use_rslora,
        "use_dora": settings.use_dora,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "modules_to_save": None,
    }


def _refuse_code(config: Mapping[str, Any]) -> None:
    for name in _CODE:
        if config.get(name):
            raise Refused(Fault.UNSAFE_FILE, reason="wants_to_run_code", field=name)


def _refuse_unknown(config: Mapping[str, Any]) -> None:
    """What we do not know may change what the adapter computes; empty, it does not."""
    for name in config:
        if name not in _READ | _HISTORY and config[name]:
            raise _bad(name[:SHOWN], config[name], "unknown_setting")


def _rank(field: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_RANK:
        raise _bad(field, value, "range", low=1, high=MAX_RANK)
    return value


def _alpha(field: str, value: Any) -> float:
    return _number(field, value, 1e-6, MAX_ALPHA)


def _number(field: str, value: Any, low: float, high: float) -> float:
    """A whole number stays one, so that the written config looks as it did."""
    if type(value) not in {int, float} or not math.isfinite(value) or not low <= value <= high:
        raise _bad(field, value, "range", low=low, high=high)
    found: float = value
    return found


def _flag(config: Mapping[str, Any], field: str) -> bool:
    value = config.get(field) or False
    if value is not True and value is not False:
        raise _bad(field, value, "kind")
    return value


def _targets(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """A pattern is never matched, since that may take for ever; the tensors show which layers it meant."""
    value = config.get("target_modules")
    if (isinstance(value, str) and value) or (value is None) or config.get("exclude_modules"):
        return None
    return _names("target_modules", value)


def _names(field: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_TARGETS:
        raise _bad(field, value, "names")
    for name in value:
        if not isinstance(name, str) or len(name) > 200 or not _NAME.fullmatch(name):
            raise _bad(field, name, "names")
    return tuple(dict.fromkeys(value))


def _layers(config: Mapping[str, Any]) -> tuple[int, ...] | None:
    value = config.get("layers_to_transform")
    if config.get("layers_pattern") not in (None, "layers", ["layers"], []):
        raise _bad("layers_pattern", config.get("layers_pattern"), "not_supported")
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > MAX_TARGETS or not all(type(item) is int and 0 <= item < 10_000 for item in values):
        raise _bad("layers_to_transform", value, "kind")
    return tuple(sorted(set(values)))


def _pattern(config: Mapping[str, Any], field: str, check: Any) -> dict[str, Any]:
    """Names with values of their own. peft reads the names as patterns, so only such are taken as mean themselves."""
    value = config.get(field) or {}
    if not isinstance(value, dict) or len(value) > MAX_PATTERNS:
        raise _bad(field, value, "kind")
    for name in value:
        if len(name) > 200 or not _NAME.fullmatch(name):
            raise _bad(field, name, "names")
    return {name: check(field, item) for name, item in value.items()}


def _trained_on(value: Any) -> str:
    """Only ever shown and compared."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad("base_model_name_or_path", value, "kind")
    return "".join(char for char in value if char.isprintable())[:300]


def _bad(field: str, value: Any, reason: str, **data: Any) -> Refused:
    return Refused(Fault.BAD_CONFIG, field=field, value=str(value)[:SHOWN], reason=reason, **data)
