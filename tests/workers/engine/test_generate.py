"""Greedy answers: the same one by one and together, ended where the model ends them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers

from tests.workers.engine.conftest import turn
from workers.engine import generate
from workers.engine.chat import ChatFormat
from workers.engine.faults import StopAsked
from workers.engine.generate import Generator, end_of_turn_ids
from workers.engine.job import Stop

TEXTS = ("b " * 30, "a", "Parcel 7 goes to Cork")  # neither in the order of their lengths nor against it


@pytest.fixture
def model(base: Path) -> Any:
    """With weights so large that each prompt has an answer of its own; as it is made, it says the same to all."""
    made = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    with torch.no_grad():
        for layer in made.model.layers:
            for weight in layer.parameters():
                weight.mul_(10)
    return made


@pytest.fixture
def prompts(chat_format: ChatFormat) -> list[list[int]]:
    return [chat_format.encode_prompt([turn("user", text)]) for text in TEXTS]


def generator(model: Any, chat_format: ChatFormat, **fields: Any) -> Generator:
    return Generator(model, chat_format, **{"end_ids": [2], "max_new_tokens": 20, "stop": Stop()} | fields)


def test_answers_given_together_are_those_given_one_by_one_in_the_same_order(
    model: Any, chat_format: ChatFormat, prompts: list[list[int]]
) -> None:
    asked = generator(model, chat_format)
    done: list[int] = []
    together = asked.answer(prompts, done.append)
    assert together == [asked.answer([prompt], lambda more: None)[0] for prompt in prompts]
    assert len({answer.text for answer in together}) == len(prompts)
    assert sum(done) == len(prompts)


def test_answers_are_those_of_plain_transformers(model: Any, chat_format: ChatFormat, prompts: list[list[int]]) -> None:
    for prompt, answer in zip(prompts, generator(model, chat_format).answer(prompts, lambda more: None), strict=True):
        ids = torch.tensor([prompt])
        plain = model.generate(ids, do_sample=False, max_new_tokens=20, eos_token_id=2, pad_token_id=2)[0]
        assert answer.text == chat_format.decode([number for number in plain[len(prompt) :].tolist() if number != 2])


def test_where_memory_is_short_fewer_prompts_go_together(
    model: Any, chat_format: ChatFormat, prompts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = generator(model, chat_format)
    expected = asked.answer(prompts, lambda more: None)
    # Keys and values, 2 layers of 2 heads of 16 numbers of 4 bytes for each token of the widest row.
    row_bytes = 2 * 2 * 2 * 16 * 4 * (len(prompts[0]) + 20)
    for rows, batches in ((0.5, [1, 1, 1]), (2.5, [2, 1])):
        free = SimpleNamespace(available=rows * row_bytes / generate.MEMORY_SHARE)
        monkeypatch.setattr(generate.psutil, "virtual_memory", lambda free=free: free)
        done: list[int] = []
        assert asked.answer(prompts, done.append) == expected
        assert done == batches


def test_no_prompts_have_no_answers(model: Any, chat_format: ChatFormat) -> None:
    assert generator(model, chat_format).answer([], lambda more: None) == []


def test_a_stop_ends_an_answer_in_its_middle(model: Any, chat_format: ChatFormat, prompts: list[list[int]]) -> None:
    stop, passes = Stop(), 0

    def count(*_arguments: Any) -> None:
        nonlocal passes
        passes += 1
        if passes == 3:
            stop.ask()

    model.register_forward_hook(count)
    with pytest.raises(StopAsked):
        generator(model, chat_format, end_ids=[399], max_new_tokens=200, stop=stop).answer(prompts, lambda more: None)
    assert passes == 3


@pytest.mark.parametrize("end_ids", [[2], [7, 2]])
def test_an_answer_ends_before_its_end_token_and_says_whether_it_was_cut(
    chat_format: ChatFormat, end_ids: list[int]
) -> None:
    asked = generator(None, chat_format, end_ids=end_ids, max_new_tokens=4)
    hello = chat_format.encode_text("Ghent")
    assert asked._read([*hello, end_ids[-1], 5, end_ids[0]]) == ("Ghent", False)
    assert asked._read(hello) == ("Ghent", True)


@pytest.mark.parametrize(
    ("generation", "config", "tokenizer", "expected"),
    [
        ({"eos_token_id": [1, 2]}, {"eos_token_id": 1}, {"eos_token": "<|im_end|>"}, [1, 2]),
        ({}, {"eos_token_id": 0}, {"eos_token": {"content": "<|im_end|>"}}, [0, 2]),
        ({}, {"eos_token_id": None}, {"eos_token": "<|im_end|>"}, [2]),
        ({}, {"eos_token_id": 1}, {"eos_token": "<|unheard of|>"}, [1]),
        ({}, {}, {}, [0]),
    ],
)
def test_every_token_that_a_model_declares_ends_an_answer(
    tmp_path: Path, chat_format: ChatFormat, generation: Any, config: Any, tokenizer: Any, expected: list[int]
) -> None:
    """SmolLM's config, for one, names the end of a text, and its tokenizer the end of a turn."""
    (tmp_path / "generation_config.json").write_text(json.dumps(generation))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    assert end_of_turn_ids(tmp_path, chat_format, config) == expected
