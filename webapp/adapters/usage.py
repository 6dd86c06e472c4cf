"""How to use an adapter version outside: snippets that work as they stand, with the right names filled in.

Sources: vLLM's pages on LoRA and its `MaxLoRARanks`; Ollama's on Modelfiles (`ADAPTER`); llama.cpp's
`convert_lora_to_gguf.py`, whose file knows rank and alpha only, so that rank-stabilised scaling must be written as
an alpha.
"""

import json
import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.adapters import trained_with
from webapp.adapters.models import AdapterVersion

VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
VLLM_DEFAULT_RANK = 16


@dataclass(frozen=True)
class Snippet:
    """`note` is what to know before it is run."""

    label: str | Promise
    text: str
    note: str = ""
    needs_token: bool = False


@dataclass(frozen=True)
class Names:
    """What stands in the commands: folders, ids, sizes. `commit` is empty where weights come from here."""

    folder: str
    base: str
    base_folder: str
    commit: str
    is_from_hub: bool
    architecture: str
    rank: int
    alpha: float
    is_rank_stabilised: bool
    is_4_bit: bool
    is_dora: bool

    @property
    def vllm_rank(self) -> int | None:
        """The smallest limit that vLLM knows and that lets this rank in."""
        return next((limit for limit in VLLM_RANKS if limit >= self.rank), None)

    @property
    def plain_alpha(self) -> float:
        """The alpha that scales as this adapter is scaled where only alpha / rank is known."""
        return self.alpha * math.sqrt(self.rank) if self.is_rank_stabilised else self.alpha


def names(version: AdapterVersion) -> Names:
    base = version.base_model
    config = (version.run.config if version.run else version.facts) | trained_with.of_cut(version)
    is_from_hub = base.source == base.Source.HUB
    return Names(
        folder=folder_name(version),
        base=base.repository if is_from_hub else base.name,
        base_folder=base.folder_name,
        commit=base.commit if is_from_hub else "",
        is_from_hub=is_from_hub,
        architecture=base.architecture,
        rank=int(config.get("lora_r") or config.get("rank") or config.get("r") or 0),
        alpha=float(config.get("lora_alpha") or 0),
        is_rank_stabilised=bool(config.get("use_rslora")),
        is_4_bit=config.get("method") == "qlora",
        is_dora=bool(config.get("use_dora")),
    )


def snippets(version: AdapterVersion) -> list[Snippet]:
    """The download with a token, with the base where only this installation has it; then each tool that takes it."""
    known = names(version)
    if known.is_dora:  # a second kind of tensors, which only peft reads
        return [_download(version, known), _peft(known)]
    return [_download(version, known), _peft(known), _vllm(known), _llama_cpp(known), _ollama(known)]


def folder_name(version: AdapterVersion) -> str:
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in version.adapter.name.lower())
    return f"{name.strip('-') or 'adapter'}-v{version.number}"


def _download(version: AdapterVersion, known: Names) -> Snippet:
    api = f"{settings.PUBLIC_URL}/api/v1"
    adapter_url = f"{api}/adapters/{version.adapter.public_id}/versions/{version.number}/download"
    fetches = [_CURL.format(url=shlex.quote(adapter_url), folder=known.folder)]
    if not known.is_from_hub:
        url = f"{api}/models/{version.base_model.public_id}/download"
        fetches.append(_CURL.format(url=shlex.quote(url), folder=shlex.quote(known.base_folder)))
    return Snippet(gettext_lazy("Download by a script"), "\n\n".join([_TOKEN, *fetches]), needs_token=True)


def _peft(known: Names) -> Snippet:
    """A hub model is loaded by its id and commit; weights that only this installation has, from a folder of theirs."""
    if known.is_from_hub:
        revision = f", revision={json.dumps(known.commit)}" if known.commit else ""
        base = _FROM_HUB.format(repository=json.dumps(known.base), revision=revision)
    else:
        base = _FROM_FOLDER.format(folder=json.dumps(known.base_folder, ensure_ascii=False), name=known.base)
    return Snippet("peft", _PEFT.format(folder=known.folder, base=base))


