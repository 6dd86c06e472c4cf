"""The sizes of a base model's layers, from its config.json. Exact, for the architectures that can be trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webapp.contract.spec import BaseShape, LoraConfig, TargetModules

_LLAMA_LIKE = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "SmolLM3ForCausalLM",
        "GemmaForCausalLM",
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
    }
)
_FUSED = frozenset({"Phi3ForCausalLM"})
ATTENTION = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj"})


@dataclass(frozen=True, kw_only=True)
class Shapes:
    """`linear` maps each linear layer of one block to its (inputs, outputs)."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    attention_width: int
    is_head_tied: bool
    linear: Mapping[str, tuple[int, int]]

    @property
    def linear_parameters(self) -> int:
        """Of all blocks, without the embedding and the head."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear.values())

    @property
    def head_parameters(self) -> int:
        return self.vocabulary * self.hidden

    @property
    def total_parameters(self) -> int:
        """Nearly: norms and biases, far below a thousandth, are left out."""
        return self.linear_parameters + self.head_parameters * (1 if self.is_head_tied else 2)

    def targets(self, wanted: TargetModules) -> dict[str, tuple[int, int]]:
        is_wanted = {
            TargetModules.ALL_LINEAR: lambda name: True,
            TargetModules.ATTENTION: lambda name: name in ATTENTION,
            TargetModules.MLP: lambda name: name not in ATTENTION,
        }[wanted]
        return {name: shape for name, shape in self.linear.items() if is_wanted(name)}

    def trainable_parameters(self, config: LoraConfig) -> int:
        """A (rank, inputs) and B (outputs, rank) beside each target, in every block (Hu et al. 2021)."""
        sizes = sum(inputs + outputs for inputs, outputs in self.targets(config.target_modules).values())
        return self.layers * config.lora_r * sizes


def of(config: Mapping[str, Any]) -> Shapes | None:
    """None for a model whose layers we do not know."""
    names = config.get("architectures")
    name = str(names[0]) if isinstance(names, list) and names else ""
    if name not in _LLAMA_LIKE | _FUSED:
        return None
    try:
        return _read(config, is_fused=name in _FUSED)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def to_fit(shapes: Shapes) -> BaseShape:
    """As the contract says it to a program that has to find out whether an adapter fits."""
    linear: dict[str, tuple[int, ...]] = {}
    for name, sides in shapes.linear.items():
        linear[f"{'self_attn' if name in ATTENTION else 'mlp'}.{name}"] = sides
    return BaseShape(layers=shapes.layers, hidden=shapes.hidden, vocabulary=shapes.vocabulary, linear=linear)


def _read(config: Mapping[str, Any], *, is_fused: bool) -> Shapes:
    hidden, intermediate = int(config["hidden_size"]), int(config["intermediate_size"])
    heads = int(config["num_attention_heads"])
    head_size = int(config.get("head_dim") or hidden // heads)
    queries = heads * head_size
    keys = int(config.get("num_key_value_heads") or heads) * head_size
    if is_fused:
        linear = {
            "qkv_proj": (hidden, queries + 2 * keys),
            "o_proj": (queries, hidden),
            "gate_up_proj": (hidden, 2 * intermediate),
            "down_proj": (intermediate, hidden),
        }
    else:
        linear = {
            "q_proj": (hidden, queries),
            "k_proj": (hidden, keys),
            "v_proj": (hidden, keys),
            "o_proj": (queries, hidden),
            "gate_proj": (hidden, intermediate),
            "up_proj": (hidden, intermediate),
            "down_proj": (intermediate, hidden),
        }
    return Shapes(
        layers=int(config["num_hidden_layers"]),
        hidden=hidden,
        intermediate=intermediate,
        vocabulary=int(config["vocab_size"]),
        attention_width=queries,
        # What transformers takes for granted where the file does not say.
        is_head_tied=bool(config.get("tie_word_embeddings", "gemma" in str(config.get("model_type", "")))),
        linear=linear,
    )
