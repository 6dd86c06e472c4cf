"""One of everything, in the team of the cast: what the walks over all addresses need.

A new kind of thing in an address gets its line in `World.examples`; a walk that meets a part of an address
without an example fails and says so.
"""

import datetime as dt
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils import timezone

from webapp.accounts import actions as accounts
from webapp.accounts.models import Team, User
from webapp.adapters import actions as adapters
from webapp.adapters.models import Adapter, AdapterImport, AdapterVersion, Gate, Opinion, Review, Score, StageChange
from webapp.artifacts import storage
from webapp.artifacts.models import Blob, Bundle, BundleFile, Upload
from webapp.basemodels.models import PretrainedModel
from webapp.contract import codec
from webapp.contract.spec import (
    BaseModelRef,
    BaseShape,
    DatasetRef,
    EvaluateSpec,
    ImportSpec,
    JobKind,
    LoraConfig,
    ReadSpec,
    TrainSpec,
)
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.evaluation.models import Report
from webapp.fleet.models import Device, Worker
from webapp.jobs.models import Attempt, Job, JobEvent, State
from webapp.lineage import actions as lineage
from webapp.lineage.models import Withdrawal
from webapp.notices import actions as notices
from webapp.runs.models import Recipe, Run

GATE = {"stage": "production", "rule": "at_least", "score": "json_fields", "limit": 0.9}
REFUSED = {"outcome": "failed", "value": 2.0, "gate": ""} | GATE


@dataclass
class World:
    """`text` is put into every field that a person can write."""

    team: Team
    owner: User
    text: str = "claims-tone"
    things: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, Any] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)

    def public_ids(self) -> set[str]:
        return {thing.public_id for thing in self.things.values()} | {self.team.public_id}


def build(*, team: Team, owner: User, text: str = "claims-tone") -> World:
    world = World(team=team, owner=owner, text=text)
    _people(world)
    _fleet(world)
    _data(world)
    _training(world)
    _catalog(world)
    _trash(world)
    _lineage(world)
    world.examples |= _examples(world)
    world.bodies |= _bodies(world)
    return world


def _people(world: World) -> None:
    things, text = world.things, world.text
    things["invitation"], path = accounts.invite(
        by=world.owner, team=world.team, email="invited@example.org", role="viewer"
    )
    world.examples["accounts:join:secret"] = path.split("/")[2]
    things["token"], _plain = accounts.create_token(by=world.owner, team=world.team, name=text[:80], scopes=["read"])
    notice = notices.tell(
        user=world.owner, team=world.team, code="run_failed", data={"name": text}, url=f"/t/{world.team.slug}/"
    )
    assert notice is not None
    things["notice"] = notice


def _fleet(world: World) -> None:
    now = timezone.now()
    worker = Worker.objects.create(
        name=world.text[:100],
        host="forge",
        pid=1,
        version="1",
        cpu_count=2,
        memory_bytes=4 * 2**30,
        disk_free_bytes=2**33,
        started_at=now,
        seen_at=now,
    )
    Device.objects.create(worker=worker, index=0, kind="cpu", name=world.text[:100], memory_bytes=4 * 2**30)
    world.things["worker"] = worker


