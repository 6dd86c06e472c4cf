"""A worker that is killed in the middle of a run, on the whole product."""

from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.installation import Installation, engines_on, wait_until
from webapp.launch.demo.client import ENDED, Client

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
PATIENCE = 600
CONFIG = {"lora_r": 4, "batch_size": 4, "max_steps": 24, "max_length": 256, "checkpoint_seconds": 1}


@pytest.mark.row("F2")
def test_a_killed_worker_leads_to_the_adapter_without_a_hand_on_it(
    client: Client, product: Installation, sample: Path
) -> None:
    run = launch(client, sample)
    wait_until(lambda: has_checkpoint(client, run), seconds=PATIENCE, why="no checkpoint was saved")
    (worker,) = product.programs("workers.tasks")
    engines = engines_on(product.folder)
    assert engines, "nothing was training when the worker was to be killed"
    worker.kill()
    _gone, alive = psutil.wait_procs(engines, timeout=60)
    assert not alive, "an engine outlived its worker"

    done = follow(client, f"/runs/{run['id']}")
    assert done["state"] == "succeeded", done["job"]
    assert done["job"]["step"] == CONFIG["max_steps"]
    told = [event for event in events(client, run) if event["code"] in {"planned", "interrupted"}]
    assert [event["code"] for event in told] == ["planned", "interrupted", "planned"]
    assert told[-1]["data"]["resumed_from_step"] > 0
    version = client.get(f"/adapters/{done['adapter']}/versions/{done['adapter_version']}")
    assert any(file["path"] == "adapter_model.safetensors" for file in version["files"])
    assert [process.pid for process in product.programs("workers.tasks")] != [worker.pid]
    wait_until(lambda: not engines_on(product.folder), seconds=60, why="an engine was left behind")


def launch(client: Client, sample: Path) -> dict[str, Any]:
    """A run on all rows of the sample; none is held out, so no report follows it."""
    body = {"upload": client.upload(sample), "name": "All tickets", "validation_share": 0}
    dataset = client.post("/datasets", body)
    follow(client, f"/datasets/{dataset['id']}", lambda found: found["versions"][0]["state"] in {"ready", *ENDED})
    base = client.find("/models", lambda model: model["name"].startswith("tunesmith/"))
    assert base is not None
    follow(client, f"/models/{base['id']}", lambda model: model["state"] in {"ready", *ENDED})
    order = {"dataset": dataset["id"], "base_model": base["id"], "name": "survivor", "config": CONFIG}
    return client.post("/runs", order)


def follow(client: Client, path: str, is_done: Any = lambda document: document["state"] in ENDED) -> dict[str, Any]:
    return client.follow(path, is_done, lambda document: None)


def events(client: Client, run: dict[str, Any]) -> list[dict[str, Any]]:
    """Oldest first."""
    found: Any = client.get(f"/runs/{run['id']}/events")
    return list(reversed(found))


def has_checkpoint(client: Client, run: dict[str, Any]) -> bool:
    return any(event["code"] == "checkpoint" for event in events(client, run))
