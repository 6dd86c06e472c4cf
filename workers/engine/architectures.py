"""Which models we can train, and where their adapters go. Needs no torch.

An allow-list: rarely used model code is attack surface, and each entry is covered by a test that compares our
head and our forward pass with the model's own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.contract.events import Fault
from webapp.contract.spec import TargetModules
from workers.engine.chat import read_json
from workers.engine.faults import EngineFault

_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_MLP = ("gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Architecture:
    """Names of the linear layers that may carry an adapter, and how attention is computed in training."""

    attention: tuple[str, ...] = _ATTENTION
    mlp: tuple[str, ...] = _MLP
    attention_kernel: str = "sdpa"

    def target_modules(self, wanted: TargetModules) -> list[str]:
        """Raises EngineFault where the model has no such layers."""
        names = {
            TargetModules.ALL_LINEAR: self.attention + self.mlp,
            TargetModules.ATTENTION: self.attention,
            TargetModules.MLP: self.mlp,
        }[wanted]
        if not names:
            raise EngineFault(Fault.BAD_CONFIG, field="target_modules", value=wanted.value,
                              nearest=TargetModules.ATTENTION.value)  # fmt: skip
        return list(names)


ARCHITECTURES = {
    "LlamaForCausalLM": Architecture(),
    "MistralForCausalLM": Architecture(),
    "Qwen2ForCausalLM": Architecture(),
    "Qwen3ForCausalLM": Architecture(),
    "SmolLM3ForCausalLM": Architecture(),
    "GemmaForCausalLM": Architecture(),
    "Gemma2ForCausalLM": Architecture(attention_kernel="eager"),  # soft-capped scores
    "Gemma3ForCausalLM": Architecture(),
    "Phi3ForCausalLM": Architecture(attention=("qkv_proj", "o_proj"), mlp=("gate_up_proj", "down_proj")),
    "GptOssForCausalLM": Architecture(mlp=(), attention_kernel="eager"),  # experts are no linear layers; sinks
}

_CODE_KEYS = ("auto_map", "custom_generate", "custom_pipelines", "trust_remote_code")


def read_config(folder: Path) -> dict[str, Any]:
    """A base model's config.json, if it is one we may load. Raises EngineFault."""
    if not (folder / "config.json").is_file():
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="no_config", file="config.json")
    config = read_json(folder / "config.json")
    for key in _CODE_KEYS:
        if config.get(key):
            raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="wants_to_run_code", field=key)
    if config.get("quantization_config"):
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="already_quantized",
                          method=str(_get(config, "quantization_config", "quant_method")))  # fmt: skip
    architecture_of(config)
    return config


def architecture_of(config: dict[str, Any]) -> Architecture:
    """Raises EngineFault for a model outside the list."""
    names = config.get("architectures") or []
    name = str(names[0]) if isinstance(names, list) and names else str(config.get("model_type", ""))
    if name not in ARCHITECTURES:
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="architecture", architecture=name[:100],
                          known=sorted(ARCHITECTURES))  # fmt: skip
    return ARCHITECTURES[name]


def context_length(config: dict[str, Any]) -> int:
    """How many tokens the model was made for; 0 where it does not say."""
    value = config.get("max_position_embeddings", 0)
    return value if isinstance(value, int) and value > 0 else 0


def _get(config: dict[str, Any], *path: str) -> Any:
    value: Any = config
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
