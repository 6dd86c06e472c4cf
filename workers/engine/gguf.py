"""Turns a GGUF file into the folder that the rest of the engine knows: safetensors, tokenizer.json, template.

transformers reads the weights and the vocabulary; here stands what it leaves open.
"""

import logging
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, pre_tokenizers
from transformers.integrations.gguf.reader import read_gguf_metadata
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from webapp.contract.events import Fault
from workers.engine import architectures
from workers.engine.faults import EngineFault
from workers.engine.job import Job

log = logging.getLogger(__name__)

MAGIC = b"GGUF"

# How text is cut before merging, by the name in `tokenizer.ggml.pre`, where transformers has no entry of its own.
# SmolLM: each digit alone, then as GPT-2.
PRE_TOKENIZERS = {
    "smollm": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
}


def convert(job: Job, path: Path, folder: Path) -> str:
    """Write the model in `path` to `folder` as bfloat16; returns the licence that the file names, if any.

    Raises EngineFault for what is no GGUF file or no model that we train, before its weights are read.
    """
    metadata = read_metadata(path)
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(path.parent),
        "gguf_file": path.name,
        "local_files_only": True,
    }
    try:
        kind = transformers.AutoConfig.from_pretrained(**where).model_type
        architectures.architecture_of({"architectures": [MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(kind, kind)]})
        tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
        job.stop.check()
        model = transformers.AutoModelForCausalLM.from_pretrained(
            **where, quantization_config=transformers.GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
    except (ValueError, KeyError) as error:
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="gguf", message=str(error)[:300]) from error
    job.stop.check()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    mend_pre_tokenizer(folder / "tokenizer.json", str(metadata.get("tokenizer.ggml.pre", "")))
    return str(metadata.get("general.license", ""))


def read_metadata(path: Path) -> dict[str, Any]:
    """The key-value part of the file. Raises EngineFault where it is damaged."""
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise EngineFault(Fault.DAMAGED_INPUT, file=path.name, reason="not_gguf")
    try:
        metadata, _tensors = read_gguf_metadata(str(path))
    except Exception as error:  # a parser of foreign bytes: whatever it stumbles over is damage
        raise EngineFault(Fault.DAMAGED_INPUT, file=path.name, message=str(error)[:300]) from error
    return dict(metadata)


def mend_pre_tokenizer(path: Path, name: str) -> None:
    if name not in PRE_TOKENIZERS:
        return
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.pre_tokenizer = PRE_TOKENIZERS[name]
    tokenizer.save(str(path))
    log.info("text is cut as %s models do before merging", name)
