"""Where a version can be used: each tool, with what its makers document and what was tried here."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from webapp.adapters import usage
from webapp.adapters.models import AdapterVersion

# Architectures for which vLLM's list of models says that it takes LoRA adapters.
VLLM_TAKES = {
    "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM", "SmolLM3ForCausalLM",
    "GemmaForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Phi3ForCausalLM",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """`kind` is that of a cell: pass, part (something must be done first), none (not known) or fail."""

    tool: str
    note: str
    kind: str
    answer: str


def of(version: AdapterVersion) -> list[Place]:
    known = usage.names(version)
    if known.is_dora:
        others = [Place(tool, "", "fail", _("not with DoRA")) for tool in ("vLLM", "Ollama", "llama.cpp")]
        return [Place("peft, transformers", "", "pass", _("as it is")), *others]
    return [
        Place("peft, transformers", "", "pass", _("as it is")),
        _vllm(known),
        _ollama(known),
        Place("llama.cpp", "", "part", _("after conversion")),
        Place("MLX", "", "none", _("not tested")),
    ]


def _vllm(known: usage.Names) -> Place:
    note = _("rank %(rank)s of at most %(most)s") % {"rank": known.rank, "most": usage.VLLM_RANKS[-1]}
    if known.vllm_rank is None:
        return Place("vLLM", note, "fail", _("rank too high"))
    if known.architecture not in VLLM_TAKES:
        return Place("vLLM", note, "none", _("not tested"))
    return Place("vLLM", note, "pass", _("as it is"))


def _ollama(known: usage.Names) -> Place:
    if usage.takes_safetensors(known.architecture) and not known.is_rank_stabilised:
        return Place("Ollama", "", "pass", _("as it is"))
    return Place("Ollama", "", "part", _("after conversion"))
