"""Greedy answers, many prompts at once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch
from torch import Tensor
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from workers.engine.chat import ChatFormat, read_json
from workers.engine.job import Stop

ROWS_AT_ONCE = 64
MEMORY_SHARE = 0.3  # of what is free, for keys and values


class Answer(NamedTuple):
    """`is_cut`: the limit of tokens ended it, not the model."""

    text: str
    is_cut: bool


class _StopAsked(StoppingCriteria):
    def __init__(self, stop: Stop) -> None:
        self.stop = stop

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        return torch.full((len(input_ids),), self.stop.is_asked, device=input_ids.device)


@dataclass(frozen=True)
class Generator:
    """Answers with `model`, which is a transformers or a peft model in evaluation mode."""

    model: Any
    chat: ChatFormat
    end_ids: list[int]
    max_new_tokens: int
    stop: Stop

    def answer(self, prompts: Sequence[list[int]], on_done: Callable[[int], None]) -> list[Answer]:
        """Greedy answers in the order of `prompts`. `on_done` hears how many more are done. Raises StopAsked."""
        answers: list[Answer | None] = [None] * len(prompts)
        for indices in self._batches(prompts):
            for index, ids in zip(indices, self._generate([prompts[i] for i in indices]), strict=True):
                answers[index] = self._read(ids)
            self.stop.check()
            on_done(len(indices))
        return [answer for answer in answers if answer is not None]

    def _batches(self, prompts: Sequence[list[int]]) -> Iterator[list[int]]:
        """Prompts of like length together."""
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        if not order:
            return
        size = self._rows_at_once(len(prompts[order[-1]]) + self.max_new_tokens)
        for start in range(0, len(order), size):
            yield order[start : start + size]

    def _rows_at_once(self, width: int) -> int:
        config = self.model.config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        row_bytes = 2 * config.num_hidden_layers * heads * head_size * self.model.dtype.itemsize * width
        is_cpu = self.model.device.type == "cpu"
        free = psutil.virtual_memory().available if is_cpu else torch.cuda.mem_get_info(self.model.device)[0]
        return max(1, min(ROWS_AT_ONCE, int(free * MEMORY_SHARE / row_bytes)))

    @torch.no_grad()
    def _generate(self, prompts: list[list[int]]) -> list[list[int]]:
        """New token ids, padding included. Prompts are padded on the left."""
        width = max(map(len, prompts))
        device = self.model.device
        input_ids = torch.tensor([[self.end_ids[0]] * (width - len(ids)) + ids for ids in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=device)
        output = self.model.generate(
            input_ids=input_ids,
            attention_mask=mask,
            generation_config=GenerationConfig(
                do_sample=False,
                max_new_tokens=self.max_new_tokens,
                eos_token_id=self.end_ids,
                pad_token_id=self.end_ids[0],
                use_cache=True,
            ),
            stopping_criteria=StoppingCriteriaList([_StopAsked(self.stop)]),
        )
        return [row[width:] for row in output.tolist()]

    def _read(self, ids: list[int]) -> Answer:
        ends = [place for place, number in enumerate(ids) if number in self.end_ids]
        return Answer(self.chat.decode(ids[: ends[0]] if ends else ids), is_cut=not ends)


def end_of_turn_ids(base: Path, chat: ChatFormat, config: dict[str, Any]) -> list[int]:
    """Tokens that end an answer: what the model declares, and the tokenizer's own end."""
    found: list[int] = []
    for source in (read_json(base / "generation_config.json"), config):
        value = source.get("eos_token_id")
        found += value if isinstance(value, list) else [value] if isinstance(value, int) else []
    name = read_json(base / "tokenizer_config.json").get("eos_token")
    text = name.get("content") if isinstance(name, dict) else name
    number = chat.tokenizer.token_to_id(text) if isinstance(text, str) else None
    if number is not None:
        found.append(number)
    return list(dict.fromkeys(found)) or [0]