def blob(content: bytes) -> Blob:
    """A stored content, as the product stores it."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = Path(storage.path_of(sha256))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found, _new = Blob.objects.get_or_create(
        sha256=sha256, defaults={"size_bytes": len(content), "verified_at": timezone.now()}
    )
    return found


def bundle(world: World, kind: str, files: dict[str, bytes]) -> Bundle:
    made = Bundle.objects.create(
        team=world.team, kind=kind, manifest_sha256="0" * 64, size_bytes=sum(map(len, files.values()))
    )
    for path, content in files.items():
        BundleFile.objects.create(bundle=made, path=path, blob=blob(content))
    return made


def job(world: World, kind: JobKind, spec: Any, state: str = State.SUCCEEDED, **fields: Any) -> Job:
    now = timezone.now()
    return Job.objects.create(
        team=world.team,
        created_by=world.owner,
        kind=kind,
        title=world.text[:200],
        state=state,
        spec=codec.to_dict(spec),
        queued_at=now,
        started_at=now,
        finished_at=now,
        **fields,
    )


def _data(world: World) -> None:
    text, things = world.text, world.things
    things["upload"] = Upload.objects.create(
        team=world.team,
        created_by=world.owner,
        file_name=f"{text}.jsonl"[:255],
        size_bytes=10,
        expires_at=timezone.now() + dt.timedelta(days=1),
    )
    dataset = Dataset.objects.create(
        team=world.team, name=text[:80], description=text, licence=text[:80], created_by=world.owner
    )
    reading = job(world, JobKind.READ, ReadSpec(file_name=f"{text}.jsonl"))
    source = blob(b'{"prompt": "a", "response": "b"}\n')
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=1,
        file_name=f"{text}.jsonl"[:255],
        source=source,
        system_prompt=text,
        format="chat",
        encoding="utf-8",
        rows_total=2,
        rows_good=2,
        train_rows=1,
        validation_rows=1,
        job=reading,
        bundle=bundle(world, "dataset", dataset_files(text)),
        content_sha256="1" * 64,
        created_by=world.owner,
    )
    world.things |= {"dataset": dataset, "dataset_version": version, "reading": reading}


def dataset_files(text: str) -> dict[str, bytes]:
    """Canonical files of two rows that hold `text`."""
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema([("row", pa.int64()), ("messages", pa.list_(message))])
    files = {}
    for number, name in enumerate(("train.parquet", "validation.parquet"), start=1):
        turns = [{"role": "system", "content": text}, {"role": "user", "content": text}]
        turns.append({"role": "assistant", "content": text})
        out = io.BytesIO()
        pq.write_table(pa.table({"row": [number], "messages": [turns]}, schema=schema), out, compression="zstd")
        files[name] = out.getvalue()
    return files | {"report.json": json.dumps({}).encode()}


def _training(world: World) -> None:
    text, things = world.text, world.things
    base = PretrainedModel.objects.create(
        team=world.team,
        name=f"{world.team.slug}/{text}"[:200],
        source="folder",
        revision="2" * 64,
        licence=text[:80],
        architecture="LlamaForCausalLM",
        parameters=1000,
        size_bytes=2000,
        context_length=128,
        has_chat_template=True,
        config={
            "model_type": "llama",
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "intermediate_size": 128,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": 256,
            "head_dim": 16,
        },
        bundle=bundle(world, "base_model", {"config.json": b"{}", "model.safetensors": b"weights"}),
        created_by=world.owner,
    )
    recipe = Recipe.objects.create(
        team=world.team, name=text[:80], description=text, config=codec.to_dict(LoraConfig()), created_by=world.owner
    )
    spec = TrainSpec(
        base=BaseModelRef(name=base.name, revision=base.revision),
        dataset=DatasetRef(name=text, revision="1" * 64, validation_path="inputs/validation.parquet"),
        config=LoraConfig(),
    )
    training = job(world, JobKind.TRAIN, spec, step=10, total_steps=10, needs_devices=1)
    run = Run.objects.create(
        team=world.team,
        name=text[:80],
        job=training,
        dataset_version=things["dataset_version"],
        base_model=base,
        recipe=recipe,
        config=codec.to_dict(LoraConfig()),
        last_values={"loss": 1.0},
        created_by=world.owner,
        result={"validation_loss_before": 2.0, "validation_loss_after": 1.0},
    )
    now = timezone.now()
    Attempt.objects.create(
        job=training,
        number=1,
        worker=things["worker"],
        worker_name=text[:100],
        fence=1,
        started_at=now,
        ended_at=now,
        ended_because="succeeded",
    )
    JobEvent.objects.create(job=training, attempt=1, seq=1, at=now, code="note", data={"text": text, "name": text})
    world.things |= {"base_model": base, "recipe": recipe, "training": training, "run": run}


def _catalog(world: World) -> None:
    text, things = world.text, world.things
    adapter = Adapter.objects.create(team=world.team, name=text[:80], description=text, created_by=world.owner)
    files = {"adapter_model.safetensors": b"weights", "adapter_config.json": b"{}"}
    version = AdapterVersion.objects.create(
        adapter=adapter,
        number=1,
        run=things["run"],
        base_model=things["base_model"],
        card=f"# {text}\n\n{text}",
        bundle=bundle(world, "adapter", files),
        sha256=hashlib.sha256(b"weights").hexdigest(),
        licence=text[:80],
        created_by=world.owner,
    )
    Score.objects.create(version=version, name="validation_loss", value=1.0, base_value=2.0, source_id="run_1")
    adapters.describe(by=world.owner, adapter=adapter, task="extraction", tags=["claims"])
    spec = EvaluateSpec(
        base=BaseModelRef(name="b", revision="2" * 64), dataset=DatasetRef(name=text, revision="1" * 64)
    )
    scoring = job(world, JobKind.EVALUATE, spec)
    report = Report.objects.create(
        team=world.team,
        version=version,
        job=scoring,
        scores={},
        samples=[
            {
                "row": 1,
                "prompt": [{"role": "user", "content": text}],
                "expected": text,
                "base": text,
                "adapter": text,
                "base_is_cut": False,
                "adapter_is_cut": True,
            }
        ],
    )
    world.things |= {"adapter": adapter, "adapter_version": version, "scoring": scoring, "report": report}
    _stages(world, adapter, version)
    _import(world)


def _stages(world: World, adapter: Adapter, version: AdapterVersion) -> None:
    """A gate that is passed, a review that is open, a move that was refused once."""
    text = world.text
    gate = Gate.objects.create(
        team=world.team, stage="candidate", rule="at_most", score="validation_loss", limit=1.5, created_by=world.owner
    )
    review = Review.objects.create(version=version, stage="candidate", asked_by=world.owner, word=text)
    Opinion.objects.create(review=review, by=world.owner, is_approval=True, word=text)
    StageChange.objects.create(
        adapter=adapter,
        version=version,
        number=1,
        from_stage="draft",
        to_stage="candidate",
        refusal="gate",
        by=world.owner,
        reason=text,
        decision={"gates": [REFUSED | {"sentence": text}], "files": []},
    )
    world.things |= {"gate": gate, "review": review}


def _import(world: World) -> None:
    """An adapter from elsewhere that was not taken."""
    base, shape = world.things["base_model"], BaseShape(layers=2, hidden=64, vocabulary=256, linear={})
    spec = ImportSpec(base=BaseModelRef(name=base.name, revision=base.revision), shape=shape, files=())
    data = {"reason": "no_such_layer", "layer": world.text}
    checking = job(world, JobKind.IMPORT, spec, State.FAILED, fault="does_not_fit", fault_data=data)
    world.things["import"] = AdapterImport.objects.create(
        team=world.team,
        base_model=base,
        name=world.text[:80],
        source="hub",
        repository=world.text[:200],
        job=checking,
        created_by=world.owner,
    )


def _trash(world: World) -> None:
    """Deleted things, to be brought back."""
    gone = {"team": world.team, "created_by": world.owner, "deleted_at": timezone.now()}
    name = f"old {world.text}"[:80]
    things = world.things
    spec = codec.from_dict(TrainSpec, things["training"].spec)
    deleted_run = Run.objects.create(
        **gone,
        name=name,
        job=job(world, JobKind.TRAIN, spec),
        dataset_version=things["dataset_version"],
        base_model=things["base_model"],
        config=things["run"].config,
    )
    world.things |= {
        "deleted_dataset": Dataset.objects.create(**gone, name=name),
        "deleted_base_model": PretrainedModel.objects.create(**gone, name=name, source="folder", config={}),
        "deleted_recipe": Recipe.objects.create(**gone, name=name, config=things["recipe"].config),
        "deleted_run": deleted_run,
        "deleted_adapter": Adapter.objects.create(**gone, name=name),
        "deleted_report": Report.objects.create(
            team=world.team,
            version=things["adapter_version"],
            job=job(world, JobKind.EVALUATE, codec.from_dict(EvaluateSpec, things["scoring"].spec)),
            deleted_at=timezone.now(),
        ),
    }
    AdapterVersion.everything.create(
        adapter=things["adapter"],
        number=2,
        base_model=things["base_model"],
        bundle=things["adapter_version"].bundle,
        sha256="2" * 64,
        deleted_at=timezone.now(),
    )
    DatasetVersion.everything.create(
        dataset=things["dataset"], number=2, file_name=world.text[:80], deleted_at=timezone.now()
    )


def _lineage(world: World) -> None:
    """What was made from what; the recipe's withdrawal is none that anybody can make, and is shown all the same."""
    ids = {name: thing.public_id for name, thing in world.things.items()}
    edges = [("dataset_version", "run", "data"), ("base_model", "run", "base"), ("recipe", "run", "recipe")]
    edges += [("run", "adapter_version", "trained"), ("adapter_version", "report", "measured")]
    for source, target, relation in edges:
        lineage.connect(team=world.team, source=ids[source], target=ids[target], relation=relation)
    Withdrawal.objects.create(
        team=world.team, thing=ids["recipe"], name=world.text[:250], reason=world.text, created_by=world.owner
    )
    Withdrawal.objects.create(
        team=world.team, thing=ids["run"], name=world.text[:250], reason=world.text, created_by=world.owner
    )


