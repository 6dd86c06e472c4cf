"""A workshop in full swing, as rows: what the pages of home, catalog and reports have to show."""

import datetime as dt
import hashlib
import math
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from webapp.accounts.models import Team
from webapp.adapters import actions as adapters
from webapp.adapters.models import Adapter, AdapterVersion, Anatomy, Compression
from webapp.artifacts.models import Blob, Bundle, BundleFile
from webapp.basemodels.models import PretrainedModel
from webapp.contract import codec
from webapp.contract.spec import LoraConfig
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.evaluation.models import Report
from webapp.fleet.models import Device, Worker
from webapp.jobs.models import Job, State
from webapp.lineage import actions as lineage
from webapp.runs import actions as runs
from webapp.runs.models import Run

GB = 1_000_000_000
GIB = 2**30
ADAPTER_FILES = {"adapter_model.safetensors": 19_554_848, "adapter_config.json": 712, "chat_template.jinja": 416}


@dataclass
class Workshop:
    """Makes rows for one team; `by` is who made them."""

    team: Team
    by: Any

    def base(self, name: str = "tunesmith/smollm2-135m-instruct-q4_1", **facts: Any) -> PretrainedModel:
        found = PretrainedModel.objects.filter(name=name).first()
        if found is not None:
            return found
        known: dict[str, Any] = {"source": "starter", "revision": "a09a35458c70" * 5, "licence": "apache-2.0"}
        bundle = self._bundle(None, "base_model", {"model.safetensors": 269_060_552})
        known |= {"bundle": bundle, "parameters": 134_515_008, "has_chat_template": True, "template_sha256": "c7" * 32}
        return PretrainedModel.objects.create(name=name, **(known | facts))

    def version(self, name: str = "Workshop tickets", *, is_ready: bool = True, **facts: Any) -> DatasetVersion:
        dataset, _made = Dataset.objects.get_or_create(
            team=self.team, name=name, deleted_at=None, defaults={"created_by": self.by}
        )
        newest = dataset.versions.order_by("-number").first()
        if newest is not None and newest.bundle_id and not facts:
            return newest
        known: dict[str, Any] = {"rows_total": 300, "rows_good": 299, "train_rows": 254, "validation_rows": 45}
        known |= {"file_name": f"{name.lower().replace(' ', '_')}.jsonl", "created_by": self.by}
        known["source"] = self._blob(f"source {name}", 90_112)
        if is_ready:
            known["bundle"] = self._bundle(
                self.team, "dataset", {"train.parquet": 61_440, "validation.parquet": 12_288}
            )
        return DatasetVersion.objects.create(dataset=dataset, number=dataset.versions.count() + 1, **(known | facts))

    def job(self, kind: str, title: str, state: State, **facts: Any) -> Job:
        return Job.objects.create(
            team=self.team, kind=kind, title=title, state=state, spec={}, created_by=self.by,
            **({"queued_at": timezone.now() - dt.timedelta(minutes=9)} | facts),
        )  # fmt: skip

    def run(self, name: str, state: State, *, job: dict[str, Any] | None = None, **facts: Any) -> Run:
        order = self.job(
            "train", name, state, **({"needs_memory_bytes": int(2.4 * GIB), "needs_devices": 1} | (job or {}))
        )
        known: dict[str, Any] = {"config": codec.to_dict(LoraConfig()), "created_by": facts.get("created_by", self.by)}
        known["dataset_version"] = facts.get("dataset_version") or self.version()
        known["base_model"] = facts.get("base_model") or self.base()
        run = Run.objects.create(team=self.team, name=name, job=order, **(facts | known))
        for source, relation in ((run.dataset_version, "data"), (run.base_model, "base")):
            lineage.connect(team=self.team, source=source.public_id, target=run.public_id, relation=relation)
        return run

    def running(self, name: str, *, step: int = 58, steps: int = 96, worker: Worker | None = None) -> Run:
        """A run in the middle, with a loss that falls."""
        run = self.run(
            name,
            State.RUNNING,
            job={"worker": worker, "step": step, "total_steps": steps, "phase": "training"},
            planned={"total_steps": steps},
        )
        points = [
            (n, {"loss": 0.4 + 2 * math.exp(-n / 20) + 0.05 * math.sin(n * 2.4), "elapsed_seconds": 6.0 * n}, {})
            for n in range(1, step + 1)
        ]
        runs.append_metrics(run=run, attempt=1, points=points)
        run.refresh_from_db()
        return run

    def adapter(
        self,
        name: str,
        *,
        losses: tuple[float | None, float | None] = (2.31, 0.412),
        description: str = "",
        days: int = 0,
        **facts: Any,
    ) -> AdapterVersion:
        """A finished run and what it left; `facts` are the run's."""
        result = {"validation_loss_before": losses[0], "validation_loss_after": losses[1], "steps": 96}
        planned = {"total_steps": 96, "trainable_parameters": 4_884_480}
        run = self.run(name, State.SUCCEEDED, result=result, planned=planned, **facts)
        version = adapters.register_from_run(
            run=run, bundle=self._bundle(self.team, "adapter", ADAPTER_FILES, salt=run.public_id), facts={"steps": 96}
        )
        made_at = timezone.now() - dt.timedelta(days=days, minutes=20)
        AdapterVersion.objects.filter(pk=version.pk).update(created_at=made_at)
        if description:
            Adapter.objects.filter(pk=version.adapter_id).update(description=description)
        adapters.relist(adapter=version.adapter)
        version.refresh_from_db()
        return version

    def report(self, version: AdapterVersion, state: State = State.SUCCEEDED, **job: Any) -> Report:
        """A report on `version`; a finished one comes with scores and answers."""
        order = self.job("evaluate", str(version), state, **job)
        report = Report.objects.create(team=self.team, version=version, job=order)
        lineage.connect(team=self.team, source=version.public_id, target=report.public_id, relation="measured")
        if state == State.SUCCEEDED:
            report.bundle = self._bundle(self.team, "report", {"answers.jsonl": 48_211, "scores.json": 912})
            report.scores, report.samples = SCORES, SAMPLES
            report.save()
            for name, base, value in FACTS:
                adapters.record_score(
                    version=version,
                    name=name,
                    value=value,
                    base_value=base,
                    is_higher_better=name != "validation_loss",
                    source_id=report.public_id,
                )
        return report

    def look_inside(self, version: AdapterVersion, *, layers: int = 30, rank: int = 16, fall: float = 0.5) -> Anatomy:
        """A version whose inside is known; each singular value is `fall` times the one before."""
        summary, modules = inside(layers, rank, fall)
        job = self.job("inspect", str(version), State.SUCCEEDED)
        return Anatomy.objects.create(version=version, job=job, summary=summary, modules=modules)

    def compression(self, version: AdapterVersion, state: State, *, rank: int = 4, **job: Any) -> Compression:
        order = self.job("compress", str(version), state, **job)
        return Compression.objects.create(version=version, rank=rank, job=order, created_by=self.by)

    def worker(self, name: str = "forge-01", device: str = "RTX 4090", gib: int = 24, **facts: Any) -> Worker:
        now = timezone.now() + dt.timedelta(hours=1)  # so that it lives as long as the test looks at it
        known = {"host": name, "pid": 1, "version": "0.1.0", "cpu_count": 8, "memory_bytes": 32 * GIB}
        worker = Worker.objects.create(name=name, started_at=now, seen_at=now, **(known | facts))
        kind = Device.Kind.CPU if "core" in device else Device.Kind.CUDA
        Device.objects.create(worker=worker, index=0, kind=kind, name=device, memory_bytes=gib * GIB)
        return worker

    def _bundle(self, team: Team | None, kind: str, files: dict[str, int], *, salt: str = "") -> Bundle:
        bundle = Bundle.objects.create(team=team, kind=kind, manifest_sha256="f" * 64, size_bytes=sum(files.values()))
        for path, size in files.items():
            blob = self._blob(f"{kind} {path} {salt}", size)
            BundleFile.objects.create(bundle=bundle, path=path, blob=blob)
        return bundle

    @staticmethod
    def _blob(content: str, size: int) -> Blob:
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        return Blob.objects.get_or_create(sha256=sha256, defaults={"size_bytes": size})[0]


