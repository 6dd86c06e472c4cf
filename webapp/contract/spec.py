"""What a job is: the frozen orders that cross from the web tier to the programs that do the work.

A job folder looks like this, for the engine and the reader alike:

    spec.json        one of the specs below, wrapped in `Order`
    inputs/          read-only files that the spec names by relative path
    events.jsonl     what the program says, one event a line (see events.py)
    checkpoints/     resumable states (training only)
    result/          what is left when it ended well; files.json lists path, size and sha256 of each
    log.txt          standard output and standard error, for people
"""

import enum
from dataclasses import dataclass, field
from typing import Any

SPEC_VERSION = 1


class JobKind(enum.StrEnum):
    """Everything that takes long. Each kind has one spec class (see SPECS)."""

    READ = "read"
    IMPORT = "import"
    FETCH = "fetch"
    FETCH_ADAPTER = "fetch_adapter"
    TRAIN = "train"
    EVALUATE = "evaluate"
    INSPECT = "inspect"
    COMPRESS = "compress"


class Method(enum.StrEnum):
    """How the adapter is trained. QLORA keeps the base model's weights in 4 bits."""

    LORA = "lora"
    QLORA = "qlora"


class TargetModules(enum.StrEnum):
    """Which linear layers carry an adapter; names as in the Llama family (see engine/model.py)."""

    ALL_LINEAR = "all-linear"
    ATTENTION = "attention"
    MLP = "mlp"


class Schedule(enum.StrEnum):
    COSINE = "cosine"
    LINEAR = "linear"
    CONSTANT = "constant"


class Precision(enum.StrEnum):
    """Arithmetic of the forward and backward pass. AUTO is decided by the engine, once, and recorded."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """A recipe's settings, complete: what `runs.Recipe` stores and a run freezes at launch.

    Names follow peft and transformers where those have the field. `batch_size` counts rows in
    one optimizer step; how many of them go through the model at once is the engine's decision
    unless `micro_batch_size` is above 0. Lengths are in tokens, `eval_steps` in optimizer steps
    (0 = about ten times in a run), `checkpoint_seconds` in seconds.
    """

    method: Method = Method.QLORA
    lora_r: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    target_modules: TargetModules = TargetModules.ALL_LINEAR
    use_rslora: bool = False
    learning_rate: float = 2e-4
    lr_scheduler: Schedule = Schedule.COSINE
    warmup_ratio: float = 0.05
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    num_train_epochs: float = 3.0
    max_steps: int = 0
    batch_size: int = 16
    micro_batch_size: int = 0
    max_length: int = 1024
    precision: Precision = Precision.AUTO
    eval_steps: int = 0
    checkpoint_seconds: int = 60
    early_stopping_patience: int = 0
    seed: int = 7


@dataclass(frozen=True, kw_only=True)
class BaseModelRef:
    """The exact weights: `name` goes into adapter_config.json, `revision` is their content hash."""

    name: str
    revision: str
    path: str = "inputs/base"


@dataclass(frozen=True, kw_only=True)
class DatasetRef:
    """A dataset version's canonical files (see workers/reader/canonical.py)."""

    name: str
    revision: str
    train_path: str = "inputs/train.parquet"
    validation_path: str = ""


@dataclass(frozen=True, kw_only=True)
class TrainSpec:
    """Train one adapter. Result: adapter_model.safetensors, adapter_config.json, card facts in training.json."""

    base: BaseModelRef
    dataset: DatasetRef
    config: LoraConfig


@dataclass(frozen=True, kw_only=True)
class EvaluateSpec:
    """Held-out loss and greedy answers of the base and of the adapter.

    Result: answers.jsonl (one row: prompt, expected, base, adapter) and scores.json.
    """

    base: BaseModelRef
    dataset: DatasetRef
    adapter_path: str = "inputs/adapter"
    max_rows: int = 64
    max_new_tokens: int = 256
    max_length: int = 1024


@dataclass(frozen=True, kw_only=True)
class InspectSpec:
    """Look inside an adapter: the singular values of what it adds to each matrix. Needs no device.

    With `base` each change is compared with the matrix that it changes. Result: anatomy.json.
    """

    base: BaseModelRef | None = None
    adapter_path: str = "inputs/adapter"