def _examples(world: World) -> dict[str, Any]:
    """What stands for each part of an address: by the part's name, or by the URL's name and the part's."""
    ids = {name: thing.public_id for name, thing in world.things.items()}
    return {
        "team": world.team.slug,
        "user_id": world.owner.public_id,
        "invitation_id": ids["invitation"],
        "token_id": ids["token"],
        "notice_id": ids["notice"],
        "accounts:setup:secret": "no-such-link",
        "upload": ids["upload"],
        "dataset": ids["dataset"],
        "number": 1,
        "model_id": ids["base_model"],
        "recipe_id": ids["recipe"],
        "run_id": ids["run"],
        "adapter_id": ids["adapter"],
        "version_id": ids["adapter_version"],
        "report_id": ids["report"],
        "import_id": ids["import"],
        "worker_id": ids["worker"],
        "job_id": ids["training"],
        "file_path": "adapter_config.json",
        "thing_id": ids["dataset_version"],
        "links:download:token": "no-such-link",
        "file_name": "workshop-v1.zip",
        "stage": "candidate",
        "gate_id": ids["gate"],
        "review_id": ids["review"],
        "datasets:restore:dataset": ids["deleted_dataset"],
        "basemodels:restore:model_id": ids["deleted_base_model"],
        "runs:restore:run_id": ids["deleted_run"],
        "runs:restore_recipe:recipe_id": ids["deleted_recipe"],
        "adapters:restore:adapter_id": ids["deleted_adapter"],
        "adapters:restore_version:number": 2,
        "datasets:restore_version:number": 2,
        "evaluation:restore:report_id": ids["deleted_report"],
        # Of the API, where every id is called so.
        "uploads/id": ids["upload"],
        "datasets/id": ids["dataset"],
        "models/id": ids["base_model"],
        "runs/id": ids["run"],
        "adapters/id": ids["adapter"],
        "reports/id": ids["report"],
        "lineage/id": ids["dataset_version"],
        "reviews/id": ids["review"],
        "gates/id": ids["gate"],
        "imports/id": ids["import"],
        "rest": "no-such-address",
        # Of allauth: the form is open to anybody, the key decides.
        "key": "no-such-key",
        "uidb36": "1",
    }


