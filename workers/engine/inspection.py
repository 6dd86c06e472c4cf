"""Looks inside an adapter: how much it changes, where, and in how many directions. Needs no device.

Memory: the adapter, and of the base at most SLICE_VALUES values at a time, in float64.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from webapp.contract.events import Phase, Progressed
from workers.engine import anatomy, durable, order, pairs
from workers.engine.anatomy import Pair
from workers.engine.durable import FILES
from workers.engine.job import Job

RESULT = "anatomy.json"
SLICE_VALUES = 1 << 22
DIGITS = 6  # significant ones, of what is written down
_LAYER = re.compile(r"(?:^|\.)(?:layers|layer|h|blocks|block)\.(\d+)\.")


def run(job: Job) -> dict[str, Any]:
    """Do the job; returns what the last word carries. Raises EngineFault, StopAsked."""
    wanted = order.read_inspect_spec(job.order)
    folder = job.folder.input(wanted.adapter_path)
    torch.set_num_threads(job.order.threads or torch.get_num_threads())
    job.enter(Phase.INSPECTING)
    adapter = pairs.read(folder)
    modules, total = [], len(adapter.pairs)
    for done, (name, pair) in enumerate(sorted(adapter.pairs.items()), start=1):
        modules.append(describe(name, pair))
        job.say(Progressed(done=done, total=total, unit="steps"))
        job.stop.check()
    if wanted.base is not None:
        names = [one["name"] for one in modules]
        compare(modules, base_norms(job.folder.input(wanted.base.path), names, job.stop.check))
    found = summary(adapter, modules) | {"modules": modules}
    job.enter(Phase.SAVING)
    durable.sweep(job.folder.path, job.folder.result.name)
    with durable.folder_in_the_making(job.folder.result) as result:
        durable.write_json(result / RESULT, found)
        durable.write_json(result / FILES, durable.describe_files(result))
    return {"rank": found["rank"], "behaves_as": found["behaves_as"], "modules": len(modules)}


def describe(name: str, pair: Pair) -> dict[str, Any]:
    """What is told of one matrix. `kind` is its name inside its layer, `layer` None where it stands outside of all."""
    values = anatomy.singular_values(pair)
    found = anatomy.measures(values)
    at = _LAYER.search(name)
    return {
        "name": name,
        "layer": int(at.group(1)) if at else None,
        "kind": name[at.end() :] if at else name,
        "rows": pair.b.shape[0],
        "columns": pair.a.shape[1],
        "rank": pair.rank,
        "scaling": _rounded(pair.scaling),
        "frobenius": _rounded(found.frobenius),
        "spectral": _rounded(found.spectral),
        "stable_rank": _rounded(found.stable_rank),
        "effective_rank": _rounded(found.effective_rank),
        "energy_rank": found.energy_rank,
        "relative_change": None,
        "singular_values": [_rounded(value) for value in values],
    }


def summary(adapter: pairs.Adapter, modules: list[dict[str, Any]]) -> dict[str, Any]:
    """What is told of the whole adapter. `kept` is the share of the change left at rank 1, 2, …

    bytes_per_rank and other_bytes say how large the weights become: rank × the one + the other.
    """
    kept = anatomy.kept_by_rank([one["singular_values"] for one in modules])
    sizes = [tensor.nbytes for tensor in adapter.other_tensors.values()]
    return {
        "format": 1,
        "rank": adapter.rank,
        "behaves_as": anatomy.rank_for(kept, anatomy.ENERGY),
        "energy": anatomy.ENERGY,
        "kept": [_rounded(share) for share in kept],
        "bytes_per_rank": sum((pair.a.nbytes + pair.b.nbytes) // pair.rank for pair in adapter.pairs.values()),
        "other_bytes": sum(sizes),
        "frobenius": _norm_of_all(modules),
        "layers": [{"layer": layer, "frobenius": _norm_of_all(some)} for layer, some in _by(modules, "layer")],
        "kinds": [{"kind": kind, "frobenius": _norm_of_all(some)} for kind, some in _by(modules, "kind")],
    }


def _by(modules: list[dict[str, Any]], field: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    """The modules by layer or by kind, in order; those outside of all layers belong to none."""
    known = sorted({one[field] for one in modules if one["layer"] is not None})
    return [(value, [one for one in modules if one["layer"] is not None and one[field] == value]) for value in known]


def _norm_of_all(modules: list[dict[str, Any]]) -> float:
    """√Σ‖ΔW‖² of several matrices."""
    return _rounded(sum(one["frobenius"] ** 2 for one in modules) ** 0.5)


def compare(modules: list[dict[str, Any]], norms: Mapping[str, float]) -> None:
    """Write ‖ΔW‖/‖W‖ where the base has the matrix; a matrix of zeros has no such share."""
    for one in modules:
        norm = norms.get(one["name"])
        if norm:
            one["relative_change"] = _rounded(one["frobenius"] / norm)


def base_norms(folder: Path, names: list[str], check: Callable[[], None]) -> dict[str, float]:
    """Frobenius norms of the base's own matrices, as they are stored: not rounded to four bits as in QLoRA."""
    wanted = {f"{name}.weight": name for name in names}
    found = {}
    with ExitStack() as stack:
        for path in sorted(folder.glob("*.safetensors")):
            file = stack.enter_context(safe_open(path, framework="pt"))
            for key in set(file.keys()) & wanted.keys():
                check()
                found[wanted[key]] = norm_of(file.get_slice(key))
    return found


def norm_of(view: Any) -> float:
    """√Σw² of a stored matrix, read a few rows at a time."""
    shape = view.get_shape()
    rows = max(1, SLICE_VALUES // max(1, shape[-1]))
    total = 0.0
    for start in range(0, shape[0], rows):
        part: Tensor = view[start : start + rows]
        total += float(torch.linalg.vector_norm(part, dtype=torch.float64)) ** 2
    return float(total**0.5)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
