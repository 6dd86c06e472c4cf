"""Our faster forward and backward passes against the plain ones of torch, peft and transformers."""

from typing import Any

import peft
import pytest
import torch
import transformers
from bitsandbytes import nn as bnb_nn
from torch import nn

from workers.engine import attention, lora, model
from workers.engine.architectures import ARCHITECTURES
from workers.engine.loss import SLICE_TOKENS, summed_cross_entropy

TINY: dict[str, Any] = {
    "vocab_size": 120, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0, "head_dim": 8,
}  # fmt: skip
EXTRA: dict[str, dict[str, Any]] = {"GptOssForCausalLM": {"num_local_experts": 2, "num_experts_per_tok": 1}}


def tiny(name: str, **fields: Any) -> Any:
    torch.manual_seed(3)
    cls = getattr(transformers, name)
    kernel = ARCHITECTURES[name].attention_kernel
    return cls._from_config(cls.config_class(**TINY | EXTRA.get(name, {}) | fields), attn_implementation=kernel).eval()


def piece(rows: int = 3, width: int = 20) -> Any:
    from workers.engine.batches import MicroBatch

    ids = torch.randint(1, 120, (rows, width), generator=torch.Generator().manual_seed(5))
    sources = torch.tensor([row * width + column for row in range(rows) for column in range(10, width - 1)])
    targets = ids.flatten()[sources + 1]
    return MicroBatch(ids.numpy(), sources.numpy(), targets.numpy(), rows * width)


def plain_loss(causal: Any, batch: Any) -> torch.Tensor:
    ids = torch.from_numpy(batch.input_ids)
    logits = causal(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.flatten(0, 1)
    chosen = logits[torch.from_numpy(batch.sources)].float()
    return nn.functional.cross_entropy(chosen, torch.from_numpy(batch.targets), reduction="sum")


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_our_loss_is_the_models_own_for_every_architecture_we_admit(name: str) -> None:
    causal, batch = tiny(name), piece()
    assert model.summed_loss(causal, batch).item() == pytest.approx(plain_loss(causal, batch).item(), rel=1e-5)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_target_of_an_architecture_exists_in_it(name: str) -> None:
    found = {path.rpartition(".")[2] for path, module in tiny(name).named_modules() if isinstance(module, nn.Linear)}
    architecture = ARCHITECTURES[name]
    assert set(architecture.attention + architecture.mlp) <= found


@pytest.mark.parametrize("cap", [0.0, 5.0])
@pytest.mark.parametrize("tokens", [1, SLICE_TOKENS, SLICE_TOKENS + 7])
def test_the_sliced_loss_and_its_gradient_are_those_of_torch(tokens: int, cap: float) -> None:
    torch.manual_seed(0)
    weight, targets = torch.randn(50, 16), torch.randint(0, 50, (tokens,))
    ours, theirs = (torch.randn(tokens, 16, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in "ab")
    summed_cross_entropy(ours, weight, targets, soft_cap=cap).backward()
    logits = theirs @ weight.t()
    logits = cap * torch.tanh(logits / cap) if cap else logits
    nn.functional.cross_entropy(logits, targets, reduction="sum").backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def adapted_pair(*, dropout: float = 0.0, bias: bool = False) -> tuple[Any, Any]:
    """The same adapted model twice: with our products, and as peft computes."""
    config = peft.LoraConfig(r=4, lora_alpha=8, lora_dropout=dropout, use_rslora=True, task_type="CAUSAL_LM",
                             target_modules=["q_proj", "v_proj", "o_proj", "down_proj"])  # fmt: skip
    pair = []
    for _ in range(2):
        adapted = peft.get_peft_model(tiny("LlamaForCausalLM", attention_bias=bias), config)
        torch.manual_seed(8)
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(parameter, std=0.1)
        pair.append(adapted.train())
    lora.use_fused_products(pair[0])
    return pair[0], pair[1]


@pytest.mark.parametrize("bias", [False, True])
def test_our_adapter_products_have_the_values_and_gradients_of_peft(bias: bool) -> None:
    ours, theirs = adapted_pair(bias=bias)
    batch = piece()
    model.summed_loss(ours, batch).backward()
    model.summed_loss(theirs, batch).backward()
    for (name, mine), (_, its) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        if mine.requires_grad:
            torch.testing.assert_close(mine.grad, its.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_a_switched_off_adapter_leaves_the_base() -> None:
    ours, _ = adapted_pair()
    batch = piece()
    with ours.disable_adapter():
        off = model.summed_loss(ours, batch).item()
    assert off == pytest.approx(plain_loss(tiny("LlamaForCausalLM"), batch).item(), rel=1e-5)
    assert off != pytest.approx(model.summed_loss(ours, batch).item(), rel=1e-5)


def test_dropout_drops_inputs_of_the_adapter_only_and_the_gradient_knows_which() -> None:
    layer = nn.Linear(6, 5, bias=False)
    layer.weight.requires_grad_(False)
    x = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    a, b = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 6), (5, 2)))
    keep = torch.tensor([0.0, 2.0]).repeat(18).view(6, 6).double()
    layer = layer.double()
    out = lora._LoraProduct.apply(x, layer, a, b, 0.7, keep)
    expected = x.view(6, 6) @ layer.weight.t() + 0.7 * (x.view(6, 6) * keep) @ a.t() @ b.t()
    torch.testing.assert_close(out.view(6, 5), expected)
    assert torch.autograd.gradcheck(lambda *args: lora._LoraProduct.apply(args[0], layer, args[1], args[2], 0.7, keep),
                                    (x, a, b))  # fmt: skip


