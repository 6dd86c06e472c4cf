"""What a run will need, before it is launched: arithmetic only.

Parameters, steps and file sizes are exact. Tokens are estimated from characters. Memory and time come from the
shapes of the model, and are corrected by what earlier runs on the same device really took.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from webapp.contract.spec import LoraConfig, Method, Precision
from webapp.runs.shapes import Shapes

# English text under the tokenizers of the models that can be trained; rows with much markup have fewer.
CHARACTERS_PER_TOKEN = 3.6
# What the chat template puts around a conversation of two turns.
TEMPLATE_TOKENS = 18
# Share of a row on which the model is corrected, where nothing better is known: the answer.
TRAINED_SHARE = 0.4

NF4_BYTES = 4.127 / 8  # 4 bits and the doubly quantized scales: 4.127 bits a weight (Dettmers et al. 2023)
BFLOAT16_BYTES, FLOAT32_BYTES = 2, 4
OPTIMIZER_BYTES = 8  # two float32 moments for each trained number
GRADIENT_BYTES = 4
# How the engine chooses how much goes through the model at once (workers/engine/decisions.py).
TOKENS_AT_ONCE = {"cpu": 2048, "cuda": 16384}
ACTIVATION_SHARE = 0.5
LOGIT_TOKENS = 256  # the loss is computed in slices of so many tokens

PROCESS_BYTES = {"cpu": 900_000_000, "cuda": 900_000_000}
FRAGMENTATION = 0.05
# Share of the measured matrix speed that a training reaches, before anything was measured on the device.
EFFICIENCY = {"cpu": 0.20, "cuda": 0.45}
START_SECONDS = 15.0
UNMEASURED_BAND = (0.5, 2.0)
MEASURED_BAND = 0.08
CHECKS_IN_A_RUN = 10
CHECKPOINTS_KEPT = 3
MEASUREMENTS_USED = 20


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What is known of the dataset. Tokens of a row are those before it is cut off."""

    train_rows: int
    validation_rows: int
    mean_tokens: float
    longest_tokens: int

    @classmethod
    def from_statistics(cls, *, train_rows: int, validation_rows: int, characters: Mapping[str, Any]) -> "Rows":
        """From the numbers of the dataset's report."""
        mean = float(characters.get("mean") or 0) / CHARACTERS_PER_TOKEN + TEMPLATE_TOKENS
        longest = math.ceil(float(characters.get("max") or 0) / CHARACTERS_PER_TOKEN) + TEMPLATE_TOKENS
        return cls(
            train_rows=train_rows, validation_rows=validation_rows, mean_tokens=mean, longest_tokens=max(longest, 1)
        )


@dataclass(frozen=True, kw_only=True)
class Device:
    """`speed`: floating-point operations a second of a large matrix product, None while nobody measured it.
    `place` is what people call the machine."""

    name: str
    place: str = ""
    kind: str
    memory_bytes: int
    speed: float | None = None


@dataclass(frozen=True)
class Past:
    """What an earlier run on such a device took, and what was said before it, uncorrected."""

    said_seconds: float
    took_seconds: float
    said_bytes: float = 0.0
    took_bytes: float = 0.0
    precision: str = ""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """In bytes, by what it is for."""

    weights: int
    adapter: int
    activations: int
    reserve: int

    @property
    def total(self) -> int:
        return self.weights + self.adapter + self.activations + self.reserve


