"""Jobs, workers and claims as tests need them."""

import json
from typing import Any, assert_never

from webapp.contract.spec import (
    BaseModelRef,
    BaseShape,
    CompressSpec,
    DatasetRef,
    EvaluateSpec,
    FetchAdapterSpec,
    FetchSpec,
    ImportSpec,
    InspectSpec,
    JobKind,
    LoraConfig,
    NamedInput,
    ReadSpec,
    TrainSpec,
)
from webapp.fleet import actions as fleet
from webapp.fleet.actions import DeviceFacts, WorkerFacts
from webapp.fleet.models import Device, Worker
from webapp.jobs import actions as jobs
from webapp.jobs import leases
from webapp.jobs.leases import Claim
from webapp.jobs.models import Job

GIGABYTE = 1024**3
SHAPE = BaseShape(layers=2, hidden=64, vocabulary=400, linear={"self_attn.q_proj": (64, 64)})


def spec(kind: JobKind, script: dict[str, Any]) -> Any:
    """A spec that tells tests.fakes.engine what to play."""
    text = json.dumps(script)
    base = BaseModelRef(name="a base", revision="1")
    match kind:
        case JobKind.READ:
            return ReadSpec(file_name=text)
        case JobKind.FETCH:
            return FetchSpec(name=text, source="hub")
        case JobKind.TRAIN:
            return TrainSpec(base=base, dataset=DatasetRef(name=text, revision="1"), config=LoraConfig())
        case JobKind.IMPORT:
            return ImportSpec(base=base, shape=SHAPE, files=(NamedInput(name=text, path="inputs/files/1"),))
        case JobKind.FETCH_ADAPTER:
            return FetchAdapterSpec(repository=text)
        case JobKind.INSPECT:
            return InspectSpec(adapter_path=text)
        case JobKind.COMPRESS:
            return CompressSpec(base=base, rank=4, adapter_path=text)
        case JobKind.EVALUATE:
            return EvaluateSpec(base=base, dataset=DatasetRef(name=text, revision="1"))
    assert_never(kind)


def submit(team: Any, kind: JobKind = JobKind.READ, *, by: Any = None, **more: Any) -> Job:
    """`script` is for the fake engine; whatever else is given goes to `submit`. A training needs one device."""
    script = more.pop("script", {})
    defaults = {"needs_devices": 1} if kind is JobKind.TRAIN else {}
    return jobs.submit(by=by, team=team, kind=kind, title=f"a {kind.value}", spec=spec(kind, script), **defaults | more)


def worker(*, memory_gigabytes: tuple[int, ...] = (8,), labels: tuple[str, ...] = ("reader", "hub"), pid: int = 1,
           host: str = "bench") -> Worker:  # fmt: skip
    """A worker with one device for each number."""
    facts = WorkerFacts(
        name=host,
        host=host,
        pid=pid,
        version="1",
        labels=labels,
        cpu_count=2,
        memory_bytes=16 * GIGABYTE,
        disk_free_bytes=100 * GIGABYTE,
    )
    devices = [
        DeviceFacts(index=index, kind=Device.Kind.CPU, name=f"device {index}", memory_bytes=size * GIGABYTE)
        for index, size in enumerate(memory_gigabytes)
    ]
    return fleet.register_worker(facts=facts, devices=devices)


def claim(of: Worker, *, light_slots: int = 2) -> Claim | None:
    """What this worker takes next when all it has is free."""
    free = set(of.devices.values_list("pk", flat=True))
    return leases.claim(worker=of, free_devices=free, light_slots=light_slots)


def must_claim(of: Worker) -> Claim:
    found = claim(of)
    assert found is not None
    return found
