"""Adapters as files, written by hand, byte by byte: right ones, and each wrong in one way."""

import io
import json
import struct
import zipfile
from typing import Any

from webapp.contract.spec import BaseShape

# A Llama of two blocks.
BASE_CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 32,
    "tie_word_embeddings": True,
}
LINEAR = {
    "self_attn.q_proj": (8, 8),
    "self_attn.k_proj": (8, 4),
    "self_attn.v_proj": (8, 4),
    "self_attn.o_proj": (8, 8),
    "mlp.gate_proj": (8, 16),
    "mlp.up_proj": (8, 16),
    "mlp.down_proj": (16, 8),
}
SHAPE = BaseShape(layers=2, hidden=8, vocabulary=32, linear=LINEAR)
PREFIX = "base_model.model.model.layers"
Tensors = dict[str, tuple[str, list[int], bytes]]


def tensors(
    *,
    names: tuple[str, ...] = ("self_attn.q_proj", "mlp.down_proj"),
    rank: int = 4,
    layers: int = 2,
    value: float = 0.5,
) -> Tensors:
    """Name → dtype, shape, bytes of a LoRA adapter for SHAPE in float32."""
    found: Tensors = {}
    for layer in range(layers):
        for name in names:
            inputs, outputs = LINEAR[name]
            found[f"{PREFIX}.{layer}.{name}.lora_A.weight"] = ("F32", [rank, inputs], floats(rank * inputs, value))
            found[f"{PREFIX}.{layer}.{name}.lora_B.weight"] = ("F32", [outputs, rank], floats(outputs * rank, value))
    return found


def floats(count: int, value: float) -> bytes:
    return struct.pack("<f", value) * count


def safetensors(found: Tensors, *, header: dict[str, Any] | None = None, more: bytes = b"", pad_to: int = 0) -> bytes:
    """A file with these tensors one behind the other; `header` replaces entries of the header."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (dtype, shape, raw) in found.items():
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    return framed(json.dumps(entries | (header or {})).encode().ljust(pad_to), data + more)


def framed(header: bytes, data: bytes = b"", *, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def config(**fields: Any) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "acme/tiny",
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj", "down_proj"],
        "bias": "none",
        "auto_mapping": None,
        "peft_version": "0.17.0",
    } | fields


def files(*, weights: bytes | None = None, **fields: Any) -> dict[str, bytes]:
    """A whole adapter as files by their names; `fields` are the config's."""
    return {
        "adapter_model.safetensors": safetensors(tensors()) if weights is None else weights,
        "adapter_config.json": json.dumps(config(**fields)).encode(),
    }


def zipped(content: dict[str, bytes], *, folder: str = "", compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(folder + name, data)
    return out.getvalue()


class Bomb:
    """Would leave a file behind if anybody unpickled it."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (open, (self.marker, "w"))