def test_a_young_adapters_small_share_survives_bfloat16() -> None:
    """Its share is a tenth of what bfloat16 can tell apart in the sum; added to a rounded sum it would be lost."""
    torch.manual_seed(0)
    layer = nn.Linear(256, 256, bias=False, dtype=torch.bfloat16)
    x = torch.randn(512, 256, dtype=torch.bfloat16)
    a, b = torch.randn(4, 256) / 16, torch.randn(256, 4) * 2e-4
    wanted = x.float() @ a.t() @ b.t()
    assert wanted.abs().mean() < 0.2 * 2**-8 * (x @ layer.weight.t()).abs().mean()
    moved = lora._LoraProduct.apply(x, layer, a, b, 1.0, None).float() - (x @ layer.weight.t()).float()
    survived = (moved * wanted).sum() / wanted.square().sum()
    assert 0.9 < survived.item() < 1.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nf4_rounded_once_gives_the_weights_bitsandbytes_computes_with(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    plain = nn.Linear(96, 64, bias=False).to(dtype)
    packed = bnb_nn.Linear4bit(96, 64, bias=False, quant_type="nf4", compress_statistics=True, compute_dtype=dtype)
    packed.load_state_dict({"weight": plain.weight.data.clone()})
    packed = packed.to("cpu")
    holder = nn.Module()
    holder.layer, holder.head = plain, nn.Linear(4, 4)
    holder.get_output_embeddings = lambda: holder.head
    head_before, weight_before = holder.head.weight.clone(), plain.weight.clone()
    model.round_to_nf4(holder)
    assert torch.equal(plain.weight, lora.frozen_weight(packed, dtype))
    assert not torch.equal(plain.weight, weight_before) and torch.equal(holder.head.weight, head_before)
    x = torch.randn(5, 96, dtype=dtype, requires_grad=True)
    torch.testing.assert_close(plain(x), packed(x), rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("tokens", [2, 33, attention.SHORT_TOKENS + 1])
@pytest.mark.parametrize("groups", [1, 3])
def test_short_attention_is_that_of_torch(tokens: int, groups: int) -> None:
    torch.manual_seed(0)
    shapes = ((2, 3 * groups, tokens, 8), (2, 3, tokens, 8), (2, 3, tokens, 8))
    ours = [torch.randn(shape, requires_grad=True) for shape in shapes]
    theirs = [tensor.detach().clone().requires_grad_() for tensor in ours]
    module = nn.Module()
    module.num_key_value_groups, module.is_causal = groups, True
    mine, _ = attention.attention(module, *ours, None, scaling=0.3)
    its = nn.functional.scaled_dot_product_attention(
        theirs[0], *(tensor.repeat_interleave(groups, 1) for tensor in theirs[1:]), is_causal=True, scale=0.3
    ).transpose(1, 2)
    torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)
    mine.square().sum().backward()
    its.square().sum().backward()
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left.grad, right.grad, rtol=1e-3, atol=1e-4)
