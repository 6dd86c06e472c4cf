"""A stand-in for the engine and the reader that needs no torch: `python -m tests.fakes.engine FOLDER`.

It speaks the contract as they do. What it shall do stands as JSON in one of the spec's names (tests/fakes/orders.py):
steps, seconds (for each step), checkpoint_every, fault and data, die_at (a step for each attempt) and signal, deaf,
notes, progress, babble (raw lines), says (words to print), environment (print it), lies (about a hash).
"""

import ctypes
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, assert_never

from webapp.contract import codec, events
from webapp.contract.events import Fault, Outcome, Phase
from webapp.contract.spec import JobKind, Order

RESULTS = {
    JobKind.READ: {"report.json": {"rows_good": 3}, "train.parquet": "rows"},
    JobKind.FETCH: {"model.json": {"licence": "apache-2.0"}, "model.safetensors": "weights"},
    JobKind.TRAIN: {"training.json": {"steps": 1}, "adapter_model.safetensors": "adapter"},
    JobKind.EVALUATE: {"scores.json": {}, "answers.jsonl": "{}"},
    JobKind.IMPORT: {"import.json": {"rank": 4}, "adapter_model.safetensors": "brought"},
    JobKind.FETCH_ADAPTER: {"fetched.json": {}, "adapter_model.safetensors": "fetched"},
    JobKind.INSPECT: {"anatomy.json": {}},
    JobKind.COMPRESS: {"compression.json": {"rank": 4}, "adapter_model.safetensors": "smaller"},
}


class Play:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.order = codec.from_dict(Order, json.loads((folder / "spec.json").read_text()))
        self.script = self._script()
        self.events = events.Writer(folder / "events.jsonl")
        self.is_stopped = False
        self.step = 0

    def _script(self) -> dict[str, Any]:
        spec = self.order.spec
        match self.order.kind:
            case JobKind.READ:
                text = spec["file_name"]
            case JobKind.FETCH:
                text = spec["name"]
            case JobKind.TRAIN | JobKind.EVALUATE:
                text = spec["dataset"]["name"]
            case JobKind.IMPORT:
                text = spec["files"][0]["name"]
            case JobKind.FETCH_ADAPTER:
                text = spec["repository"]
            case JobKind.INSPECT | JobKind.COMPRESS:
                text = spec["adapter_path"]
            case kind:
                assert_never(kind)
        return json.loads(text or "{}")

    def run(self) -> int:
        if self.script.get("deaf"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        else:
            signal.signal(signal.SIGTERM, lambda *_: setattr(self, "is_stopped", True))
        sys.stdout.write(" ".join(["a log line for people", *self.script.get("says", [])]) + "\n")
        if "environment" in self.script:
            sys.stdout.write(f"{json.dumps(dict(os.environ))} {sys.stdin.read()}\n")
        self.events.say(events.Started(pid=os.getpid(), device="a fake"))
        self.events.say(events.PhaseChanged(phase=Phase.LOADING_MODEL))
        for code in self.script.get("notes", []):
            self.events.say(events.Noted(code=code))
        if "progress" in self.script:
            self.events.say(events.Progressed(done=1, total=self.script["progress"], unit="rows"))
        self._odd_words()
        ended = self._work()
        self.events.say(ended)
        self.events.close()
        return 0 if ended.outcome is not Outcome.FAILED else 1

    def _odd_words(self) -> None:
        with (self.folder / "events.jsonl").open("ab", buffering=0) as file:
            for line in self.script.get("babble", []):
                file.write(line.encode())

    def _work(self) -> events.Ended:
        if "fault" in self.script:
            data = self.script.get("data", {})
            return events.Ended(outcome=Outcome.FAILED, fault=Fault(self.script["fault"]), data=data)
        if self.order.kind is JobKind.TRAIN and not self._train():
            return events.Ended(outcome=Outcome.STOPPED)
        if self.order.kind is not JobKind.TRAIN and not self._wait(self.script.get("seconds", 0)):
            return events.Ended(outcome=Outcome.STOPPED)
        self.events.say(events.PhaseChanged(phase=Phase.SAVING))
        self._save_result()
        return events.Ended(outcome=Outcome.SUCCEEDED, data={"steps": self.step})

    def _train(self) -> bool:
        start = self.step = self._newest_checkpoint()
        total = start if self.order.ends_at_checkpoint else self.script.get("steps", 3)
        self.events.say(
            events.Planned(
                total_steps=total,
                resumed_from_step=start,
                train_rows=10,
                validation_rows=2,
                trainable_parameters=1,
                total_parameters=2,
                trained_tokens_per_epoch=30,
            )
        )
        self.events.say(events.PhaseChanged(phase=Phase.TRAINING))
        for step in range(start + 1, total + 1):
            if not self._wait(self.script.get("seconds", 0)):
                self._save_checkpoint()
                return False
            self._die_if_told(step)
            self.step = step
            self.events.say(events.Metrics(step=step, values={"loss": 1 / step}))
            if step % self.script.get("checkpoint_every", 1000) == 0:
                self._save_checkpoint()
        return True

    def _wait(self, seconds: float) -> bool:
        """False when it was told to stop."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.is_stopped:
            time.sleep(min(0.01, seconds))
        return not self.is_stopped

    def _die_if_told(self, step: int) -> None:
        deaths = self.script.get("die_at", [])
        if self.order.attempt <= len(deaths) and deaths[self.order.attempt - 1] == step:
            os.kill(os.getpid(), self.script.get("signal", signal.SIGKILL))

    def _newest_checkpoint(self) -> int:
        return max((int(path.name) for path in (self.folder / "checkpoints").iterdir()), default=0)

    def _save_checkpoint(self) -> None:
        place = self.folder / "checkpoints" / str(self.step)
        if self.step and not place.exists():
            place.mkdir()
            (place / "state").write_text(str(self.step))
            event = events.Checkpointed(step=self.step, folder=place.name, size_bytes=1, manifest_sha256="0" * 64)
            self.events.say(event)

    def _save_result(self) -> None:
        result = self.folder / "result"
        result.mkdir()
        for name, content in RESULTS[self.order.kind].items():
            text = content if isinstance(content, str) else json.dumps(content)
            (result / name).write_text(f"{self.order.job} {text}" if isinstance(content, str) else text)
        listed = [
            {"path": path.name, "size_bytes": path.stat().st_size, "sha256": _sha256(path)}
            for path in sorted(result.iterdir())
        ]
        if self.script.get("lies"):
            listed[0]["sha256"] = "f" * 64
        (result / "files.json").write_text(json.dumps(listed))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, as the real programs do
    sys.exit(Play(Path(sys.argv[1])).run())
