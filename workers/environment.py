"""What a program may know about its surroundings: what it needs, and no secret of the installation."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "CUDA_HOME",
    "NCCL_DEBUG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CRASH_AT",  # faults that tests inject (workers/engine/crash.py)
)
_KEPT_ONLINE = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "HUB_TIMEOUT")


class HasIndex(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def index(self) -> int: ...


def for_program(*, devices: Sequence[HasIndex], threads: int, folder: Path, is_online: bool = False) -> dict[str, str]:
    """The whole environment of a child. Its home is `folder`, so that no token or cache of a person is found."""
    env = {name: os.environ[name] for name in _KEPT + (_KEPT_ONLINE if is_online else ()) if name in os.environ}
    env |= {
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "ENGINE_PARENT_PID": str(os.getpid()),  # the program ends at once if this process did before it began
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": ",".join(str(device.index) for device in devices if device.kind == "cuda"),
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it products on a GPU differ from run to run
        "HF_HOME": str(folder / "tmp" / "hf"),
        "HF_HUB_OFFLINE": "0" if is_online else "1",
        "TRANSFORMERS_OFFLINE": "0" if is_online else "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_XET": "1",
        "DO_NOT_TRACK": "1",
    }
    return env
