"""The main road, walked by a program: data in, a run watched, a report read, an adapter on this disk."""

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webapp.launch.demo.client import ENDED, Client, DemoError, Document, unpack
from webapp.launch.demo.screen import Screen

SAMPLE = Path(__file__).resolve().parents[1] / "sample" / "workshop.jsonl"
DATASET = "Workshop tickets"
VALIDATION_SHARE = 0.15
ADAPTER_FILE = "adapter_model.safetensors"

# What the sample needs: three passes with a higher rate than for large models, in 4 bits.
CONFIG: Document = {
    "method": "qlora",
    "lora_r": 16,
    "lora_alpha": 32.0,
    "learning_rate": 1e-3,
    "num_train_epochs": 3.0,
    "batch_size": 8,
    "max_length": 256,
}


@dataclass
class Outcome:
    """What the demo found out, for the last page and for the exit status."""

    first_step_seconds: float | None = None
    seconds: float = 0.0
    loss_before: float | None = None
    loss_after: float | None = None
    scores: dict[str, Any] = field(default_factory=dict)
    samples: list[Document] = field(default_factory=list)
    decisions: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    sha256: str = ""
    page: str = ""

    def shortfalls(self) -> list[str]:
        """What was promised and did not hold; empty when the demo succeeded."""
        base, adapter = _pair(self.scores.get("json_fields"))
        wanted = {
            "the validation loss fell": _is_less(self.loss_after, self.loss_before),
            "the base model fails where the adapter is to succeed": base is not None and base <= 0.1,
            "the adapter succeeds on at least 90 % of held-out rows": adapter is not None and adapter >= 0.9,
            "at least 40 rows were held out": self.scores.get("rows", 0) >= 40,
            "three held-out prompts were answered": len(self.samples) >= 3,
            "the adapter was downloaded and its checksum is right": bool(self.sha256),
        }
        return [promise for promise, is_kept in wanted.items() if not is_kept]


def _is_less(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def _pair(score: Any) -> tuple[float | None, float | None]:
    return (score.get("base"), score.get("adapter")) if isinstance(score, dict) else (None, None)


class Story:
    def __init__(self, *, client: Client, screen: Screen, target: Path, started_at: float) -> None:
        self.client = client
        self.screen = screen
        self.outcome = Outcome()
        self._target = target
        self._started_at = started_at

    def tell(self) -> Outcome:
        model = self._starter_model()
        dataset = self._dataset()
        run = self._run(dataset, model)
        adapter = self.client.get(f"/adapters/{run['adapter']}")
        version = self.client.get(f"/adapters/{adapter['id']}/versions/{run['adapter_version']}")
        self._report(version)
        self._download(adapter, version)
        self.outcome.seconds = time.time() - self._started_at
        return self.outcome

    def _starter_model(self) -> Document:
        with self.screen.waiting("Preparing the starter model") as see:
            found = self.client.find("/models", lambda model: model["name"].startswith("tunesmith/smollm2"))
            if found is None:
                raise DemoError("the starter model is not in the list of base models")
            path = f"/models/{found['id']}"
            model = self.client.follow(path, lambda model: model["state"] in {"ready", *ENDED}, see)
        if model["state"] != "ready":
            raise DemoError(f"the starter model could not be prepared ({model['state']}); its page says why")
        self.screen.fact("Base model", f"{model['name']}, {model['parameters'] / 1e6:.0f} million parameters")
        return model

    def _dataset(self) -> Document:
        """Upload the sample, or take the one of an earlier demo."""
        known = self.client.find("/datasets", lambda made: made["name"] == DATASET and _is_ready(made))
        if known is None:
            with self.screen.waiting("Uploading the sample dataset") as see:
                body = {
                    "upload": self.client.upload(SAMPLE),
                    "name": DATASET,
                    "validation_share": VALIDATION_SHARE,
                }
                made = self.client.post("/datasets", body)
                known = self.client.follow(f"/datasets/{made['id']}", _is_read, see)
        version = known["versions"][0]
        if version["state"] != "ready":
            raise DemoError(f"the sample dataset could not be read: {_fault(version['job'])}")
        self.screen.fact(
            "Dataset",
            f"{SAMPLE.name}: {version['train_rows']} rows to train on, {version['validation_rows']} held out",
        )
        return known

    def _run(self, dataset: Document, model: Document) -> Document:
        body = {"dataset": dataset["id"], "base_model": model["id"], "config": CONFIG}
        run = self.client.post("/runs", body)
        self.outcome.page = run["url"]
        self.screen.fact("Watch it live", run["url"])
        with self.screen.training() as show:

            def see(run: Document) -> None:
                if run["job"]["step"] and self.outcome.first_step_seconds is None:
                    self.outcome.first_step_seconds = time.time() - self._started_at
                show(run)

            run = self.client.follow(f"/runs/{run['id']}", lambda run: run["state"] in ENDED, see)
        if run["state"] != "succeeded":
            raise DemoError(f"the run has {run['state']}: {_fault(run['job'])}")
        self.outcome.decisions = run["planned"].get("decisions", {})
        result = run["result"]
        self.outcome.loss_before = result.get("validation_loss_before")
        self.outcome.loss_after = result.get("validation_loss_after")
        return run

    def _report(self, version: Document) -> None:
        report_id = version["report"]
        if report_id is None:
            raise DemoError("no report was ordered for the new adapter")
        with self.screen.waiting("Asking base and adapter the held-out questions") as see:
            report = self.client.follow(f"/reports/{report_id}", lambda report: report["state"] in ENDED, see)
        if report["state"] != "succeeded":
            raise DemoError(f"the report has {report['state']}: {_fault(report['job'])}")
        self.outcome.scores, self.outcome.samples = report["scores"], report["samples"][:3]

    def _download(self, adapter: Document, version: Document) -> None:
        folder = self._target / f"{file_name(adapter['name'])}-v{version['number']}"
        archive = folder.with_name(f"{folder.name}.zip")
        self._target.mkdir(parents=True, exist_ok=True)
        self.client.download(version["download_url"], archive)
        checksums = {file["path"]: file["sha256"] for file in version["files"]}
        unpack(archive, folder, sha256=checksums)
        json.loads((folder / "adapter_config.json").read_text())
        self.outcome.folder, self.outcome.sha256 = folder, checksums[ADAPTER_FILE]


def file_name(title: str) -> str:
    """A title as the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "adapter"


def _is_ready(dataset: Document) -> bool:
    return bool(dataset["versions"]) and dataset["versions"][0]["state"] == "ready"


def _is_read(dataset: Document) -> bool:
    return dataset["versions"][0]["state"] in {"ready", *ENDED}


def _fault(job: Document | None) -> str:
    fault = (job or {}).get("fault") or {}
    words = " ".join(str(fault.get(part, "")) for part in ("title", "meaning", "remedy")).strip()
    return words or "its page says why"
