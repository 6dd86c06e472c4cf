"""Rows that a run needs around it, made directly: what is tested here is the run."""

import pytest
from django.utils import timezone

from webapp.artifacts.models import Blob, Bundle
from webapp.basemodels.models import PretrainedModel
from webapp.contract import codec
from webapp.contract.spec import LoraConfig
from webapp.datasets.models import Dataset, DatasetVersion
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


@pytest.fixture
def make_base(db):
    def make(*, team=None, name="tunesmith/smollm2-135m-instruct-q4_1", is_ready=True, **facts):
        bundle = (
            Bundle.objects.create(team=team, kind="base", manifest_sha256="b" * 64, size_bytes=1) if is_ready else None
        )
        known = {"config": SMOLLM2, "parameters": 134_515_008, "has_chat_template": True, "context_length": 8192}
        return PretrainedModel.objects.create(
            team=team, name=name, source="starter", revision="b" * 64, bundle=bundle, **(known | facts)
        )

    return make


@pytest.fixture
def make_version(db):
    def make(*, team, name="Bicycle workshop", is_ready=True, **facts):
        dataset, _made = Dataset.objects.get_or_create(team=team, name=name)
        source, _made = Blob.objects.get_or_create(sha256="c" * 64, defaults={"size_bytes": 1})
        bundle = (
            Bundle.objects.create(team=team, kind="data", manifest_sha256="d" * 64, size_bytes=1) if is_ready else None
        )
        known = {"rows_total": 300, "rows_good": 300, "train_rows": 260, "validation_rows": 40}
        return DatasetVersion.objects.create(
            dataset=dataset, number=dataset.versions.count() + 1, source=source, bundle=bundle, **(known | facts)
        )

    return make


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
        return Run.objects.create(team=team, name=name, job=order, **(facts | known))

    return make


@pytest.fixture
def run(team, make_run):
    return make_run(team=team)
