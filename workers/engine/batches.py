"""Which rows make up an optimizer step, and how they go through the model. Needs no torch.

Everything here is a function of (seed, epoch, step), so that a resumed run sees the same rows in the same order.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from webapp.contract.spec import LoraConfig
from workers.engine.data import Dataset

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Plan:
    """The length of a run: `batch_size` examples make a step, the last step of an epoch may have fewer."""

    examples: int
    batch_size: int
    total_steps: int
    seed: int

    @classmethod
    def of(cls, config: LoraConfig, *, examples: int) -> "Plan":
        steps_per_epoch = math.ceil(examples / config.batch_size)
        total = config.max_steps or max(1, math.ceil(steps_per_epoch * config.num_train_epochs - 1e-9))
        return cls(examples=examples, batch_size=config.batch_size, total_steps=total, seed=config.seed)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.examples / self.batch_size)

    def epoch_at(self, step: int) -> float:
        return step / self.steps_per_epoch

    def examples_of_step(self, step: int) -> Indices:
        """Example numbers of the 0-based `step`."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = epoch_order(self.examples, seed=self.seed, epoch=epoch)
        return order[position * self.batch_size : (position + 1) * self.batch_size]


@functools.lru_cache(maxsize=2)
def epoch_order(examples: int, *, seed: int, epoch: int) -> Indices:
    return np.random.Generator(np.random.PCG64([seed, epoch])).permutation(examples)


def micro_batches(lengths: Indices, indices: Indices, *, token_budget: int, rows: int = 0) -> list[Indices]:
    """Cut a step's examples into pieces of like length, longest first, so that little padding is computed.

    A piece holds at most `token_budget` tokens with padding (a single longer row goes alone), or exactly
    `rows` rows where that is given.
    """
    order = indices[np.argsort(-lengths[indices], kind="stable")]
    pieces: list[Indices] = []
    start = 0
    while start < len(order):
        size = rows or max(1, token_budget // int(lengths[order[start]]))
        pieces.append(order[start : start + size])
        start += size
    return pieces


@dataclass(frozen=True)
class MicroBatch:
    """Rows padded on the right, and the places where the model must predict.

    `input_ids` (rows, tokens); `sources` index the flattened hidden states whose prediction counts;
    `targets` are the tokens they must predict. No attention mask is needed: no real token looks at padding,
    which comes after it.
    """

    input_ids: Indices
    sources: Indices
    targets: Indices
    real_tokens: int


def collate(dataset: Dataset, indices: Indices, *, pad_id: int) -> MicroBatch:
    width = int(dataset.lengths[indices].max())
    input_ids = np.full((len(indices), width), pad_id, dtype=np.int64)
    sources, targets = [], []
    for place, index in enumerate(indices):
        ids, is_trained = dataset.example(int(index))
        input_ids[place, : len(ids)] = ids
        learnt = np.flatnonzero(is_trained)
        sources.append(place * width + learnt - 1)
        targets.append(ids[learnt])
    return MicroBatch(
        input_ids=input_ids,
        sources=np.concatenate(sources).astype(np.int64),
        targets=np.concatenate(targets).astype(np.int64),
        real_tokens=int(dataset.lengths[indices].sum()),
    )


def every_micro_batch(dataset: Dataset, *, token_budget: int, rows: int, pad_id: int) -> Iterator[MicroBatch]:
    """The whole dataset once, for measuring."""
    for indices in micro_batches(dataset.lengths, np.arange(len(dataset)), token_budget=token_budget, rows=rows):
        yield collate(dataset, indices, pad_id=pad_id)
