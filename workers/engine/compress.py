"""Cuts an adapter down to a lower rank, and measures what that costs.

All matrices get the same rank and the scaling 1, written as alpha = r without patterns: vLLM reads one rank from the
configuration, llama.cpp divides alpha by the rank that it finds in the file, and peft takes alpha/r. All agree then.
"""

import shutil
from pathlib import Path
from typing import Any

import peft
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from webapp.contract import spec
from webapp.contract.events import Fault, Phase
from workers.engine import anatomy, architectures, batches, data, decisions, durable, evaluate, model, order, pairs
from workers.engine.anatomy import Pair
from workers.engine.chat import ChatFormat
from workers.engine.decisions import Decisions
from workers.engine.durable import FILES
from workers.engine.faults import EngineFault
from workers.engine.job import Job
from workers.engine.lora import use_fused_products
from workers.engine.pairs import CONFIG, WEIGHTS, Adapter

FACTS = "compression.json"
COMPRESSED = "compressed"
ROUNDINGS = 8  # of A, B and their product, in units of the file's precision
_LEFT_BEHIND = {WEIGHTS, CONFIG, FACTS, FILES, "README.md"}


def run(job: Job) -> dict[str, Any]:
    """Do the job; returns what the last word carries. Raises EngineFault, StopAsked."""
    wanted = order.read_compress_spec(job.order)
    source = job.folder.input(wanted.adapter_path)
    torch.set_num_threads(job.order.threads or torch.get_num_threads())
    job.enter(Phase.COMPRESSING)
    adapter = pairs.read(source)
    if wanted.rank >= adapter.rank:
        raise EngineFault(Fault.BAD_CONFIG, field="rank", value=wanted.rank, nearest=max(1, adapter.rank - 1))
    tensors = compressed(adapter, wanted.rank)
    durable.sweep(job.folder.path, job.folder.result.name)
    with durable.folder_in_the_making(job.folder.result) as folder:
        write(folder, source, adapter, tensors, wanted.rank)
        job.enter(Phase.CHECKING)
        facts = compare(folder, source, adapter, tensors, wanted.rank)
        facts |= measure(job, wanted, source, folder) if wanted.dataset else {"validation_loss": None}
        job.enter(Phase.SAVING)
        durable.write_json(folder / FACTS, facts)
        durable.write_json(folder / FILES, durable.describe_files(folder))
    return {name: value for name, value in facts.items() if name != "modules"}


def compressed(adapter: Adapter, rank: int) -> dict[str, Tensor]:
    """All tensors of the new file: the best pairs of this rank in the type of the old ones, and the rest as it was."""
    tensors = dict(adapter.other_tensors)
    for module, pair in adapter.pairs.items():
        cut = anatomy.truncated(pair, rank)
        name_a, name_b = adapter.names[module]
        tensors[name_a] = cut.a.to(pair.a.dtype).contiguous()
        tensors[name_b] = cut.b.to(pair.b.dtype).contiguous()
    return tensors


def new_config(config: dict[str, Any], rank: int) -> dict[str, Any]:
    return config | {
        "r": rank,
        "lora_alpha": rank,
        "use_rslora": False,
        "rank_pattern": {},
        "alpha_pattern": {},
        "init_lora_weights": True,
        "inference_mode": True,
    }


def write(folder: Path, source: Path, adapter: Adapter, tensors: dict[str, Tensor], rank: int) -> None:
    """Weights and configuration anew. What else came with the adapter goes along, but no README that tells of it."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and name.as_posix() not in _LEFT_BEHIND:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    durable.write_json(folder / CONFIG, new_config(adapter.config, rank))


def compare(folder: Path, source: Path, adapter: Adapter, tensors: dict[str, Tensor], rank: int) -> dict[str, Any]:
    """Read the written files back and say how far each matrix is from what it was. Raises EngineFault."""
    found = load_file(folder / WEIGHTS)
    if set(found) != set(tensors) or not all(torch.equal(found[name], tensors[name]) for name in found):
        raise EngineFault(Fault.INTERNAL, reason="read_back_differs", file=WEIGHTS)
    peft.LoraConfig.from_pretrained(str(folder))
    modules = []
    for module, pair in sorted(adapter.pairs.items()):
        name_a, name_b = adapter.names[module]
        modules.append(_compared(module, pair, Pair(found[name_a], found[name_b], 1.0), rank))
    before = sum(one["frobenius"] ** 2 for one in modules)
    lost = sum(one["distance"] ** 2 for one in modules)
    return {
        "format": 1,
        "from_rank": adapter.rank,
        "rank": rank,
        "kept": 1.0 - lost / before if before else 1.0,
        "error": (lost / before) ** 0.5 if before else 0.0,
        "bytes_before": (source / WEIGHTS).stat().st_size,
        "bytes_after": (folder / WEIGHTS).stat().st_size,
        "modules": modules,
    }


def _compared(module: str, old: Pair, new: Pair, rank: int) -> dict[str, Any]:
    """The distance must be what the singular values that were left out foretell, up to the file's rounding."""
    values = anatomy.singular_values(old)
    norm = sum(value * value for value in values) ** 0.5
    left_out = sum(value * value for value in values[rank:]) ** 0.5
    distance = anatomy.distance(old, new)
    if distance > left_out + ROUNDINGS * torch.finfo(new.a.dtype).eps * norm:
        raise EngineFault(Fault.INTERNAL, reason="read_back_differs", module=module, distance=distance)
    return {"name": module, "frobenius": norm, "distance": distance, "error": distance / norm if norm else 0.0}


def measure(job: Job, wanted: spec.CompressSpec, source: Path, folder: Path) -> dict[str, Any]:
    """Held-out loss of the base, of the adapter as it was, and of the new one read back with peft."""
    assert wanted.dataset is not None
    base = job.folder.input(wanted.base.path)
    config = architectures.read_config(base)
    job.enter(Phase.TOKENIZING)
    rows = data.read_spread(evaluate.held_out_path(job, wanted.dataset), limit=data.HELD_OUT_ROWS)
    examples = data.tokenize(rows, ChatFormat.load(base), max_length=wanted.max_length)
    data.require_something_to_learn(examples, max_length=wanted.max_length)
    job.enter(Phase.LOADING_MODEL)
    chosen = evaluate.decisions_of_training(job, source, config, base)
    decisions.announce(chosen)
    torch.set_num_threads(chosen.threads)
    adapted = peft.PeftModel.from_pretrained(model.load_base(base, chosen), str(source)).eval()
    adapted.load_adapter(str(folder), adapter_name=COMPRESSED, torch_device=chosen.device)
    use_fused_products(adapted)
    job.enter(Phase.EVALUATING)
    return {"validation_loss": losses(job, adapted, examples, chosen), "validation_rows": len(examples)}


def losses(job: Job, adapted: Any, examples: data.Dataset, chosen: Decisions) -> dict[str, float]:
    """Token-weighted; all three on the same rows in the same pieces."""

    def pieces() -> Any:
        for piece in batches.every_micro_batch(
            examples, token_budget=chosen.tokens_per_micro_batch, rows=chosen.micro_batch_size, pad_id=0
        ):
            job.stop.check()
            yield piece

    with adapted.disable_adapter():
        found = {"base": model.mean_loss(adapted, pieces())}
    for name, adapter_name in (("original", model.ADAPTER_NAME), ("compressed", COMPRESSED)):
        adapted.set_adapter(adapter_name)
        found[name] = model.mean_loss(adapted, pieces())
    return found