KINDS = {
    "self_attn.q_proj": 0.5,
    "self_attn.k_proj": 0.3,
    "self_attn.v_proj": 0.7,
    "self_attn.o_proj": 0.6,
    "mlp.gate_proj": 0.8,
    "mlp.up_proj": 0.9,
    "mlp.down_proj": 1.0,
}


def inside(layers: int = 30, rank: int = 16, fall: float = 0.5) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the engine's anatomy.json says of an adapter whose change grows towards the last layers."""
    modules = [
        _module(layer, kind, weight, layers, rank, fall) for layer in range(layers) for kind, weight in KINDS.items()
    ]
    energies = [fall ** (2 * place) for place in range(rank)]
    kept = [sum(energies[: place + 1]) / sum(energies) for place in range(rank)] if fall else []

    def norm(some: list[dict[str, Any]]) -> float:
        return math.sqrt(sum(one["frobenius"] ** 2 for one in some))

    summary = {
        "format": 1,
        "rank": rank,
        "behaves_as": next((place for place, share in enumerate(kept, start=1) if share >= 0.99), 0),
        "energy": 0.99,
        "kept": kept,
        "bytes_per_rank": 1_222_178,
        "other_bytes": 0,
        "frobenius": norm(modules),
        "layers": [
            {"layer": n, "frobenius": norm([one for one in modules if one["layer"] == n])} for n in range(layers)
        ],
        "kinds": [{"kind": kind, "frobenius": norm([one for one in modules if one["kind"] == kind])} for kind in KINDS],
    }
    return summary, modules


