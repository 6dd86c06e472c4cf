"""Writes the trained adapter, reads it back, and only then lets success be said."""

import logging
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from webapp.contract import codec
from webapp.contract.events import Fault, Phase
from workers.engine import batches, crash, durable, model
from workers.engine.durable import FILES
from workers.engine.faults import EngineFault
from workers.engine.pairs import WEIGHTS

if TYPE_CHECKING:
    from workers.engine.train import Training

log = logging.getLogger(__name__)

FACTS = "training.json"
READ_BACK = "read_back"


def finish(training: "Training", *, template_sha256: str) -> dict[str, Any]:
    """Publish result/ and return the data of the last word. Raises EngineFault."""
    job = training.job
    step, tensors = best_adapter(training)
    job.enter(Phase.SAVING)
    durable.sweep(job.folder.path, job.folder.result.name)
    facts = training_facts(training, step, template_sha256)
    with durable.folder_in_the_making(job.folder.result) as folder:
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        training.adapted.peft_config[model.ADAPTER_NAME].save_pretrained(folder)
        durable.write_json(folder / FACTS, facts)
        crash.point("result.written")
        job.enter(Phase.CHECKING)
        check(folder, tensors)
        check_with_peft(folder, tensors, training)
        durable.write_json(folder / FILES, durable.describe_files(folder))
    crash.point("result.published")
    names = ("validation_loss_before", "validation_loss_after", "steps", "used_step", "seconds", "tokens_seen",
             "loss_first", "loss_last", "is_stopped_early")  # fmt: skip
    return {name: facts[name] for name in names}


def best_adapter(training: "Training") -> tuple[int, dict[str, Tensor]]:
    """The adapter with the lowest held-out loss, or the last one where nothing was held out."""
    state, job = training.state, training.job
    if state.best_step < 0:
        return state.step, model.adapter_tensors(training.adapted)
    assert state.best_validation is not None and state.validation_before is not None
    if state.best_validation >= state.validation_before:
        job.note("validation_not_better", is_warning=True, before=state.validation_before, after=state.best_validation)
    if state.best_step == state.step:
        return state.step, model.adapter_tensors(training.adapted)
    training.checkpoints.notes.clear()
    tensors = training.checkpoints.load_adapter(state.best_step)
    for note in training.checkpoints.notes:
        job.say(note)
    if tensors is None:
        job.note("last_checkpoint_used", is_warning=True, step=state.step, best_step=state.best_step)
        return state.step, model.adapter_tensors(training.adapted)
    job.note("best_checkpoint_used", step=state.best_step, validation_loss=state.best_validation, last_step=state.step)
    return state.best_step, tensors


def training_facts(training: "Training", step: int, template_sha256: str) -> dict[str, Any]:
    """What the adapter's card tells; the numbers are those of the adapter that is stored."""
    state = training.state
    ours, total = training.adapted.get_nb_trainable_parameters()
    is_best = step == state.best_step
    return {
        "format": 1,
        "spec": training.job.order.spec,
        "decisions": codec.to_dict(training.decisions),
        "versions": training.job.versions | {"python": platform.python_version()},
        "steps": state.step,
        "total_steps": training.plan.total_steps,
        "used_step": step,
        "epochs": training.plan.epoch_at(state.step),
        "is_stopped_early": state.is_stopped_early,
        "validation_loss_before": state.validation_before,
        "validation_loss_after": state.best_validation if is_best else state.validation_last,
        "loss_first": state.first_loss,
        "loss_last": state.last_loss,
        "tokens_seen": state.tokens_seen,
        "seconds": round(state.seconds, 3),
        "train_rows": len(training.train_rows),
        "validation_rows": len(training.held_out) if training.held_out else 0,
        "trainable_parameters": ours,
        "total_parameters": total,
        "template_sha256": template_sha256,
    }


def check(folder: Path, expected: dict[str, Tensor]) -> None:
    """The written file holds exactly these tensors, all finite, and the adapter does something."""
    found = load_file(folder / WEIGHTS)
    if set(found) != set(expected) or not all(torch.equal(found[name], expected[name]) for name in found):
        raise EngineFault(Fault.INTERNAL, reason="read_back_differs", file=WEIGHTS)
    broken = [name for name, tensor in found.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise EngineFault(Fault.LOSS_NOT_FINITE, tensor=broken[0])
    if not any(tensor.any() for name, tensor in found.items() if ".lora_B." in name):
        raise EngineFault(Fault.NOTHING_LEARNED)  # B starts at zero: the adapter is its own start


def check_with_peft(folder: Path, tensors: dict[str, Tensor], training: "Training") -> None:
    """Load the written folder with peft and compare its loss on some rows with that of the adapter in memory."""
    adapted = training.adapted
    model.load_adapter_tensors(adapted, tensors)
    piece = batches.collate(training.train_rows, training.plan.examples_of_step(0)[:1], pad_id=training.pad_id)
    in_memory = model.mean_loss(adapted, iter([piece]))
    adapted.load_adapter(str(folder), adapter_name=READ_BACK, torch_device=training.decisions.device)
    adapted.set_adapter(READ_BACK)
    from_disk = model.mean_loss(adapted, iter([piece]))
    adapted.set_adapter(model.ADAPTER_NAME)
    adapted.delete_adapter(READ_BACK)
    log.info("read back with peft: loss %.6f in memory, %.6f from disk", in_memory, from_disk)
    if in_memory != from_disk:
        raise EngineFault(Fault.INTERNAL, reason="read_back_differs", in_memory=in_memory, from_disk=from_disk)
