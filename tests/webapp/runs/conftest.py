"""Rows that a run needs around it, made directly: what is tested here is the run."""

import pytest
from django.utils import timezone

from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Blob
from webapp.basemodels.models import PretrainedModel
from webapp.contract import codec
from webapp.contract.spec import LoraConfig
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.fleet.models import Device, Worker
from webapp.jobs.models import Job, State
from webapp.runs.models import Run

SMOLLM2 = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_hidden_layers": 30,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "vocab_size": 49152,
    "tie_word_embeddings": True,
    "max_position_embeddings": 8192,
}

LONGEST = [{"row": 7, "characters": 1500}, {"row": 2, "characters": 1200}]
LONGEST += [{"row": row, "characters": 500} for row in range(10, 28)]


@pytest.fixture
def bundle_of(db, tmp_path):
    """A stored bundle of small files with these names."""

    def make(team, kind, *names):
        files = {}
        for name in names:
            files[name] = tmp_path / f"{kind}-{name}"
            files[name].write_bytes(f"{kind} {name}".encode())
        return artifacts.make_bundle(team=team, kind=kind, files=files)

    return make


@pytest.fixture
def make_base(bundle_of):
    def make(*, team=None, name="tunesmith/smollm2-135m-instruct-q4_1", is_ready=True, **facts):
        bundle = bundle_of(team, "base_model", "config.json", "model.safetensors") if is_ready else None
        known = {"config": SMOLLM2, "parameters": 134_515_008, "has_chat_template": True, "context_length": 8192}
        return PretrainedModel.objects.create(
            team=team, name=name, source="starter", revision="b" * 64, bundle=bundle, **(known | facts)
        )

    return make


@pytest.fixture
def make_version(bundle_of):
    def make(*, team, name="Bicycle workshop", is_ready=True, **facts):
        dataset, _made = Dataset.objects.get_or_create(team=team, name=name)
        source, _made = Blob.objects.get_or_create(sha256="c" * 64, defaults={"size_bytes": 1})
        bundle = bundle_of(team, "dataset", "train.parquet", "validation.parquet") if is_ready else None
        known = {
            "rows_total": 300,
            "rows_good": 300,
            "train_rows": 260,
            "validation_rows": 40,
            "content_sha256": "d" * 64,
            "report": {"characters": {"mean": 360.0, "max": 1500}, "longest_rows": LONGEST},
        }
        return DatasetVersion.objects.create(
            dataset=dataset, number=dataset.versions.count() + 1, source=source, bundle=bundle, **(known | facts)
        )

    return make


@pytest.fixture
def device(db):
    """A live worker with one processor whose speed was measured."""
    now = timezone.now()
    worker = Worker.objects.create(
        name="forge-01", host="forge-01", pid=1, version="1", cpu_count=2, memory_bytes=16 * 2**30, started_at=now,
        seen_at=now,
    )  # fmt: skip
    return Device.objects.create(
        worker=worker, index=0, kind="cpu", name="2 cores", memory_bytes=16 * 2**30, matmul_flops=3e11
    )


@pytest.fixture
def make_run(make_base, make_version):
    def make(*, team, state=State.RUNNING, name="bike-messages", job=None, **facts):
        order = Job.objects.create(
            team=team, kind="train", title=name, state=state, spec={}, queued_at=timezone.now(), **(job or {})
        )
        known = {
            "config": codec.to_dict(LoraConfig()),
            "base_model": facts.get("base_model") or PretrainedModel.objects.first() or make_base(),
            "dataset_version": facts.get("dataset_version") or make_version(team=team),
        }
        return Run.objects.create(team=team, name=name, job=order, **(known | facts))

    return make


@pytest.fixture
def run(team, make_run):
    return make_run(team=team)
