"""Frozen dataclasses to JSON and back, strictly: what is not declared is refused.

Job folders outlive the program that wrote them, so a reader must notice a field it does not
know rather than train with half of an intention.
"""

import dataclasses
import enum
import functools
import json
import math
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


class ContractError(ValueError):
    """A document does not follow the contract; the message names the field."""


def to_dict(value: Any) -> Any:
    """Turn a contract dataclass into plain JSON types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_dict(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [to_dict(item) for item in value]
    if isinstance(value, dict):
        return {key: to_dict(item) for key, item in value.items()}
    return value


def dumps(value: Any) -> str:
    """One line of JSON with sorted keys; NaN and infinities are refused."""
    return json.dumps(to_dict(value), sort_keys=True, allow_nan=False, ensure_ascii=False)


def from_dict(cls: type[T], data: Any, *, where: str = "") -> T:
    """Build `cls` from plain JSON types.

    Raises ContractError for a missing, unknown or wrongly typed field, naming its path.
    """
    if not isinstance(data, dict):
        raise ContractError(f"{where or cls.__name__} must be an object, not {type(data).__name__}")
    hints = _hints(cls)  # type: ignore[arg-type]  # every class is hashable
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ContractError(f"{where or cls.__name__} has an unknown field: {', '.join(unknown)}")
    values = {}
    for name, field in fields.items():
        path = f"{where}.{name}" if where else name
        if name in data:
            values[name] = _convert(hints[name], data[name], path)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ContractError(f"{path} is missing")
    return cls(**values)


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _convert(hint: Any, value: Any, path: str) -> Any:
    origin = typing.get_origin(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(hint, value, path)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ContractError(f"{path} must be a list")
        item_hint = typing.get_args(hint)[0]
        return tuple(_convert(item_hint, item, f"{path}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise ContractError(f"{path} must be an object")
        key_hint, item_hint = typing.get_args(hint)
        return {
            _convert(key_hint, key, path): _convert(item_hint, item, f"{path}.{key}") for key, item in value.items()
        }
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where=path)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _convert_enum(hint, value, path)
    return _convert_scalar(hint, value, path)


def _convert_union(hint: Any, value: Any, path: str) -> Any:
    options = typing.get_args(hint)
    if value is None:
        if type(None) in options:
            return None
        raise ContractError(f"{path} must not be null")
    errors = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _convert(option, value, path)
        except ContractError as error:
            errors.append(str(error))
    raise ContractError(errors[0])


def _convert_enum(hint: type[enum.Enum], value: Any, path: str) -> enum.Enum:
    try:
        return hint(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in hint)
        raise ContractError(f"{path} is {value!r}; known are {known}") from None


def _convert_scalar(hint: Any, value: Any, path: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not hint:
        raise ContractError(f"{path} must be {hint.__name__}, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ContractError(f"{path} must be a finite number")
    return value
