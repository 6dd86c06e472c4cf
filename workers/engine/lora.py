"""The product of a frozen linear layer and its low-rank adapter, in one autograd step.

y = x Wᵀ + b + s (x Aᵀ) Bᵀ        (Hu et al. 2021, LoRA)

peft stores and names the adapters; this replaces how its layers compute. The adapter's float32 masters are
rounded to the compute type on the way in, x is kept once instead of twice, and the frozen weight gets no
gradient. A weight in four bits is dequantised for each product and not kept, as bitsandbytes does.

The order of the sum matters in bfloat16. Rounding x Wᵀ first puts it on a grid so coarse that a young adapter's
small share, added afterwards, rounds away entirely. So the large product is accumulated onto the small one, in the
float32 of the matrix kernel, and rounded once.
"""

import types
from typing import Any

import torch
from bitsandbytes import functional as bnb
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn


def frozen_weight(layer: Any, dtype: torch.dtype) -> Tensor:
    """The weight of a plain or a four-bit linear layer, (out, in), in `dtype`."""
    weight: Tensor = layer.weight
    state = getattr(weight, "quant_state", None)
    if state is None:
        return weight if weight.dtype == dtype else weight.to(dtype)
    return bnb.dequantize_4bit(weight.data, state).to(dtype)


class _LoraProduct(torch.autograd.Function):
    """x (…, in) → (…, out). Gradients flow to x, A and B; `keep` is a dropout mask already scaled, or None."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, layer: Any, lora_a: Tensor, lora_b: Tensor, scaling: float, keep: Tensor | None
    ) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        weight = frozen_weight(layer, x.dtype)
        a, b = lora_a.to(x.dtype), (lora_b * scaling).to(x.dtype)
        seen = rows if keep is None else rows * keep
        low = seen @ a.t()
        out = (low @ b.t()).addmm_(rows, weight.t())
        if layer.bias is not None:
            out += layer.bias.to(x.dtype)
        ctx.save_for_backward(seen, low, a, b, keep)
        ctx.layer, ctx.scaling, ctx.shape = layer, scaling, x.shape
        ctx.master_dtype = lora_a.dtype
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        seen, low, a, b, keep = ctx.saved_tensors
        grad = grads[0].reshape(-1, grads[0].shape[-1])
        grad_low = grad @ b
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_low @ a if keep is None else (grad_low @ a).mul_(keep)
            grad_x = grad_x.addmm_(grad, frozen_weight(ctx.layer, grad.dtype)).view(ctx.shape)
        grad_a = (grad_low.t() @ seen).to(ctx.master_dtype)
        grad_b = (grad.t() @ low).to(ctx.master_dtype) * ctx.scaling
        return grad_x, None, grad_a, grad_b, None, None


def _forward(self: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Takes the place of `forward` of a peft LoRA layer."""
    layer = self.get_base_layer()
    active = [name for name in self.active_adapters if name in self.lora_A]
    if self.disable_adapters or not active:
        return nn.functional.linear(x, frozen_weight(layer, x.dtype), layer.bias)
    assert len(active) == 1, "one adapter at a time"
    name = active[0]
    rate = self.lora_dropout[name].p if self.training and isinstance(self.lora_dropout[name], nn.Dropout) else 0.0
    keep = _dropout_mask(x, rate) if rate else None
    a, b = self.lora_A[name].weight, self.lora_B[name].weight
    return _LoraProduct.apply(x, layer, a, b, self.scaling[name], keep)


def _dropout_mask(x: Tensor, rate: float) -> Tensor:
    kept = torch.empty(x.numel() // x.shape[-1], x.shape[-1], dtype=x.dtype, device=x.device)
    return kept.bernoulli_(1 - rate).div_(1 - rate)


def use_fused_products(model: nn.Module) -> int:
    """Let every plain LoRA layer of a peft model compute as above; returns how many. Others (DoRA) stay peft's."""
    layers = [module for module in model.modules() if isinstance(module, LoraLayer) and not module.lora_variant]
    for layer in layers:
        layer.forward = types.MethodType(_forward, layer)
    return len(layers)
