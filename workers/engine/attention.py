"""Causal attention for short rows on a CPU.

torch's fused CPU kernel is made for long sequences; up to a few hundred tokens two plain batched products are
several times faster, forward and backward. Longer rows, masks and other devices go to the fused kernel.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "short_causal"
SHORT_TOKENS = 384


def register() -> None:
    """Make the kernel known to transformers as attn_implementation=NAME."""
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def attention(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **kwargs: Any
) -> tuple[Tensor, None]:
    """query (rows, heads, tokens, d), key and value (rows, key heads, tokens, d) → (rows, tokens, heads, d)."""
    tokens = query.shape[2]
    is_short = attention_mask is None and 1 < tokens == key.shape[2] and tokens <= SHORT_TOKENS
    if not is_short or kwargs.get("dropout") or kwargs.get("position_bias") is not None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
    return _causal(query, key, value, float(scaling)), None


def _causal(query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
    rows, heads, tokens, width = query.shape
    groups = key.shape[1]
    query = (query * scaling).reshape(rows * groups, heads // groups * tokens, width)
    key = key.reshape(rows * groups, tokens, width)
    value = value.reshape(rows * groups, tokens, -1)
    scores = torch.bmm(query, key.transpose(1, 2)).view(-1, heads // groups, tokens, tokens)
    future = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).triu(1)
    weights = scores.masked_fill(future, float("-inf")).softmax(-1, dtype=torch.float32).to(value.dtype)
    mixed = torch.bmm(weights.view(rows * groups, -1, tokens), value)
    return mixed.view(rows, heads, tokens, -1).transpose(1, 2).contiguous()
