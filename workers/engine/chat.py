"""Conversations to token ids, with the knowledge of which tokens the model must learn to say.

The one place where text becomes tokens: training, held-out loss, answers and the token view all come here.
Needs no torch.

How assistant turns are found. For each assistant message the template is rendered up to just before it
(with the generation prompt) and up to its end; both must be prefixes of the whole. What lies between is
learnt, the end-of-turn token included. Where a template renders a turn differently once it lies in the past
(it drops old reasoning, or closes the last turn with another token), each assistant turn becomes an example of
its own, in exactly the form in which the model will be asked.

Special tokens inside people's text stay text: they are replaced by one private-use character each before the
template sees them, and spelled out as ordinary tokens afterwards.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from webapp.contract.events import Fault
from workers.engine.faults import EngineFault
from workers.engine.template import Message, Template, TemplateRefused

_PRIVATE_USE = range(0xE000, 0xF900)


class Example(NamedTuple):
    """Token ids, and for each whether it is learnt (its prediction counts in the loss)."""

    ids: list[int]
    is_trained: list[bool]


class Span(NamedTuple):
    start: int
    end: int


@dataclass(frozen=True)
class _Masked:
    """Messages whose special tokens were replaced, and what each replacement stands for."""

    messages: list[Message]
    literals: dict[str, list[int]]


class ChatFormat:
    """A base model's tokenizer and chat template."""

    def __init__(self, tokenizer: Tokenizer, template: Template) -> None:
        self.tokenizer = tokenizer
        self.template = template
        added = tokenizer.get_added_tokens_decoder()
        self.special_ids = frozenset(number for number, token in added.items() if token.special)
        self._specials = sorted((added[number].content for number in self.special_ids), key=len, reverse=True)
        self._special_pattern = re.compile("|".join(map(re.escape, self._specials))) if self._specials else None

    @classmethod
    def load(cls, folder: Path) -> "ChatFormat":
        """Read tokenizer.json and the chat template of a base model. Raises EngineFault."""
        if not (folder / "tokenizer.json").is_file():
            raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="no_tokenizer", file="tokenizer.json")
        source = template_source(folder)
        if not source:
            raise EngineFault(Fault.NO_CHAT_TEMPLATE, reason="absent")
        try:
            template = Template(source, special_tokens=_named_tokens(folder))
        except TemplateRefused as error:
            raise EngineFault(Fault.NO_CHAT_TEMPLATE, reason="broken", message=str(error)[:300]) from error
        try:
            return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), template)
        except Exception as error:  # the library raises nothing narrower
            raise EngineFault(Fault.DAMAGED_INPUT, file="tokenizer.json", message=str(error)[:300]) from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the template: an adapter belongs to the template it was trained with."""
        return hashlib.sha256(self.template.source.encode()).hexdigest()

    def encode_prompt(self, messages: Sequence[Message]) -> list[int]:
        """The tokens after which the model is to answer. Raises TemplateRefused."""
        masked = self._mask(messages)
        return self._encode(self.template.render(masked.messages, add_generation_prompt=True), masked.literals)[0]

    def encode_text(self, text: str) -> list[int]:
        """Plain text, without any special token."""
        masked = self._mask([{"role": "", "content": text}])
        return self._encode(masked.messages[0]["content"], masked.literals)[0]

    def encode_examples(self, messages: Sequence[Message]) -> list[Example]:
        """One example for the conversation, or one for each assistant turn (see above).

        Raises TemplateRefused for a conversation that the template will not render, EngineFault where the
        template gives no way to find assistant turns.
        """
        masked = self._mask(messages)
        turns = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
        whole = self.template.render(masked.messages)
        spans = [self._span(masked.messages, turn, whole) for turn in turns]
        found = [span for span in spans if span is not None]
        if len(found) == len(turns):
            return [self._example(whole, found, masked.literals)]
        return [self._example_of_turn(masked, turn) for turn in turns]

    def decode(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _span(self, messages: Sequence[Message], turn: int, whole: str) -> Span | None:
        before = self.template.render(messages[:turn], add_generation_prompt=True)
        until = self.template.render(messages[: turn + 1])
        if not until.startswith(before) or not whole.startswith(until):
            return None
        return Span(len(before), len(until))

    def _example_of_turn(self, masked: _Masked, turn: int) -> Example:
        messages = masked.messages[: turn + 1]
        whole = self.template.render(messages)
        span = self._span(messages, turn, whole)
        if span is None:
            raise EngineFault(Fault.NO_CHAT_TEMPLATE, reason="assistant_turns_not_found")
        return self._example(whole, [span], masked.literals)

    def _example(self, text: str, spans: list[Span], literals: dict[str, list[int]]) -> Example:
        ids, offsets = self._encode(text, literals)
        is_trained = [False] * len(ids)
        for span in spans:
            inside = [i for i, (start, end) in enumerate(offsets) if start < span.end and end > span.start]
            for i in self._without_trailing_layout(inside, ids, offsets, text):
                is_trained[i] = True
        return Example(ids, is_trained)

    def _without_trailing_layout(
        self, inside: list[int], ids: list[int], offsets: list[tuple[int, int]], text: str
    ) -> list[int]:
        """Leave out the blank text between the end-of-turn token and the next turn: the model never says it."""
        last = len(inside)
        while last and ids[inside[last - 1]] not in self.special_ids:
            start, end = offsets[inside[last - 1]]
            if text[start:end].strip():
                return inside  # the turn ends with words: nothing closes it
            last -= 1
        return inside[:last] if last else inside

    def _mask(self, messages: Sequence[Message]) -> _Masked:
        """Replace every special token inside content by one character of its own."""
        everything = "".join(message["content"] for message in messages)
        present = set(self._special_pattern.findall(everything)) if self._special_pattern else set()
        if not present:
            return _Masked([dict(message) for message in messages], {})
        free = (chr(code) for code in _PRIVATE_USE if chr(code) not in everything)
        stand_ins = {token: next(free) for token in sorted(present)}
        assert self._special_pattern is not None
        masked: list[Message] = [
            dict(message) | {"content": self._special_pattern.sub(lambda m: stand_ins[m.group()], message["content"])}
            for message in messages
        ]
        return _Masked(masked, {mark: self._spell(token) for token, mark in stand_ins.items()})

    def _spell(self, token: str) -> list[int]:
        """The ordinary tokens of a special token's text."""
        self.tokenizer.encode_special_tokens = True
        try:
            return list(self.tokenizer.encode(token, add_special_tokens=False).ids)
        finally:
            self.tokenizer.encode_special_tokens = False

    def _encode(self, text: str, literals: dict[str, list[int]]) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids with their places in `text`. The template writes its own special tokens; none are added."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        position = 0
        pieces = re.split(f"([{''.join(literals)}])", text) if literals else [text]
        for piece in pieces:
            if piece in literals:
                ids += literals[piece]
                offsets += [(position, position + 1)] * len(literals[piece])
            elif piece:
                encoded = self.tokenizer.encode(piece, add_special_tokens=False)
                ids += encoded.ids
                offsets += [(start + position, end + position) for start, end in encoded.offsets]
            position += len(piece)
        return ids, offsets


