"""Whether the tensors of an adapter are those that its config names, and lie on layers that the base model has.

For a linear layer with `in` inputs and `out` outputs peft writes lora_A (rank, in) and lora_B (out, rank), and for
DoRA a magnitude (out); layers are named base_model.model.model.layers.<block>.<layer>.
"""

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass

from webapp.contract.events import Fault
from webapp.contract.spec import BaseShape
from workers.reader.faults import Refused
from workers.reader.loraconfig import LoraSettings, ends_with
from workers.reader.tensors import Tensor

PREFIX = "base_model.model."
BLOCKS = "model.layers."
A, B, MAGNITUDE = ".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"
_VOCABULARY = ("lm_head", "model.embed_tokens")
SHOWN = 300


@dataclass(frozen=True, kw_only=True)
class Fit:
    """`targets` are names as in a block, shortest form; `layers` is None where all blocks have them."""

    targets: list[str]
    layers: list[int] | None
    parameters: int
    dtypes: list[str]
    largest_rank: int


def check(tensors: Sequence[Tensor], settings: LoraSettings, shape: BaseShape) -> Fit:
    """Raises Refused with the first layer that does not fit and the sizes of both sides."""
    found = _by_layer(tensors, shape)
    if settings.saved_modules:
        raise _no_fit("whole_layers", layer=settings.saved_modules[0])
    for layer, parts in sorted(found.items()):
        _check_layer(layer, parts, settings, shape)
    _check_named(found, settings, shape)
    blocks = sorted({_block(layer) for layer in found})
    names = sorted({_name(layer) for layer in found})
    _check_even(found, blocks, names)
    return Fit(
        targets=[name.rpartition(".")[2] for name in names],
        layers=None if len(blocks) == shape.layers else blocks,
        parameters=sum(tensor.count for tensor in tensors),
        dtypes=sorted({tensor.dtype for tensor in tensors}),
        largest_rank=max(parts[A].shape[0] for parts in found.values()),
    )


def _by_layer(tensors: Sequence[Tensor], shape: BaseShape) -> dict[str, dict[str, Tensor]]:
    """Layer → its parts. Raises Refused for a tensor that is no part of a LoRA layer of this base."""
    found: dict[str, dict[str, Tensor]] = {}
    for tensor in tensors:
        name = tensor.name.removeprefix(PREFIX)
        part = next((part for part in (A, B, MAGNITUDE) if name.endswith(part)), "")
        layer = name.removesuffix(part) if part else name.removesuffix(".weight")
        _refuse_vocabulary(layer, tensor, shape)
        if not part or not tensor.name.startswith(PREFIX) or not _is_in(layer, shape):
            raise _no_fit("no_such_layer", layer=(layer if part else tensor.name)[-SHOWN:], layers=shape.layers)
        found.setdefault(layer, {})[part] = tensor
    return found


def _refuse_vocabulary(layer: str, tensor: Tensor, shape: BaseShape) -> None:
    """The first and the last layer are as large as the vocabulary; only its size tells whether they could fit."""
    if not any(name in layer for name in _VOCABULARY):
        return
    found, expected = list(tensor.shape), [shape.vocabulary, shape.hidden]
    if ".lora_" not in tensor.name and found != expected:
        raise _no_fit("vocabulary", layer=layer[-SHOWN:], found=found, expected=expected)
    raise _no_fit("whole_layers", layer=layer[-SHOWN:])


def _is_in(layer: str, shape: BaseShape) -> bool:
    number = layer.removeprefix(BLOCKS).partition(".")[0]
    is_block = number.isascii() and number.isdecimal() and len(number) < 6 and str(int(number)) == number
    return layer.startswith(BLOCKS) and is_block and int(number) < shape.layers and _name(layer) in shape.linear


def _block(layer: str) -> int:
    return int(layer.removeprefix(BLOCKS).partition(".")[0])


def _name(layer: str) -> str:
    return layer.removeprefix(BLOCKS).partition(".")[2]


def _check_layer(layer: str, parts: dict[str, Tensor], settings: LoraSettings, shape: BaseShape) -> None:
    wanted = [A, B] + ([MAGNITUDE] if settings.use_dora else [])
    if missing := [part for part in wanted if part not in parts]:
        raise _no_fit("missing", tensor=(layer + missing[0])[-SHOWN:])
    if MAGNITUDE in parts and not settings.use_dora:
        raise _no_fit("not_named", tensor=(layer + MAGNITUDE)[-SHOWN:])
    a, b, rank = parts[A].shape, parts[B].shape, settings.rank_of(layer)
    inputs, outputs = shape.linear[_name(layer)]
    if len(a) != 2 or len(b) != 2 or a[0] != b[1]:
        raise _no_fit("no_product", layer=layer, a=list(a), b=list(b))
    if (b[0], a[1]) != (outputs, inputs):
        raise _no_fit("shape", layer=layer, found=[b[0], a[1]], expected=[outputs, inputs])
    if a[0] != rank:
        raise _no_fit("rank", layer=layer, found=a[0], expected=rank)
    if settings.use_dora and parts[MAGNITUDE].shape != (outputs,):
        raise _no_fit("shape", layer=layer + MAGNITUDE, found=list(parts[MAGNITUDE].shape), expected=[outputs])


def _check_named(layers: Collection[str], settings: LoraSettings, shape: BaseShape) -> None:
    """The config names exactly the layers that there are tensors for. Where it holds a pattern, tensors alone count."""
    if settings.targets is None:
        return
    blocks = range(shape.layers) if settings.layers is None else settings.layers
    all_layers = [f"{BLOCKS}{block}.{name}" for block in range(shape.layers) for name in sorted(shape.linear)]
    named: set[str] = set()
    for target in settings.targets:
        meant = [layer for layer in all_layers if ends_with(layer, target)]
        if not meant:
            raise _no_fit("no_such_target", target=target[-SHOWN:], known=sorted(shape.linear))
        named |= {layer for layer in meant if _block(layer) in blocks}
    for layer in all_layers:
        if (layer in named) != (layer in layers):
            raise _no_fit("missing" if layer in named else "not_named", tensor=layer + A)


def _check_even(layers: Container[str], blocks: list[int], names: list[str]) -> None:
    """Each block that has an adapter has it on the same layers: that can be said in two short lists."""
    for block in blocks:
        for name in names:
            if (layer := f"{BLOCKS}{block}.{name}") not in layers:
                raise _no_fit("uneven", layer=layer)


def _no_fit(reason: str, **data: object) -> Refused:
    return Refused(Fault.DOES_NOT_FIT, reason=reason, **data)