@dataclass(frozen=True, kw_only=True)
class Work:
    """What does not depend on the device."""

    trainable_parameters: int
    total_parameters: int
    steps: int
    steps_per_epoch: int
    tokens: int
    adapter_bytes: int
    disk_bytes: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The run on one device. Seconds are None where its speed is not known.

    `raw_seconds`, the time of computing alone, and `raw_bytes` are before they are corrected by earlier runs.
    """

    device: Device
    memory: Memory
    raw_bytes: int
    raw_seconds: float | None
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None
    measured_runs: int
    has_4_bit_weights: bool

    @property
    def fits(self) -> bool:
        return self.memory.total <= self.device.memory_bytes

    @property
    def short_bytes(self) -> int:
        return max(0, self.memory.total - self.device.memory_bytes)


def work(shapes: Shapes, config: LoraConfig, rows: Rows) -> Work:
    trainable = shapes.trainable_parameters(config)
    steps_per_epoch = max(1, math.ceil(rows.train_rows / config.batch_size))
    steps = total_steps(rows.train_rows, config)
    adapter_bytes = trainable * FLOAT32_BYTES
    checkpoint_bytes = trainable * (FLOAT32_BYTES + OPTIMIZER_BYTES)
    return Work(
        trainable_parameters=trainable,
        total_parameters=shapes.total_parameters,
        steps=steps,
        steps_per_epoch=steps_per_epoch,
        tokens=round(steps * _rows_a_step(rows, config) * _mean_tokens(rows, config)),
        adapter_bytes=adapter_bytes,
        disk_bytes=adapter_bytes + CHECKPOINTS_KEPT * checkpoint_bytes,
    )


def total_steps(train_rows: int, config: LoraConfig) -> int:
    """As the engine counts them: the last batch of a pass may be smaller."""
    steps_per_epoch = math.ceil(train_rows / config.batch_size)
    return config.max_steps or max(1, math.ceil(steps_per_epoch * config.num_train_epochs - 1e-9))


def fit(shapes: Shapes, config: LoraConfig, rows: Rows, device: Device, *, past: Sequence[Past] = ()) -> Fit:
    """Memory and time of the run on this device."""
    past = list(past)[:MEASUREMENTS_USED]
    if config.precision is Precision.AUTO and past and past[0].precision:
        config = replace(config, precision=Precision(past[0].precision))  # what the device chose the last time
    raw, raw_memory = _seconds(shapes, config, rows, device), memory_of(shapes, config, rows, device)
    ratios = [one.took_seconds / one.said_seconds for one in past if one.said_seconds > 0 and one.took_seconds > 0]
    middle, low, high = _correction(ratios)
    return Fit(
        device=device,
        memory=_corrected(
            raw_memory, [one.took_bytes / one.said_bytes for one in past if one.said_bytes > 0 < one.took_bytes]
        ),
        raw_bytes=raw_memory.total,
        raw_seconds=raw,
        seconds=None if raw is None else START_SECONDS + raw * middle,
        seconds_low=None if raw is None else START_SECONDS + raw * low,
        seconds_high=None if raw is None else START_SECONDS + raw * high,
        measured_runs=len(ratios),
        has_4_bit_weights=_is_kept_in_4_bits(shapes, config, device),
    )


def _corrected(memory: Memory, ratios: Sequence[float]) -> Memory:
    """Weights and adapter are known to the byte, so what earlier runs took changes the other two parts."""
    if not ratios:
        return memory
    exact, guessed = memory.weights + memory.adapter, memory.activations + memory.reserve
    factor = max(0.2, (statistics.median(ratios) * memory.total - exact) / guessed)
    return replace(memory, activations=round(memory.activations * factor), reserve=round(memory.reserve * factor))


def _correction(ratios: Sequence[float]) -> tuple[float, float, float]:
    """By what the raw seconds are multiplied: the median of earlier runs, and a band around it.

    The band is how far those runs lay from their median; few of them make it wider than they show.
    """
    if not ratios:
        return 1.0, *UNMEASURED_BAND
    middle = statistics.median(ratios)
    seen = statistics.median(abs(ratio / middle - 1) for ratio in ratios)
    spread = min(0.5, max(MEASURED_BAND, seen) + 0.3 / len(ratios))
    return middle, middle * (1 - spread), middle * (1 + spread)


def memory_of(shapes: Shapes, config: LoraConfig, rows: Rows, device: Device) -> Memory:
    """Weights, the adapter with its gradients and moments, what the backward pass keeps, and a reserve."""
    number_bytes = _number_bytes(config, device)
    trainable = shapes.trainable_parameters(config)
    linear_bytes = NF4_BYTES if _is_kept_in_4_bits(shapes, config, device) else number_bytes
    embeddings = shapes.total_parameters - shapes.linear_parameters
    weights = round(shapes.linear_parameters * linear_bytes + embeddings * number_bytes)
    adapter = trainable * (FLOAT32_BYTES + GRADIENT_BYTES + OPTIMIZER_BYTES)
    activations = _activation_bytes(shapes, config, rows, room=device.memory_bytes * ACTIVATION_SHARE - weights,
                                    number_bytes=number_bytes, ceiling=TOKENS_AT_ONCE[device.kind])  # fmt: skip
    activations += 2 * LOGIT_TOKENS * shapes.vocabulary * FLOAT32_BYTES
    reserve = PROCESS_BYTES[device.kind] + round(FRAGMENTATION * (weights + adapter + activations))
    return Memory(weights=weights, adapter=adapter, activations=activations, reserve=reserve)


def _number_bytes(config: LoraConfig, device: Device) -> int:
    """Left to itself the engine computes in bfloat16, except on processors that are slow at it: the larger is said."""
    if config.precision is Precision.AUTO:
        return BFLOAT16_BYTES if device.kind == "cuda" else FLOAT32_BYTES
    return BFLOAT16_BYTES if config.precision is Precision.BFLOAT16 else FLOAT32_BYTES


def _is_kept_in_4_bits(shapes: Shapes, config: LoraConfig, device: Device) -> bool:
    """On a processor the 4-bit values are computed once and kept in full width while there is room for them."""
    if config.method is not Method.QLORA:
        return False
    unpacked = 2 * shapes.total_parameters * _number_bytes(config, device)
    return device.kind == "cuda" or unpacked >= device.memory_bytes


def _activation_bytes(
    shapes: Shapes, config: LoraConfig, rows: Rows, *, room: float, number_bytes: int, ceiling: int
) -> int:
    """What the tokens that go through the model at once leave for the backward pass; where not even the longest row
    finds room, only the inputs of the blocks are kept and the rest is computed twice."""
    longest = min(config.max_length, rows.longest_tokens)
    a_token = shapes.layers * (16 * shapes.hidden + 6 * shapes.intermediate) * number_bytes
    if a_token * longest > room:
        a_token = shapes.layers * 2 * shapes.hidden * number_bytes
    if config.micro_batch_size:
        return config.micro_batch_size * longest * a_token
    wanted = min(ceiling, config.batch_size * longest, int(room // a_token))
    return max(longest, wanted) * a_token


def _seconds(shapes: Shapes, config: LoraConfig, rows: Rows, device: Device) -> float | None:
    """From the operations that the run needs and the speed that the device was measured to have."""
    if not device.speed:
        return None
    tokens = _mean_tokens(rows, config)
    steps = total_steps(rows.train_rows, config)
    trained = steps * _rows_a_step(rows, config) * tokens * operations_a_token(shapes, config, tokens)
    checks = 1 + (math.ceil(steps / config.eval_steps) if config.eval_steps else min(CHECKS_IN_A_RUN, steps))
    checked = checks * rows.validation_rows * tokens * operations_a_token(shapes, config, tokens) / 2
    return (trained + checked) / (device.speed * EFFICIENCY[device.kind])


def operations_a_token(shapes: Shapes, config: LoraConfig, tokens: float) -> float:
    """4 N_linear + 6 N_lora + 6 L d T: forward and backward, the frozen weights without their own gradient, causal
    attention over rows of `tokens`; the head only where a token is trained."""
    linear = shapes.linear_parameters + TRAINED_SHARE * shapes.head_parameters
    attention = shapes.layers * shapes.attention_width * tokens
    return 4 * linear + 6 * shapes.trainable_parameters(config) + 6 * attention


def _mean_tokens(rows: Rows, config: LoraConfig) -> float:
    return min(float(config.max_length), max(1.0, rows.mean_tokens))


def _rows_a_step(rows: Rows, config: LoraConfig) -> float:
    return rows.train_rows / max(1, math.ceil(rows.train_rows / config.batch_size))


def as_json(done: Work, place: Fit | None) -> dict[str, Any]:
    """What a run keeps of the estimate, to be compared with what came of it."""
    kept: dict[str, Any] = asdict(done)
    if place is not None:
        kept |= {
            "device": place.device.name,
            "memory_bytes": place.memory.total,
            "memory": asdict(place.memory),
            "raw_seconds": place.raw_seconds,
            "seconds": place.seconds,
            "seconds_low": place.seconds_low,
            "seconds_high": place.seconds_high,
        }
    return kept
