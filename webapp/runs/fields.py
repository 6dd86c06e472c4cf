"""Reading, checking and wording the settings of a recipe.

The Advanced form, the display of a config and the errors of every door are made from one table (field_table.py).
"""

import difflib
import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.contract import codec
from webapp.contract.spec import LoraConfig, Method
from webapp.core import units
from webapp.core.faults import UserFault
from webapp.runs.field_table import GROUP_LABELS, TABLE, Field, Group

__all__ = ["BY_NAME", "GROUP_LABELS", "TABLE", "Field", "Group"]

BY_NAME = {field.name: field for field in TABLE}
_MOST_BITS = 60  # what a setting can never need; Python refuses to write out much longer numbers


def check(data: Mapping[str, Any], *, start: LoraConfig | None = None) -> LoraConfig:
    """The config that `data` asks for; what it leaves out comes from `start`, else from the defaults.

    Raises UserFault naming the first faulty field; `data["errors"]` holds a sentence for each.
    """
    values = {name: getattr(start or LoraConfig(), name) for name in BY_NAME}
    errors = {name: unknown_sentence(name) for name in data if name not in BY_NAME}
    for name, field in BY_NAME.items():
        if name not in data:
            continue
        try:
            values[name] = value_of(field, data[name])
        except ValueError as error:
            errors[name] = str(error)
    if not errors and values["micro_batch_size"] > values["batch_size"]:
        errors["micro_batch_size"] = _(
            "%(micro)s rows at once are more than the batch size of %(batch)s. The nearest that works is %(batch)s."
        ) % {"micro": values["micro_batch_size"], "batch": values["batch_size"]}
    if errors:
        first = next(iter(errors))
        raise UserFault("bad_config", errors[first], field=first, data={"errors": errors})
    return LoraConfig(**values)


def stored(data: Mapping[str, Any]) -> LoraConfig:
    """A config as recipes and runs keep it; settings that this version no longer has are passed over."""
    return codec.from_dict(LoraConfig, {name: value for name, value in data.items() if name in BY_NAME})


def config_from(start: Mapping[str, Any], changes: Mapping[str, Any]) -> LoraConfig:
    """A stored config with some settings changed. Raises UserFault."""
    return check(changes, start=stored(start))


def value_of(field: Field, value: Any) -> Any:
    """`value`, a JSON value or what a person typed, as the field's own type. Raises ValueError with a sentence."""
    if field.choices:
        return _choice(field, value)
    if field.kind is bool:
        return _flag(field, value)
    number = _number(field, value)
    if not field.low <= number <= field.high:
        raise ValueError(_out_of_range(field, number))
    return int(number) if field.kind is int else number


def unknown_sentence(name: str) -> str:
    near = difflib.get_close_matches(str(name), BY_NAME, n=1)
    if near:
        return _("There is no setting “%(name)s”. Did you mean “%(near)s”?") % {"name": name, "near": near[0]}
    return _("There is no setting “%(name)s”. Known are: %(known)s.") % {"name": name, "known": ", ".join(BY_NAME)}


def _choice(field: Field, value: Any) -> Any:
    known = [key for key, _label in field.choices]
    if not isinstance(value, str) or value not in known:
        words = {"label": field.label, "value": _quoted(value), "known": ", ".join(str(key) for key in known)}
        raise ValueError(_("%(label)s cannot be %(value)s. Choose one of: %(known)s.") % words)
    return field.kind(value)


def _flag(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "on", "1", "yes"}:
        return True
    if isinstance(value, str) and value.strip().lower() in {"false", "off", "0", "no", ""}:
        return False
    raise ValueError(_("%(label)s is on or off, not %(value)s.") % {"label": field.label, "value": _quoted(value)})


def _number(field: Field, value: Any) -> float:
    """A finite number; whole where the field counts something."""
    words = {"label": field.label, "value": _quoted(value), "usual": shown(field, field.default)}
    if isinstance(value, str):
        value = _typed(value)
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ValueError(_out_of_range(field, math.inf if value > 0 else -math.inf))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_("%(label)s is %(value)s, which is not a number. %(usual)s would work.") % words)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(_("%(label)s is %(value)s; it must be a finite number. %(usual)s would work.") % words)
    if field.kind is int and value != int(value):
        nearest = shown(field, min(max(round(value), field.low), field.high))
        raise ValueError(
            _("%(label)s is %(value)s; it must be a whole number. The nearest that works is %(nearest)s.")
            % (words | {"nearest": nearest})
        )
    return int(value) if field.kind is int else float(value)


