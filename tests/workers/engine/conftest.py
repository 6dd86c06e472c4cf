"""A base model so small that a training takes a second, built in code, and jobs to run on it in this process."""

import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import huggingface_hub.constants
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from webapp.contract import events, spec
from workers.engine import __main__ as program
from workers.engine import crash
from workers.engine.chat import ChatFormat
from workers.engine.job import Stop
from workers.engine.order import JobFolder

os.environ["HF_HUB_OFFLINE"] = "1"
torch.set_num_threads(1)

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CITIES = ["Ghent", "Porto", "Turin", "Lyon", "Cork", "Graz", "Bergen", "Delft"]
SCHEMA = pa.schema(
    [("row", pa.int64()), ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
)

Conversation = list[dict[str, str]]


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def conversations(count: int, *, first: int = 0) -> list[Conversation]:
    """Small exchanges with a pattern that a tiny model can learn."""
    return [
        [
            turn("user", f"Parcel {number} goes to {CITIES[number % 8]}{'!' * (number % 5)}"),
            turn("assistant", json.dumps({"city": CITIES[number % 8], "express": bool(number % 5)})),
        ]
        for number in range(first, first + count)
    ]


def write_rows(path: Path, rows: list[Conversation]) -> None:
    table = pa.table({"row": list(range(1, len(rows) + 1)), "messages": rows}, schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", row_group_size=4096)


def train_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = ["\n".join(message["content"] for message in rows) for rows in conversations(64)]
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([*texts, "user assistant system"], trainer)
    return tokenizer


def write_tokenizer(folder: Path, template: str) -> None:
    train_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}))
    (folder / "chat_template.jinja").write_text(template)


def write_base(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, CHATML)
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=400, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, eos_token_id=2, pad_token_id=2, tie_word_embeddings=True,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer Llama with random weights, a byte-level tokenizer and a ChatML template."""
    return write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def chat_format(base: Path) -> ChatFormat:
    return ChatFormat.load(base)


@pytest.fixture(autouse=True)
def _own_signals_and_crashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a job sets in this process does not reach the next test."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.delenv("CRASH_AT", raising=False)
    crash._passed.clear()
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@dataclass
class Run:
    """A job folder and what has been said in it."""

    path: Path

    @property
    def said(self) -> list[events.Event]:
        return [events.parse(line).event for line in (self.path / "events.jsonl").read_bytes().splitlines()]

    @property
    def ended(self) -> events.Ended:
        last = self.said[-1]
        assert isinstance(last, events.Ended)
        return last

    @property
    def planned(self) -> events.Planned:
        """The newest attempt's."""
        return [event for event in self.said if isinstance(event, events.Planned)][-1]

    @property
    def checkpoints(self) -> list[events.Checkpointed]:
        return [event for event in self.said if isinstance(event, events.Checkpointed)]

    def metric(self, name: str) -> dict[int, float | None]:
        """Values by step; a later attempt's take the place of an earlier one's."""
        found = [event for event in self.said if isinstance(event, events.Metrics) and name in event.values]
        return {event.step: event.values[name] for event in found}

    def notes(self, code: str) -> list[events.Noted]:
        return [event for event in self.said if isinstance(event, events.Noted) and event.code == code]

    def document(self, name: str) -> Any:
        return json.loads((self.path / "result" / name).read_text())

    def again(self, **changes: Any) -> "Run":
        """Run the program once more in the same folder, with fields of the order changed."""
        order = json.loads((self.path / "spec.json").read_text())
        order |= {"attempt": order["attempt"] + 1, **changes}
        (self.path / "spec.json").write_text(json.dumps(order))
        return self.start()

    def start(self) -> "Run":
        writer = events.Writer(self.path / "events.jsonl")
        writer.say(program.run(JobFolder(self.path), writer))
        writer.close()
        return self

    def start_and_die(self, label: str) -> int:
        """Run in a child process that kills itself at a labelled point; returns the signal that ended it, or 0."""
        child = os.fork()
        if not child:
            os.environ["CRASH_AT"] = label
            try:
                self.start()
            finally:
                os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) * -1


class MakeTraining(Protocol):
    def __call__(self, **config: Any) -> Run: ...


@dataclass
class Inputs:
    """What a training job is made of; a test changes what it is about."""

    rows: list[Conversation] = field(default_factory=lambda: conversations(24))
    held_out: list[Conversation] = field(default_factory=lambda: conversations(6, first=100))


@pytest.fixture
def inputs() -> Inputs:
    return Inputs()


SMALL = {"method": "lora", "precision": "float32", "lora_r": 4, "learning_rate": 0.01, "batch_size": 8,
         "max_length": 256, "checkpoint_seconds": 0}  # fmt: skip


@pytest.fixture
def make_training(tmp_path: Path, base: Path, inputs: Inputs) -> MakeTraining:
    """A training job, not yet started. Keyword arguments are fields of LoraConfig."""
    made = 0

    def make(**config: Any) -> Run:
        nonlocal made
        made += 1
        folder = tmp_path / f"job{made}"
        (folder / "inputs").mkdir(parents=True)
        (folder / "inputs" / "base").symlink_to(base)
        write_rows(folder / "inputs" / "train.parquet", inputs.rows)
        dataset = {"name": "parcels", "revision": "d1"}
        if inputs.held_out:
            write_rows(folder / "inputs" / "validation.parquet", inputs.held_out)
            dataset["validation_path"] = "inputs/validation.parquet"
        wanted = {"base": {"name": "acme/tiny", "revision": "b1"}, "dataset": dataset, "config": SMALL | config}
        write_order(folder, "train", wanted)
        return Run(folder)

    return make


def write_order(folder: Path, kind: str, wanted: dict[str, Any], **fields: Any) -> None:
    order = {"version": spec.SPEC_VERSION, "job": "job_1", "attempt": 1, "kind": kind, "spec": wanted, "threads": 1}
    (folder / "spec.json").write_text(json.dumps(order | fields))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long it would have waited, each time."""
    waited: list[float] = []
    monkeypatch.setattr(Stop, "sleep", lambda stop, seconds: waited.append(seconds))
    return waited


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """A hub may be asked, without a token; waiting for it takes no time."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))


@pytest.fixture
def trained(make_training: MakeTraining) -> Run:
    """A finished training."""
    return make_training(num_train_epochs=2).start()
