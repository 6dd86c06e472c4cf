"""What this machine has: processor, memory, disk, devices. Nothing here touches CUDA or imports torch."""

import fcntl
import json
import logging
import os
import platform
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import pynvml
from django.conf import settings

from webapp.fleet.actions import DeviceFacts, WorkerFacts
from webapp.fleet.models import Device
from workers import environment

logger = logging.getLogger(__name__)

PROBE_FILE = "probe.json"
PROBE_SECONDS = 120


def worker_facts() -> WorkerFacts:
    host = socket.gethostname()
    return WorkerFacts(
        name=settings.WORKER_NAME or host,
        host=host,
        pid=os.getpid(),
        version=_version(),
        labels=tuple(settings.WORKER_LABELS),
        cpu_count=cpu_count(),
        memory_bytes=memory_bytes(),
        disk_free_bytes=disk_free_bytes(),
    )


def _version() -> str:
    try:
        return metadata.version("tunesmith")
    except metadata.PackageNotFoundError:
        return "from source"


def cpu_count() -> int:
    """Processors that this process may use: less than the machine's inside a container with a quota."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        allowed = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return allowed if quota == "max" else max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):
        return allowed


def memory_bytes() -> int:
    """Main memory, or the container's limit where that is less."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):
        return total


def disk_free_bytes() -> int:
    return shutil.disk_usage(settings.STATE_DIR).free


def devices() -> list[DeviceFacts]:
    """The GPUs that this process may use; on a machine without any, its processor. Each with its measured speed.

    None at all where WORKER_DEVICES says so: such a worker reads uploads and talks to the hub.
    """
    if settings.WORKER_DEVICES == "none":
        return []
    found = _gpus() or [DeviceFacts(index=0, kind=Device.Kind.CPU, name=_processor_name(), memory_bytes=memory_bytes())]
    return [replace(device, matmul_flops=_speed(device)) for device in found]


def _gpus() -> list[DeviceFacts]:
    """By NVML, which unlike CUDA leaves no context behind in this process."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(index) for index in range(pynvml.nvmlDeviceGetCount()) if _is_visible(index)]
    finally:
        pynvml.nvmlShutdown()


def _gpu(index: int) -> DeviceFacts:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    name = _text(pynvml.nvmlDeviceGetName(handle))
    uuid = _text(pynvml.nvmlDeviceGetUUID(handle))
    return DeviceFacts(index=index, kind=Device.Kind.CUDA, name=name, memory_bytes=memory, uuid=uuid)


def lock_file(device: DeviceFacts) -> Path:
    """Each device has its own, so a worker for the processor and one for the GPUs can share a state folder."""
    return settings.STATE_DIR / f"device-{device.uuid or device.kind}.lock"


def _is_visible(index: int) -> bool:
    """Respect a choice that whoever started the worker made with CUDA_VISIBLE_DEVICES."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return True
    uuid = _text(pynvml.nvmlDeviceGetUUID(pynvml.nvmlDeviceGetHandleByIndex(index)))
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    return any(name == str(index) or (name.startswith("GPU-") and uuid.startswith(name)) for name in names)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()} ({cpu_count()} cores)"


def _speed(device: DeviceFacts) -> float | None:
    """Floating-point operations a second of a large matrix product, measured once on each machine and kept."""
    path = settings.STATE_DIR / PROBE_FILE
    known = _read(path)
    if device.name not in known:
        measured = _probe(device)
        if measured is None:
            return None
        known = _read(path) | {device.name: measured}
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(known, indent=1))
        draft.replace(path)
    speeds = [value for name, value in known[device.name].items() if name.startswith("flops_") and value]
    return max(speeds, default=None)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _probe(device: DeviceFacts) -> dict[str, float] | None:
    """Run the engine's probe as a child, so that neither torch nor a CUDA context stays in this process."""
    command = [sys.executable, "-m", "workers.engine.probe"]
    env = environment.for_program(devices=[device], threads=cpu_count(), folder=settings.STATE_DIR)
    try:
        said = subprocess.run(
            command, env=env, cwd=settings.BASE_DIR, capture_output=True, timeout=PROBE_SECONDS, check=True
        )
        found = json.loads(said.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        logger.warning("the speed of %s could not be measured: %s", device.name, error)
        return None
    logger.info("measured %s: %s", device.name, found)
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def oom_kills() -> int:
    """How often the kernel has ended a process for lack of memory since the start of the machine."""
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _separator, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


class OnlyOne:
    """A lock between the processes of this machine, released by the kernel when its holder ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def hold(self) -> bool:
        """Take it, or keep it; False while another process has it."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