def _typed(text: str) -> int | float | str:
    """A number as people write it: 2e-4, 1,024, 1 024, 0.05. What is none, or may mean another, comes back as it is.

    A comma after a zero is a decimal one, as most of Europe writes it: 0,001 must not become 1.
    """
    plain = text.strip().replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace("−", "-")
    head, _point, tail = plain.partition(".")
    groups = head.split(",")
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]) and groups[0].lstrip("+-")[:1] not in {"", "0"}:
        plain = "".join(groups) + ("." + tail if tail else "")
    if len(plain) > 40 or "_" in plain:
        return text
    try:
        return int(plain)
    except ValueError:
        pass
    try:
        return float(plain)
    except ValueError:
        return text


def _out_of_range(field: Field, number: float) -> str:
    nearest = field.low if number < field.low else field.high
    words = {
        "label": field.label,
        "value": _plain(field, number),
        "low": _plain(field, field.low),
        "high": _plain(field, field.high),
        "nearest": _plain(field, nearest),
    }
    return _("%(label)s is %(value)s; possible is %(low)s to %(high)s. The nearest that works is %(nearest)s.") % words


def _quoted(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return _("a number with very many digits")
    if isinstance(value, list | dict):
        return _("a list") if isinstance(value, list) else _("an object")
    text = str(value)
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def _plain(field: Field, number: float) -> str:
    """The number without the meaning that its zero may have."""
    if math.isinf(number):
        return _("far too large") if number > 0 else _("far too small")
    low, high = (0.01, 1e4) if field.is_scientific else (0.001, 1e12)
    if number and not low <= abs(number) < high:
        return units.scientific(number)
    if float(number).is_integer():
        return units.number(number, 0)
    return units.number(number, 3).rstrip("0")


def shown(field: Field, value: Any) -> str:
    """A value in words: "all linear layers", "2e-4", "1,024 tokens", "never"."""
    if field.choices:
        return str(dict(field.choices)[str(getattr(value, "value", value))])
    if field.kind is bool:
        return _("on") if value else _("off")
    if value == 0 and field.zero:
        return str(field.zero)
    text = _plain(field, value)
    return f"{text}{units.NBSP}{field.unit}" if field.unit else text


def in_words(name: str, value: Any) -> tuple[str, str]:
    """A setting's label and a value of it, possible or not, as a program named them (settings.SETTING_WORDS)."""
    field = BY_NAME.get(name)
    if field is None:
        return name, str(value)
    if field.choices:
        return str(field.label), str(dict(field.choices).get(value, value))
    number = _typed(str(value))
    is_number = not isinstance(number, str) and math.isfinite(number)
    return str(field.label), _plain(field, float(number)) if is_number else str(value)


def typed(field: Field, value: Any) -> str:
    """A value as it stands in a text box, ready to be read back by `value_of`."""
    if isinstance(value, enum.Enum):
        return str(value.value)
    if field.is_scientific:
        mantissa, exponent = f"{value:.6e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


@dataclass(frozen=True)
class Difference:
    """One setting that is not as in the recipe: both values in words."""

    field: Field
    value: str
    other: str


def differences(config: LoraConfig, other: LoraConfig) -> list[Difference]:
    return [
        Difference(field, shown(field, getattr(config, field.name)), shown(field, getattr(other, field.name)))
        for field in TABLE
        if getattr(config, field.name) != getattr(other, field.name)
    ]


def facts(config: LoraConfig) -> list[tuple[str, str]]:
    """Every setting in words, in the order of the table."""
    return [(str(field.label), shown(field, getattr(config, field.name))) for field in TABLE]


def summary(config: LoraConfig) -> list[tuple[str, str]]:
    """The settings that a reader asks for first."""
    say = {field.name: shown(field, getattr(config, field.name)) for field in TABLE}
    patience = config.early_stopping_patience
    stops = (
        ngettext("after %(count)s check without gain", "after %(count)s checks without gain", patience)
        % {"count": patience}
        if patience
        else say["early_stopping_patience"]
    )
    return [
        (_("Method"), _("QLoRA, nf4") if config.method is Method.QLORA else _("LoRA, 16 bit")),
        (_("Rank, alpha"), f"{say['lora_r']}, {say['lora_alpha']}"),
        (_("Targets"), say["target_modules"]),
        (_("Learning rate"), f"{say['learning_rate']}, {say['lr_scheduler']}"),
        (_("Passes"), say["num_train_epochs"]),
        (_("Batch"), say["batch_size"]),
        (_("Limit"), say["max_length"]),
        (_("Stops early"), stops),
    ]
