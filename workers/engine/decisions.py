"""The choices a run makes for itself: once, printed, stored with the run and reused by each attempt.

Were they made again after a restart, a fuller or emptier machine would train another adapter.
"""

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from webapp.contract import codec
from webapp.contract.events import Fault
from webapp.contract.spec import LoraConfig, Method, Precision
from workers.engine import attention, durable
from workers.engine.architectures import Architecture
from workers.engine.chat import read_json
from workers.engine.faults import EngineFault

log = logging.getLogger(__name__)

DEQUANTISED, FOUR_BIT, NO_QUANTISATION = "dequantised", "4-bit", "none"
CPU_TOKENS, GPU_TOKENS = 2048, 16384
MEMORY_SHARE = 0.5  # of what is free, for activations


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Plain values, shown to people as they are.

    weights_4bit_execution: "dequantised" (NF4 values computed once and kept in the compute type: the same
    arithmetic, faster where no 4-bit kernel exists), "4-bit", or "none" for LoRA on an unquantised base.
    tokens_per_micro_batch counts padding; micro_batch_size 0 means that it alone decides.
    """

    device: str
    device_name: str
    precision: Precision
    weights_4bit_execution: str
    tokens_per_micro_batch: int
    micro_batch_size: int
    gradient_checkpointing: bool
    attention: str
    threads: int

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self.precision is Precision.BFLOAT16 else torch.float32


@dataclass(frozen=True)
class Shape:
    """What a base model's config says about its size."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    parameters: int

    @classmethod
    def of(cls, config: dict[str, Any], folder: Path) -> "Shape":
        size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        width = 4 if config.get("dtype", config.get("torch_dtype")) == "float32" else 2
        try:
            layers, hidden = int(config["num_hidden_layers"]), int(config["hidden_size"])
            return cls(layers, hidden, int(config["intermediate_size"]), int(config["vocab_size"]), size // width)
        except (KeyError, TypeError, ValueError) as error:
            raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="no_config", field=str(error)) from error

    def activation_bytes(self, dtype: torch.dtype, *, is_checkpointed: bool = False) -> int:
        """Bytes that one token keeps between the forward and the backward pass (measured on Llama shapes)."""
        values = 2 * self.hidden if is_checkpointed else 16 * self.hidden + 6 * self.intermediate
        return self.layers * values * dtype.itemsize


def decide(
    config: LoraConfig, shape: Shape, architecture: Architecture, *, device: str, threads: int, longest: int
) -> Decisions:
    """Choose for this machine as it is now. `longest` is the longest example in tokens."""
    precision = _precision(config.precision, device)
    execution = _execution(config.method, shape, precision, device)
    dtype = torch.bfloat16 if precision is Precision.BFLOAT16 else torch.float32
    room = _free_bytes(device) * MEMORY_SHARE - _weight_bytes(shape, dtype, execution)
    fits = int(room // shape.activation_bytes(dtype))
    is_checkpointed = fits < longest
    if is_checkpointed:
        fits = int(room // shape.activation_bytes(dtype, is_checkpointed=True))
    ceiling = CPU_TOKENS if device == "cpu" else GPU_TOKENS
    kernel = architecture.attention_kernel
    return Decisions(
        device=device,
        device_name=device_name(device),
        precision=precision,
        weights_4bit_execution=execution,
        tokens_per_micro_batch=max(longest, min(ceiling, fits)),
        micro_batch_size=config.micro_batch_size,
        gradient_checkpointing=is_checkpointed,
        attention=attention.NAME if kernel == "sdpa" and device == "cpu" else kernel,
        threads=threads or torch.get_num_threads(),
    )


def load(path: Path) -> Decisions | None:
    """What an earlier attempt decided, if there was one."""
    found = read_json(path)
    return codec.from_dict(Decisions, found) if found else None


def keep(path: Path, decisions: Decisions) -> None:
    durable.replace_json(path, codec.to_dict(decisions))


def announce(decisions: Decisions) -> None:
    for name, value in codec.to_dict(decisions).items():
        log.info("decided %s = %s", name, value)


def resolve_device(wanted: str) -> str:
    """The processor, or a CUDA device that is really there. Raises EngineFault."""
    if wanted == "cpu":
        return wanted
    if not re.fullmatch(r"cuda(:\d+)?", wanted):
        raise EngineFault(Fault.BAD_CONFIG, field="device", value=wanted, nearest="cpu")
    index = int(wanted.partition(":")[2] or 0)
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        raise EngineFault(Fault.INTERNAL, reason="device_missing", device=wanted)
    return f"cuda:{index}"


def device_name(device: str) -> str:
    return cpu_name() if device == "cpu" else torch.cuda.get_device_name(device)


def cpu_name() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else "CPU"


def has_fast_bfloat16(device: str) -> bool:
    """A CPU without AMX or AVX512-BF16 computes bfloat16 many times slower than float32."""
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    try:
        flags = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    return bool(flags & {"amx_bf16", "avx512_bf16"})


def _precision(wanted: Precision, device: str) -> Precision:
    if wanted is not Precision.AUTO:
        return wanted
    return Precision.BFLOAT16 if has_fast_bfloat16(device) else Precision.FLOAT32


def _execution(method: Method, shape: Shape, precision: Precision, device: str) -> str:
    if method is not Method.QLORA:
        return NO_QUANTISATION
    if device != "cpu":
        return FOUR_BIT
    width = 2 if precision is Precision.BFLOAT16 else 4
    return DEQUANTISED if shape.parameters * width * 2 < _free_bytes(device) else FOUR_BIT


def _weight_bytes(shape: Shape, dtype: torch.dtype, execution: str) -> int:
    width = 0.6 if execution == FOUR_BIT else dtype.itemsize
    return int(shape.parameters * width)


def _free_bytes(device: str) -> int:
    if device != "cpu":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(int(psutil.virtual_memory().available), _cgroup_room())


def _cgroup_room() -> int:
    """Memory left to this process's control group; a container may have far less than the machine."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text().strip()
        return int(limit) - int(used)
    except (OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
