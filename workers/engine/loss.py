"""Cross-entropy over the vocabulary, computed only where a token is learnt and a slice at a time.

The logits of a whole batch are the largest tensor of a small model's training. Here they live only for a slice of
at most SLICE_TOKENS tokens: the gradient with respect to the hidden states is made at once and the logits are dropped.
"""

from typing import Any

import torch
from torch import Tensor, nn

SLICE_TOKENS = 256
SLICE_LOGITS = 1 << 24  # fewer tokens at a time where the vocabulary is large


class _SummedCrossEntropy(torch.autograd.Function):
    """hidden (n, d), weight (vocabulary, d), targets (n) → sum of −log p(target), float32.

    With soft-capping c (Gemma 2): logits are c·tanh(z/c). The head is frozen and gets no gradient.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor, cap: float) -> Tensor:
        total = torch.zeros((), dtype=torch.float64, device=hidden.device)
        grad = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        size = max(1, min(SLICE_TOKENS, SLICE_LOGITS // len(weight)))
        for start in range(0, len(hidden), size):
            part, wanted = hidden[start : start + size], targets[start : start + size, None]
            logits = nn.functional.linear(part, weight, bias).float()
            if cap:
                logits = torch.tanh_(logits.div_(cap)).mul_(cap)
            at_target = logits.gather(1, wanted)
            peak = logits.amax(1, keepdim=True)
            slope = 1 - (logits / cap) ** 2 if cap and grad is not None else None
            summed = logits.sub_(peak).exp_().sum(1, keepdim=True)
            total += (summed.log() + peak - at_target).sum()
            if grad is not None:
                probability = logits.div_(summed)
                probability.scatter_add_(1, wanted, torch.full_like(at_target, -1.0))
                if slope is not None:
                    probability.mul_(slope)
                grad[start : start + size] = probability.to(hidden.dtype) @ weight
        ctx.save_for_backward(grad)
        return total.float()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Any, ...]:
        (grad,) = ctx.saved_tensors
        return grad * grads[0].to(grad.dtype), None, None, None, None


def summed_cross_entropy(
    hidden: Tensor, weight: Tensor, targets: Tensor, *, bias: Tensor | None = None, soft_cap: float = 0.0
) -> Tensor:
    """Sum over tokens of −log p(target); differentiable in `hidden` (n, d)."""
    return _SummedCrossEntropy.apply(hidden, weight, bias, targets, soft_cap)