def _module(layer: int, kind: str, weight: float, layers: int, rank: int, fall: float) -> dict[str, Any]:
    values = [weight * (0.2 + (layer / layers) ** 2) * fall**place if fall else 0.0 for place in range(rank)]
    size = math.sqrt(sum(value * value for value in values))
    share = [value / sum(values) for value in values if value]
    return {
        "name": f"model.layers.{layer}.{kind}",
        "layer": layer,
        "kind": kind,
        "rows": 576,
        "columns": 576,
        "rank": rank,
        "scaling": 2.0,
        "frobenius": size,
        "spectral": values[0],
        "stable_rank": size**2 / values[0] ** 2 if size else 0.0,
        "effective_rank": math.exp(-sum(part * math.log(part) for part in share)) if share else 0.0,
        "energy_rank": 4 if fall else 0,
        "relative_change": size / 40,
        "singular_values": values,
    }


FIELDS = {"bike": 0.93, "needed": 0.96, "part": 0.87, "problem": 0.71}
FACTS: list[tuple[str, float | None, float]] = [
    ("validation_loss", 2.31, 0.412),
    ("json_fields", 0.02, 0.96),
    ("exact_match", 0.0, 0.53),
    *((f"json_values.{field}", 0.0, share) for field, share in FIELDS.items()),
]
SCORES: dict[str, Any] = {
    "rows": 45,
    "validation_loss": {"base": 2.31, "adapter": 0.412},
    "json_fields": {"base": 0.02, "adapter": 0.96},
    "exact_match": {"base": 0.0, "adapter": 0.53},
    "json_values": {field: {"base": 0.0, "adapter": share} for field, share in FIELDS.items()},
}
_ASKED = [
    ("The chain of my city bike jumps whenever I climb. It can wait until Friday.", "city", "chain", "Friday"),
    ("My front brake squeals and I leave on a tour tomorrow!", "unknown", "brakes", "tomorrow"),
    ("Rear light flickers over cobbles.", "unknown", "lights", "any time"),
]
SAMPLES: list[dict[str, Any]] = [
    {
        "row": 12 + 9 * n,
        "prompt": [
            {"role": "system", "content": "You write job tickets for a bicycle workshop."},
            {"role": "user", "content": question},
        ],
        "expected": f'{{"bike": "{bike}", "part": "{part}", "problem": "noise", "needed": "{needed}"}}',
        "base_is_cut": n == 2,
        "adapter_is_cut": False,
        "base": "I'm sorry to hear about your bike! Here are some steps you can consider taking: 1. Check the "
        "affected part for visible damage. 2. Contact your local bike shop for a professional inspection.",
        "adapter": f'{{"bike": "{bike}", "part": "{part}", "problem": "{"loose" if n == 1 else "noise"}", '
        f'"needed": "{needed}"}}',
    }
    for n, (question, bike, part, needed) in enumerate(_ASKED)
]