@dataclass(frozen=True, kw_only=True)
class CompressSpec:
    """Cut an adapter down to `rank` and measure, on held-out rows where `dataset` has some, what that costs.

    Result: adapter_model.safetensors, adapter_config.json, compression.json, and what else came with the adapter.
    """

    base: BaseModelRef
    rank: int
    dataset: DatasetRef | None = None
    adapter_path: str = "inputs/adapter"
    max_length: int = 1024


@dataclass(frozen=True, kw_only=True)
class FetchSpec:
    """Bring a base model in and leave it as safetensors with tokenizer under result/.

    `source` is "starter" (the model that a Python package carries), "hub" (`repository` at
    `revision`, which is resolved to a commit and said in an event) or "folder" (`folder` is an
    absolute path that the supervisor took from MODEL_ROOTS, never from a person). A hub token
    arrives on standard input, one line, and is never written anywhere.
    """

    name: str
    source: str
    repository: str = ""
    revision: str = ""
    folder: str = ""
    endpoint: str = ""


@dataclass(frozen=True, kw_only=True)
class ReadSpec:
    """Parse an uploaded file into canonical files. Limits are on the reader itself.

    `mapping` maps a role ("prompt", "response", "system", "messages", …) to a column; empty
    means: find it out. `validation_share` of the rows is held out, chosen by content hash.
    """

    upload_path: str = "inputs/upload"
    file_name: str = ""
    mapping: dict[str, str] = field(default_factory=dict)
    system_prompt: str = ""
    validation_share: float = 0.1
    seed: int = 7
    max_rows: int = 5_000_000
    max_row_bytes: int = 1_000_000
    max_decompressed_bytes: int = 20_000_000_000


@dataclass(frozen=True, kw_only=True)
class BaseShape:
    """What an adapter has to fit: `linear` maps each linear layer of one block, as "self_attn.q_proj", to (in, out)."""

    layers: int
    hidden: int
    vocabulary: int
    linear: dict[str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class NamedInput:
    """An input and what a person called it. The name tells which file it is; it is never made a path."""

    path: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ImportSpec:
    """Check an adapter that was trained elsewhere: its files, or one zip of them. The reader does it, with its limits.

    `also_known_as` are other names of the same base model, for the comparison with what the adapter says it was
    trained on. Result: adapter_model.safetensors (byte for byte what came), adapter_config.json (written anew from
    what was checked), and import.json with the facts and the text of a README.md.
    """

    base: BaseModelRef
    shape: BaseShape
    files: tuple[NamedInput, ...]
    also_known_as: tuple[str, ...] = ()
    max_unpacked_bytes: int = 8_000_000_000


@dataclass(frozen=True, kw_only=True)
class FetchAdapterSpec:
    """Bring the files of an adapter from a hub, unchecked, for an ImportSpec to follow; the token comes as for a base.

    Result: those of ADAPTER_FILES that the repository holds, and fetched.json with the commit that was taken.
    """

    repository: str
    revision: str = ""
    endpoint: str = ""
    max_bytes: int = 8_000_000_000


# What is taken of an adapter that comes from elsewhere; anything else is left out.
ADAPTER_WEIGHTS, ADAPTER_CONFIG, ADAPTER_README = "adapter_model.safetensors", "adapter_config.json", "README.md"
ADAPTER_FILES = (ADAPTER_WEIGHTS, ADAPTER_CONFIG, ADAPTER_README)
# Of files that Python would unpickle, and with that run whatever they hold.
PICKLE_ENDINGS = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"})

SPECS: dict[JobKind, type] = {
    JobKind.READ: ReadSpec,
    JobKind.IMPORT: ImportSpec,
    JobKind.FETCH: FetchSpec,
    JobKind.FETCH_ADAPTER: FetchAdapterSpec,
    JobKind.TRAIN: TrainSpec,
    JobKind.EVALUATE: EvaluateSpec,
    JobKind.INSPECT: InspectSpec,
    JobKind.COMPRESS: CompressSpec,
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """The document `spec.json`: who ordered what, and which version of this contract it follows.

    With `ends_at_checkpoint` a training goes on from its newest checkpoint, trains no more, and makes its result of it.
    """

    version: int
    job: str
    attempt: int
    kind: JobKind
    spec: dict[str, Any]
    device: str = "cpu"
    threads: int = 0
    ends_at_checkpoint: bool = False