def prompt_and_expected(messages: Sequence[Message]) -> tuple[list[Message], str] | None:
    """Cut a conversation before its last assistant message; None where there is none."""
    turns = [i for i, message in enumerate(messages) if message["role"] == "assistant"]
    if not turns:
        return None
    return list(messages[: turns[-1]]), messages[turns[-1]]["content"]


def template_source(folder: Path) -> str:
    """The chat template of a base model, from its own file or from the tokenizer's configuration."""
    own_file = folder / "chat_template.jinja"
    if own_file.is_file():
        return own_file.read_text(encoding="utf-8")
    template = read_json(folder / "tokenizer_config.json").get("chat_template", "")
    if isinstance(template, list):  # several named templates
        named = {item.get("name"): item.get("template", "") for item in template if isinstance(item, dict)}
        template = named.get("default", "")
    return template if isinstance(template, str) else ""


def _named_tokens(folder: Path) -> dict[str, str]:
    """bos_token, eos_token … which templates write by name."""
    settings = read_json(folder / "special_tokens_map.json") | read_json(folder / "tokenizer_config.json")
    tokens = {}
    for name in ("bos_token", "eos_token", "unk_token", "pad_token"):
        token = settings.get(name)
        text = token.get("content") if isinstance(token, dict) else token
        if isinstance(text, str):
            tokens[name] = text
    return tokens


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file; empty where the file is absent. Raises EngineFault where it is damaged."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise EngineFault(Fault.DAMAGED_INPUT, file=path.name) from error
    if not isinstance(value, dict):
        raise EngineFault(Fault.DAMAGED_INPUT, file=path.name)
    return value
