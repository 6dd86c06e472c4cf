"""The fake program is held against the real ones, so that tests with it say something about them."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from tests.fakes import orders
from webapp.contract import codec, events
from webapp.contract.spec import SPEC_VERSION, JobKind, Order
from webapp.jobs import words
from webapp.jobs.models import JobEvent

ROOT = Path(__file__).parents[2]
PROGRAMS = [ROOT / "workers" / "engine", ROOT / "workers" / "reader"]
CLASSES = {cls.__name__: name for name, cls in events.TYPES.items()}


def calls() -> list[tuple[str, ast.Call]]:
    """Every call in the real programs, with the name of what is called."""
    found = []
    for folder in PROGRAMS:
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
                    found.append((name, node))
    return found


def test_the_fake_says_what_the_real_programs_say(tmp_path: Path) -> None:
    said_by_real = {CLASSES[name] for name, _call in calls() if name in CLASSES}
    script = {"steps": 2, "checkpoint_every": 1, "notes": ["a"], "progress": 1}
    order = Order(
        version=SPEC_VERSION,
        job="j",
        attempt=1,
        kind=JobKind.TRAIN,
        spec=codec.to_dict(orders.spec(JobKind.TRAIN, script)),
    )
    (tmp_path / "spec.json").write_text(codec.dumps(order))
    (tmp_path / "checkpoints").mkdir()
    subprocess.run([sys.executable, "-m", "tests.fakes.engine", str(tmp_path)], cwd=ROOT, check=True)
    lines = [events.parse(line) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    said_by_fake = {CLASSES[type(line.event).__name__] for line in lines}
    assert said_by_fake == said_by_real == set(events.TYPES)
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    listed = {item["path"] for item in json.loads((tmp_path / "result" / "files.json").read_text())}
    assert listed == {path.name for path in (tmp_path / "result").iterdir()} - {"files.json"}


def test_every_note_of_the_real_programs_has_words() -> None:
    codes = set()
    for name, call in calls():
        first = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == "code"), None)
        if name in {"Noted", "note", "_note", "_warn"} and isinstance(first, ast.Constant):
            codes.add(first.value)
    assert codes
    unknown = {code for code in codes if words.event_sentence(JobEvent(code=code, data={})).endswith(code)}
    assert not unknown