def _vllm(known: Names) -> Snippet:
    if known.vllm_rank is None:
        note = _("Rank %(rank)s is more than vLLM takes (%(most)s). Merge it into its base, or lower the rank.")
        values = {"rank": known.rank, "most": VLLM_RANKS[-1]}
        return Snippet("vLLM", f"# rank {known.rank} > {VLLM_RANKS[-1]}", note % values)
    base = shlex.quote(known.base if known.is_from_hub else f"./{known.base_folder}")
    revision = f" --revision {known.commit} --tokenizer-revision {known.commit}" if known.commit else ""
    limit = f" --max-lora-rank {known.vllm_rank}" if known.rank else ""
    text = _VLLM.format(base=base, revision=revision, folder=known.folder, limit=limit)
    return Snippet("vLLM", text, " ".join(_vllm_notes(known)))


def _vllm_notes(known: Names) -> Iterator[str]:
    if known.rank:
        note = _("vLLM lets in ranks up to %(default)s unless it is told; this one has rank %(rank)s.")
        yield note % {"default": VLLM_DEFAULT_RANK, "rank": known.rank}
    if known.is_4_bit:
        yield _("It was trained on the base in 4 bit; on 16-bit weights answers can differ a little.")


def _llama_cpp(known: Names) -> Snippet:
    text = _LLAMA_CPP.format(fetch=_fetch(known), base=shlex.quote(known.base_folder), folder=known.folder)
    note = _("After conversion by llama.cpp’s own scripts, in a copy of its sources; Tunesmith makes no GGUF file yet.")
    return Snippet("llama.cpp", text, note + _rescale(known))


def _ollama(known: Names) -> Snippet:
    if takes_safetensors(known.architecture):
        fetch, base, adapter = _fetch(known), known.base_folder, known.folder
        note = _("Ollama reads safetensors adapters of Llama, Mistral and Gemma models.")
    else:
        fetch, base, adapter = "", "base.gguf", f"{known.folder}.gguf"
        note = _("Ollama reads safetensors adapters of Llama, Mistral and Gemma models only: convert both as above.")
    lines = " ".join(shlex.quote(line) for line in (f"FROM ./{base}", f"ADAPTER ./{adapter}"))
    note += " " + _("It guesses the chat template: compare what it says with the base model’s own.")
    return Snippet("Ollama", _OLLAMA.format(fetch=fetch, lines=lines, folder=known.folder), note + _rescale(known))


def _fetch(known: Names) -> str:
    """The base as a folder, where a hub has it; the script above brought it where only this installation does."""
    if not known.is_from_hub:
        return ""
    revision = f" --revision {known.commit}" if known.commit else ""
    return f"hf download {shlex.quote(known.base)}{revision} --local-dir {shlex.quote(known.base_folder)}\n"


def _rescale(known: Names) -> str:
    if not known.is_rank_stabilised:
        return ""
    words = _(
        "Its scaling is rank-stabilised, which is lost on the way: set lora_alpha to %(alpha)s in adapter_config.json."
    )
    return " " + words % {"alpha": f"{known.plain_alpha:.6g}"}


def takes_safetensors(architecture: str) -> bool:
    """Whether Ollama's `ADAPTER` reads the files as they are."""
    return architecture.startswith(("LlamaFor", "MistralFor", "MixtralFor", "GemmaFor", "Gemma2For"))


_FROM_HUB = """\
base = AutoModelForCausalLM.from_pretrained({repository}{revision})
tokenizer = AutoTokenizer.from_pretrained({repository}{revision})"""

_FROM_FOLDER = """\
# a folder with exactly the weights of {name}
folder = {folder}
base = AutoModelForCausalLM.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)"""

_TOKEN = "# TOKEN is an API token of your team (Team, API tokens)"  # noqa: S105  a remark in a script

_CURL = """\
curl --fail --header "Authorization: Bearer $TOKEN" --output {folder}.zip \\
  {url}
python -m zipfile --extract {folder}.zip {folder}"""

_PEFT = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

{base}
model = PeftModel.from_pretrained(base, "{folder}")"""

_VLLM = """\
vllm serve {base}{revision} --enable-lora \\
  --lora-modules {folder}=./{folder}{limit}
# and ask for it by its name:
curl http://localhost:8000/v1/chat/completions --json \\
  '{{"model": "{folder}", "messages": [{{"role": "user", "content": "Hello"}}]}}'"""

_LLAMA_CPP = """\
{fetch}python convert_hf_to_gguf.py {base} --outtype bf16 --outfile base.gguf
python convert_lora_to_gguf.py {folder} --base {base} --outtype f16 --outfile {folder}.gguf
llama-server --model base.gguf --lora {folder}.gguf"""

_OLLAMA = """\
{fetch}printf '%s\\n' {lines} > Modelfile
ollama create {folder} -f Modelfile
ollama run {folder}"""
