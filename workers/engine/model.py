"""Loads a base model, puts an adapter on it, and computes with both."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
import transformers
from bitsandbytes import functional as bnb
from torch import Tensor, nn

from webapp.contract import spec
from webapp.contract.events import Fault
from workers.engine import attention, lora
from workers.engine.architectures import architecture_of, read_config
from workers.engine.batches import MicroBatch
from workers.engine.decisions import DEQUANTISED, FOUR_BIT, Decisions
from workers.engine.faults import EngineFault
from workers.engine.loss import summed_cross_entropy

log = logging.getLogger(__name__)

ADAPTER_NAME = "default"


def load_base(folder: Path, decisions: Decisions) -> Any:
    """A frozen transformers causal language model, in the form that was decided. Raises EngineFault."""
    config = read_config(folder)
    if not any(folder.glob("*.safetensors")):
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="no_safetensors", file="model.safetensors")
    attention.register()
    quantisation = _bitsandbytes(decisions.dtype) if decisions.weights_4bit_execution == FOUR_BIT else None
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=decisions.dtype,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        attn_implementation=decisions.attention,
        quantization_config=quantisation,
        device_map={"": decisions.device},
    )
    assert type(model).__name__ == (config.get("architectures") or [type(model).__name__])[0]
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    if decisions.weights_4bit_execution == DEQUANTISED:
        round_to_nf4(model)
    return model.eval()


def _bitsandbytes(dtype: torch.dtype) -> transformers.BitsAndBytesConfig:
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


@torch.no_grad()
def round_to_nf4(model: Any) -> None:
    """Give each linear layer the values it has after NF4 quantization with double quantization.

    Bit for bit what a bitsandbytes Linear4bit computes with (it dequantises to the compute type before each
    product); the head stays as it is, as there.
    """
    head = model.get_output_embeddings()
    for module in model.modules():
        if isinstance(module, nn.Linear) and module is not head:
            packed, state = bnb.quantize_4bit(module.weight.data, quant_type="nf4", compress_statistics=True)
            module.weight.data = bnb.dequantize_4bit(packed, state).to(module.weight.dtype)


def add_adapter(model: Any, config: spec.LoraConfig, base: spec.BaseModelRef) -> peft.PeftModel:
    """Put a fresh LoRA adapter on every target layer; the same seed gives the same start."""
    torch.manual_seed(config.seed)
    lora_config = peft.LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,  # type: ignore[arg-type]  # peft only divides it, and stores it as JSON
        lora_dropout=config.lora_dropout,
        target_modules=architecture_of(model.config.to_dict()).target_modules(config.target_modules),
        use_rslora=config.use_rslora,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        adapted = peft.get_peft_model(model, lora_config, adapter_name=ADAPTER_NAME, autocast_adapter_dtype=True)
    except ValueError as error:
        raise EngineFault(Fault.BAD_CONFIG, field="target_modules", value=config.target_modules.value,
                          message=str(error)[:300]) from error  # fmt: skip
    # peft writes down the path that the model was loaded from; people know the weights by another name.
    adapted.peft_config[ADAPTER_NAME].base_model_name_or_path = base.name
    adapted.peft_config[ADAPTER_NAME].revision = base.revision
    lora.use_fused_products(adapted)
    return adapted


def prepare_for_training(adapted: peft.PeftModel, decisions: Decisions) -> None:
    adapted.train()
    if decisions.gradient_checkpointing:
        causal_of(adapted).activation_checkpointing_enable({"use_reentrant": False})


def causal_of(model: Any) -> Any:
    """The transformers model, below an adapter or not."""
    return model.base_model.model if isinstance(model, peft.PeftModel) else model


def trainable(adapted: peft.PeftModel) -> dict[str, nn.Parameter]:
    """The adapter's parameters by name, in the order of the model."""
    return {name: parameter for name, parameter in adapted.named_parameters() if parameter.requires_grad}


def adapter_tensors(adapted: peft.PeftModel, adapter_name: str = ADAPTER_NAME) -> dict[str, Tensor]:
    """The adapter in peft's file format, on the CPU."""
    state = peft.get_peft_model_state_dict(adapted, adapter_name=adapter_name)
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}


def load_adapter_tensors(adapted: peft.PeftModel, tensors: dict[str, Tensor]) -> None:
    outcome: Any = peft.set_peft_model_state_dict(adapted, tensors, adapter_name=ADAPTER_NAME)
    if outcome.unexpected_keys:
        raise EngineFault(Fault.DAMAGED_INPUT, file="adapter", message=f"unknown tensor {outcome.unexpected_keys[0]}")


def summed_loss(model: Any, batch: MicroBatch) -> Tensor:
    """Sum of the cross-entropy of a micro-batch's learnt tokens, float32; differentiable where gradients are on."""
    causal = causal_of(model)
    device = causal.device
    backbone = getattr(causal, causal.base_model_prefix)
    hidden = backbone(input_ids=_tensor(batch.input_ids, device), use_cache=False).last_hidden_state
    chosen = hidden.flatten(0, 1).index_select(0, _tensor(batch.sources, device))
    head = causal.get_output_embeddings()
    soft_cap = getattr(causal.config, "final_logit_softcapping", None) or 0.0
    targets = _tensor(batch.targets, device)
    return summed_cross_entropy(chosen, head.weight, targets, bias=head.bias, soft_cap=soft_cap)


def mean_loss(model: Any, batches: Iterator[MicroBatch]) -> float:
    """Token-weighted mean of the loss over all batches, without gradients and without dropout."""
    was_training, total, tokens = model.training, 0.0, 0
    model.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                total += float(summed_loss(model, batch))
                tokens += len(batch.targets)
    finally:
        model.train(was_training)
    return total / tokens


def _tensor(values: "np.ndarray[Any, Any]", device: torch.device) -> Tensor:
    return torch.from_numpy(values).to(device)
