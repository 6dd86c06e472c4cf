"""Why an adapter from elsewhere was not taken: what is wrong, where, and what to do. The reader sends codes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from webapp.contract.events import Fault
from webapp.contract.spec import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from webapp.core import units

Data = Mapping[str, Any]


class Words(NamedTuple):
    title: str
    meaning: str
    remedy: str


def of(code: Fault, data: Data) -> Words | None:
    """None where the words for all jobs will do."""
    teller = _WORDS.get(code)
    return teller(data) if teller else None


def _unsafe_file(data: Data) -> Words:
    if data.get("reason") == "wants_to_run_code":
        return Words(
            _("It asks for program code to be run"),
            _(
                "Its adapter_config.json names code of its own in “%(field)s”. "
                "Code that comes with a model never runs here."
            )
            % {"field": data.get("field", "")},
            _("Save it as a plain peft LoRA adapter with task_type CAUSAL_LM, without that setting, and import it."),
        )
    return Words(
        _("A file is a Python pickle"),
        _("%(file)s could run any program when it is opened, so it was not opened. Nothing of it was kept.")
        % {"file": _file(data)},
        _(
            "Leave it out. Only adapter_model.safetensors, adapter_config.json and README.md are needed; weights that "
            "are a pickle become safetensors with save_pretrained(…, safe_serialization=True)."
        ),
    )


def _bad_file(data: Data) -> Words:
    match data.get("cause"):
        case "archive":
            return _archive(data)
        case "missing":
            return _missing(data)
        case "twice":
            return Words(
                _("Two files have the same name"),
                _("%(file)s is there twice, and nothing says which one is meant.") % {"file": _file(data)},
                _("Choose the files of one folder only."),
            )
        case "json":
            return Words(
                _("A file is no valid JSON"),
                _("%(file)s cannot be read: %(message)s.") % {"file": _file(data), "message": data.get("message", "")},
                _("Save the adapter once more with peft and import that."),
            )
        case "reader_died":
            meaning = _("The program that checks files ended in the middle of it, several times.")
        case _:
            meaning = _WEIGHTS.get(str(data.get("reason")), _weights)(data)
    return Words(
        _("The weights are damaged"),
        meaning,
        _("Save the adapter once more with peft, or download it again, and import that."),
    )


def _missing(data: Data) -> Words:
    came = get_text_list([str(name) for name in data.get("came", [])][:8], _("and"))
    meaning = _("There is no %(file)s.") % {"file": _file(data)}
    if came:
        meaning += " " + _("What came is %(names)s.") % {"names": came}
    return Words(
        _("It is not a whole adapter"),
        meaning,
        _("Choose %(weights)s and %(config)s together, or a zip of the folder that holds both.")
        % {"weights": ADAPTER_WEIGHTS, "config": ADAPTER_CONFIG},
    )


_ARCHIVES: dict[str, Callable[[Data], str]] = {
    "kind": lambda data: _("It is packed with %(kind)s.") % {"kind": data.get("kind", "")},
    "nested": lambda data: _("%(file)s is itself an archive, and only one level is unpacked.") % {"file": _file(data)},
    "several": lambda data: _("It holds several adapters side by side, and nothing says which one is meant."),
    "entries": lambda data: _("It holds more than %(limit)s files.") % {"limit": units.number(data.get("limit"))},
    "same_name": lambda data: (
        _("Two of its files have the same name on some systems: %(file)s.") % {"file": _file(data)}
    ),
    "path": lambda data: (
        _("A name in it leads out of its folder or holds odd characters: %(file)s.") % {"file": _file(data)}
    ),
    "link": lambda data: _("%(file)s is a link or a device and not a file.") % {"file": _file(data)},
    "encrypted": lambda data: _("%(file)s is locked with a password.") % {"file": _file(data)},
    "method": lambda data: _("%(file)s is packed in a way that is not read here.") % {"file": _file(data)},
    "overlap": lambda data: _("Files in it lie over each other, as no honest archive has them."),
    "damaged": lambda data: _("It is damaged, or was cut off on its way."),
}


def _archive(data: Data) -> Words:
    tell = _ARCHIVES.get(str(data.get("reason")), _ARCHIVES["damaged"])
    return Words(
        _("The archive cannot be used"),
        tell(data),
        _("Pack the adapter's folder as an ordinary zip, or choose its files without packing them."),
    )


_WEIGHTS: dict[str, Callable[[Data], str]] = {
    "not_finite": lambda data: (
        _("%(tensor)s holds an infinity or something that is no number.") % {"tensor": data.get("tensor", "")}
    ),
    "dtype": lambda data: (
        _("%(tensor)s is stored as %(dtype)s; %(known)s are taken.")
        % {
            "tensor": data.get("tensor", ""),
            "dtype": data.get("dtype", ""),
            "known": get_text_list(data.get("known", []), _("and")),
        }
    ),
    "tensor_count": lambda data: (
        _("It holds %(count)s tensors; from 1 to %(limit)s are taken.")
        % {"count": units.number(data.get("count")), "limit": units.number(data.get("limit"))}
    ),
}


def _weights(data: Data) -> str:
    if data.get("tensor"):
        words = {"file": _file(data), "tensor": data["tensor"]}
        return _("What the header of %(file)s says about %(tensor)s cannot be true.") % words
    return _("%(file)s is no whole safetensors file.") % {"file": _file(data)}


def _too_large(data: Data) -> Words:
    if data.get("cause") == "unpacked":
        meaning = _("%(file)s unpacks to far more than it takes, or everything together to more than %(limit)s.") % {
            "file": _file(data),
            "limit": units.filesize(data.get("max_bytes")),
        }
    else:
        meaning = _("Checking it takes more memory, time or space than is allowed.")
    return Words(_("It is too large"), meaning, _("Choose only the adapter's own three files, without packing them."))


def _bad_config(data: Data) -> Words:
    words = {
        "field": data.get("field", ""),
        "value": data.get("value", ""),
        "low": data.get("low"),
        "high": data.get("high"),
    }
    meanings = {
        "range": _("%(field)s is %(value)s; it has to be a number from %(low)s to %(high)s."),
        "kind": _("%(field)s is %(value)s, which is not of the right kind."),
        "names": _("%(field)s holds %(value)s; plain names of layers are taken there, and no patterns."),
        "not_lora": _("Its %(field)s is %(value)s; only LORA is taken."),
        "other_task": _("Its %(field)s is %(value)s; only CAUSAL_LM, a model that writes text, is taken."),
        "changes_base": _("%(field)s is %(value)s: it was trained on base weights that were changed at its start."),
        "unknown_setting": _("%(field)s is set (%(value)s), and it is not known here whether that changes the result."),
        "not_supported": _("%(field)s is %(value)s, which is not supported here."),
    }
    remedies = {
        "names": _("Write the names as a list, such as q_proj and v_proj, and import it again."),
        "changes_base": _(
            "Convert it to an ordinary LoRA adapter (path_initial_model_for_weight_conversion of peft) and import it."
        ),
    }
    reason = str(data.get("reason"))
    return Words(
        _("A setting of the adapter cannot be used"),
        meanings.get(reason, _("One of its settings is not possible.")) % words,
        remedies.get(reason, _("Save it as a plain peft LoRA adapter and import that.")),
    )


def _does_not_fit(data: Data) -> Words:
    layer, found, expected = data.get("layer", ""), data.get("found"), data.get("expected")
    words = {"layer": layer, "found": _size(found), "expected": _size(expected), "tensor": data.get("tensor", "")}
    meanings = {
        "shape": _("%(layer)s is %(found)s in the adapter and %(expected)s in this base model."),
        "vocabulary": _("%(layer)s is %(found)s in the adapter, and with the vocabulary of this base "
                        "model it is %(expected)s."),
        "rank": _("%(layer)s has rank %(found)s, and the config says %(expected)s."),
        "no_product": _("The two halves of %(layer)s cannot be multiplied."),
        "missing": _("The weights lack %(tensor)s, which the config names."),
        "not_named": _("The weights hold %(tensor)s, which the config does not name."),
        "uneven": _("Other blocks have an adapter on %(layer)s’s place and this one has none; that is not supported."),
        "no_such_layer": _("This base model has no layer %(layer)s."),
        "no_such_target": _("target_modules names %(target)s, and this base model has no such layer."),
        "whole_layers": _("It brings %(layer)s, a layer of the vocabulary or one that was trained whole. Only low-rank "
                          "adapters of the layers between are taken."),
    }  # fmt: skip
    own = {"rank", "no_product", "missing", "not_named", "whole_layers", "uneven"}
    reason = str(data.get("reason"))
    if reason in own:
        remedy = _("Save the adapter once more with peft as a plain LoRA adapter, and import that.")
    else:
        remedy = _("Choose the base model that it was trained on. If it is not here yet, add it under Base models.")
    return Words(
        _("The adapter does not fit"),
        meanings.get(reason, _("It does not fit this base model.")) % (words | {"target": data.get("target", "")}),
        remedy,
    )


def _damaged_input(data: Data) -> Words | None:
    if data.get("reason") != "no_adapter":
        return None
    return Words(
        _("There is no adapter at that address"),
        _("%(repository)s holds no %(file)s.") % {"repository": data.get("repository", ""), "file": _file(data)},
        _("Only adapters in the safetensors format are taken. Ask its owners to add them, or import the files."),
    )


def _size(shape: object) -> str:
    if isinstance(shape, Sequence) and not isinstance(shape, str):
        return " × ".join(units.number(side) for side in shape)
    return units.number(shape) if isinstance(shape, int) else ""


def _file(data: Data) -> str:
    return str(data.get("file", ""))


_WORDS: dict[Fault, Callable[[Data], Words | None]] = {
    Fault.UNSAFE_FILE: _unsafe_file,
    Fault.BAD_FILE: _bad_file,
    Fault.TOO_LARGE: _too_large,
    Fault.BAD_CONFIG: _bad_config,
    Fault.DOES_NOT_FIT: _does_not_fit,
    Fault.DAMAGED_INPUT: _damaged_input,
}