def _bodies(world: World) -> dict[str, dict[str, Any]]:
    """What a program would send: right in form, so that the answer is about who sends it."""
    ids = {name: thing.public_id for name, thing in world.things.items()}
    version = f"/api/v1/adapters/{ids['adapter']}/versions/1"
    return {
        "POST /api/v1/storage/free": {"items": ["checkpoints:run_0"]},
        "PUT /api/v1/storage/rules": {"checkpoint_days": 30},
        f"PATCH /api/v1/adapters/{ids['adapter']}": {"description": "Claims", "task": "chat", "tags": ["claims"]},
        f"POST {version}/compressions": {"rank": 1},
        "POST /api/v1/uploads": {"file_name": "answers.jsonl", "size_bytes": 10},
        "POST /api/v1/datasets": {"upload": ids["upload"], "dataset": ids["dataset"]},
        "POST /api/v1/adapters/{id}/versions/{number}/stage": {"stage": "candidate"},
        "POST /api/v1/adapters/{id}/rollback": {"reason": "not in French"},
        "POST /api/v1/adapters/{id}/versions/{number}/reviews": {"stage": "candidate"},
        "POST /api/v1/reviews/{id}/approve": {"word": "good"},
        "POST /api/v1/reviews/{id}/send-back": {"word": "not yet"},
        "POST /api/v1/gates": GATE,
        "PUT /api/v1/gates/{id}": GATE,
        "PUT /api/v1/adapters/{id}/versions/{number}/card": {"text": "mine"},
        "POST /api/v1/adapters/{id}/versions/{number}/reports": {"dataset": ids["dataset"]},
        "POST /api/v1/imports": {"uploads": [ids["upload"]], "base_model": ids["base_model"]},
        "POST /api/v1/lineage/{id}/withdraw": {"reason": "asked for"},
        "POST /api/v1/runs": {"dataset": ids["dataset"], "base_model": ids["base_model"], "recipe": ids["recipe"]},
    }
