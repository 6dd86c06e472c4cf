"""What a machine has."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from webapp.fleet.models import Device
from workers import environment, machine


@pytest.fixture(autouse=True)
def _own_state(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STATE_DIR = tmp_path
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two cards, as NVML tells of it."""
    facts = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: ["NVIDIA H200", b"NVIDIA A100"][handle],
        "nvmlDeviceGetUUID": lambda handle: f"GPU-{handle}abc",
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(total=[141, 80][handle] * 1024**3),
    }
    for name, answer in facts.items():
        monkeypatch.setattr(pynvml, name, answer)


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def probe(device: Any) -> dict[str, float]:
        asked.append(device.name)
        return {"flops_float32": 1e12, "flops_bfloat16": 9e12, "seconds": 2.0}

    monkeypatch.setattr(machine, "_probe", probe)
    return asked


@pytest.mark.usefixtures("gpus")
def test_each_card_is_a_device_with_its_memory_and_measured_speed(probes: list[str]) -> None:
    found = machine.devices()
    assert [(device.index, device.kind, device.name) for device in found] == [
        (0, Device.Kind.CUDA, "NVIDIA H200"),
        (1, Device.Kind.CUDA, "NVIDIA A100"),
    ]
    assert found[1].memory_bytes == 80 * 1024**3
    assert found[0].matmul_flops == 9e12
    assert probes == ["NVIDIA H200", "NVIDIA A100"]


@pytest.mark.usefixtures("gpus", "probes")
@pytest.mark.parametrize(("chosen", "indices"), [("1", [1]), ("GPU-0a", [0]), ("1,0", [0, 1]), ("5", [])])
def test_a_choice_of_cards_is_respected(chosen: str, indices: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    cards = [device.index for device in machine.devices() if device.kind == Device.Kind.CUDA]
    assert cards == indices


def test_a_machine_without_cards_offers_its_processor(probes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    (device,) = machine.devices()
    assert (device.kind, device.memory_bytes) == (Device.Kind.CPU, machine.memory_bytes())
    assert f"({machine.cpu_count()} cores)" in device.name


@pytest.mark.usefixtures("gpus", "probes")
def test_a_worker_that_is_to_offer_no_devices_offers_none(settings: Any) -> None:
    settings.WORKER_DEVICES = "none"
    assert machine.devices() == []


@pytest.mark.usefixtures("gpus", "probes")
def test_each_device_has_a_lock_of_its_own_that_does_not_depend_on_how_cards_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locks = [machine.lock_file(device).name for device in machine.devices()]
    assert locks == ["device-GPU-0abc.lock", "device-GPU-1abc.lock"]
    monkeypatch.setattr(machine, "_gpus", list)
    (processor,) = machine.devices()
    assert machine.lock_file(processor).name not in locks


@pytest.mark.usefixtures("gpus")
def test_a_speed_is_measured_once_on_a_machine(probes: list[str], tmp_path: Path) -> None:
    machine.devices()
    assert machine.devices()[0].matmul_flops == 9e12
    assert probes == ["NVIDIA H200", "NVIDIA A100"]
    assert set(json.loads((tmp_path / machine.PROBE_FILE).read_text())) == {"NVIDIA H200", "NVIDIA A100"}


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("said", ["not json", "", None])
def test_a_probe_that_fails_leaves_the_speed_unknown(said: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_arguments: Any, **_options: Any) -> Any:
        if said is None:
            raise subprocess.TimeoutExpired("probe", 1)
        return SimpleNamespace(stdout=said.encode())

    monkeypatch.setattr(subprocess, "run", run)
    assert [device.matmul_flops for device in machine.devices()] == [None, None]


def test_a_program_sees_only_its_own_cards_and_keeps_its_threads_to_its_share(tmp_path: Path) -> None:
    cards = [SimpleNamespace(kind="cuda", index=index) for index in (1, 3)]
    env = environment.for_program(devices=cards, threads=4, folder=tmp_path)
    assert (env["CUDA_VISIBLE_DEVICES"], env["CUDA_DEVICE_ORDER"]) == ("1,3", "PCI_BUS_ID")
    assert env["OMP_NUM_THREADS"] == "4"


def test_a_program_without_a_card_sees_none(tmp_path: Path) -> None:
    processor = [SimpleNamespace(kind="cpu", index=0)]
    assert environment.for_program(devices=processor, threads=1, folder=tmp_path)["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.row("S26")
def test_a_program_knows_no_secret_and_no_token_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = (
        "SECRET_KEY",
        "SEAL_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "HF_TOKEN",
        "S3_SECRET_KEY",
        "AWS_SECRET_ACCESS_KEY",
    )
    for name in secrets:
        monkeypatch.setenv(name, "canary")
    for is_online in (True, False):
        env = environment.for_program(devices=[], threads=1, folder=tmp_path, is_online=is_online)
        assert "canary" not in env.values()
        assert env["HOME"] == str(tmp_path)
        assert env["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1"
