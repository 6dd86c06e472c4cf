"""One raw row as every kind of file yields it, and how JSON becomes one."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

import orjson

from webapp.datasets.formats import Problem, RowProblem
from workers.reader.lines import Line


class RawRow(NamedTuple):
    """Row `number` counts from 1 in the file's order (a table's header is no row); `raw` is for the excerpt."""

    number: int
    line: int
    raw: bytes
    value: dict[str, Any] | None = None
    problem: RowProblem | None = None


def from_json(number: int, line: int, raw: bytes, *, is_torn: bool = False) -> RawRow:
    try:
        return RawRow(number, line, raw, parse_object(raw))
    except RowProblem as problem:
        if is_torn and problem.code is Problem.NOT_JSON:
            problem = RowProblem(Problem.TORN_LAST_LINE)
        return RawRow(number, line, raw, problem=problem)


def from_json_lines(lines: Iterable[Line], *, max_bytes: int) -> Iterator[RawRow]:
    """One object a line; blank lines are no rows."""
    number = 0
    for line in lines:
        data = line.data.strip()
        if not data:
            continue
        number += 1
        if line.is_cut:
            yield RawRow(number, line.number, data, problem=RowProblem(Problem.TOO_LONG, max_bytes=max_bytes))
        else:
            yield from_json(number, line.number, data, is_torn=not line.has_end)


def parse_object(raw: bytes) -> dict[str, Any]:
    """Strict JSON (RFC 8259): no NaN, no duplicate names, no half characters. Raises RowProblem."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        _diagnose(raw)
    if not isinstance(value, dict):
        raise RowProblem(Problem.NOT_AN_OBJECT, found=_json_type(value))
    if raw.count(b'":') != _count_keys(value):
        _refuse_duplicate_keys(raw)
    return value


def _count_keys(value: dict[str, Any]) -> int:
    """How many names stand in the parsed value; fewer than in the text may mean that one stood twice."""
    count = 0
    rest: list[dict[str, Any] | list[Any]] = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            count += len(item)
        for child in item.values() if isinstance(item, dict) else item:
            if isinstance(child, (dict, list)):
                rest.append(child)
    return count


def _refuse_duplicate_keys(raw: bytes) -> None:
    def pairs(found: list[tuple[str, Any]]) -> None:
        if len(found) > 1 and len({name for name, _value in found}) < len(found):
            names = [name for name, _value in found]
            raise RowProblem(Problem.DUPLICATE_KEYS, field=next(name for name in names if names.count(name) > 1))

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except RecursionError:
        raise RowProblem(Problem.DEPTH) from None


class _BadNumber(ValueError):
    pass


def _diagnose(raw: bytes) -> NoReturn:
    """Say why orjson refused, with a slower parser; raises the RowProblem."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        is_surrogate = raw[error.start] == 0xED and raw[error.start + 1 : error.start + 2] >= b"\xa0"
        code = Problem.LONE_SURROGATE if is_surrogate else Problem.BAD_ENCODING
        raise RowProblem(code, byte=error.start + 1) from None
    if "\x00" in text:
        raise RowProblem(Problem.NUL_CHARACTER, character=text.index("\x00") + 1)
    try:
        value = json.loads(text, parse_constant=_refuse_number, parse_float=_float, parse_int=_float)
    except RecursionError:
        raise RowProblem(Problem.DEPTH) from None
    except _BadNumber:
        raise RowProblem(Problem.BAD_NUMBER) from None
    except json.JSONDecodeError as error:
        raise RowProblem(Problem.NOT_JSON, character=error.pos + 1) from None
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RowProblem(Problem.LONE_SURROGATE) from None
    except RecursionError:
        raise RowProblem(Problem.DEPTH) from None
    raise RowProblem(Problem.NOT_JSON)


def _refuse_number(_name: str) -> NoReturn:
    raise _BadNumber


def _float(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise _BadNumber
    return number


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return {list: "list", str: "text", int: "number", float: "number"}.get(type(value), "null")
