"""Renders a model's chat template in the sandbox, with the names that published templates expect.

Same environment as `apply_chat_template` of transformers, without importing torch, and with one
difference: `strftime_now` is absent. Templates that print today's date fall back to their fixed one,
so that a run resumed tomorrow sees the same tokens as today.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = Mapping[str, str]


class TemplateRefused(Exception):
    """The template will not render this conversation; the message is the template's own."""


class _Generation(Extension):
    """Lets `{% generation %}` blocks through; we find assistant turns without them."""

    tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(jinja2.utils.Namespace):
    """Refuses underscore names, which lead to the interpreter's internals."""

    def __init__(*args: Any, **kwargs: Any) -> None:  # `namespace(self=…)` is allowed in templates
        own, values = args[0], dict(*args[1:], **kwargs)
        for name in values:
            own._check(name)
        jinja2.utils.Namespace.__init__(own, values)

    def __setitem__(self, name: str, value: Any) -> None:
        self._check(name)
        super().__setitem__(name, value)

    @staticmethod
    def _check(name: str) -> None:
        if name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a chat template may not set {name!r}")


class Template:
    """A compiled chat template."""

    def __init__(self, source: str, *, special_tokens: Mapping[str, str]) -> None:
        """`special_tokens`: bos_token, eos_token … as text. Raises TemplateRefused where it does not compile."""
        self.source = source
        self._special_tokens = dict(special_tokens)
        try:
            self._template = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise TemplateRefused(str(error)) from error

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        plain = [{"role": str(message["role"]), "content": str(message["content"])} for message in messages]
        try:
            return self._template.render(
                messages=plain, tools=None, documents=None,
                add_generation_prompt=add_generation_prompt, **self._special_tokens,
            )  # fmt: skip
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise TemplateRefused(str(error) or type(error).__name__) from error


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["namespace"] = _Namespace
    return environment


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None,
             separators: tuple[str, str] | None = None, sort_keys: bool = False) -> str:  # fmt: skip
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)
