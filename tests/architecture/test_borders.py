"""The import contracts bite, and the web tier starts without the machine-learning stack."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from webapp import launch

ROOT = Path(launch.__file__).parents[2]

# One forbidden import for each contract in pyproject.toml, by the beginning of its name.
FAULTS = {
    "Apps know only what lies below them": ("webapp/artifacts/faulty.py", "import webapp.runs.models"),
    "The web tier never imports the workers": ("webapp/dashboard/faulty.py", "import workers.tasks"),
    "Inside the workers each module": ("workers/folder.py", "import workers.supervisor"),
    "Only the engine imports the machine-learning stack": ("webapp/runs/faulty.py", "import torch"),
    "The engine knows no Django": ("workers/engine/faulty.py", "import django"),
    "The reader knows no Django": ("workers/reader/faulty.py", "import django"),
    "The contract is plain Python": ("webapp/contract/faulty.py", "import celery"),
}


def copy_of_the_project(folder: Path) -> Path:
    for package in ("webapp", "workers"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "sample"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "workers" / "tasks.py").touch()
    return folder


def verdicts(folder: Path) -> dict[str, str]:
    """Each contract and whether it was kept or broken, as the linter says."""
    lint = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run([lint, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False).stdout
    return dict(re.findall(r"^(\S.*?) (KEPT|BROKEN)\b", said, re.MULTILINE))


def test_each_contract_is_broken_by_the_import_it_forbids(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    for path, line in FAULTS.values():
        with (project / path).open("a") as file:
            file.write(line + "\n")
    found = verdicts(project)
    assert len(found) == len(FAULTS), "a contract has no seeded fault here"
    for beginning in FAULTS:
        assert [verdict for name, verdict in found.items() if name.startswith(beginning)] == ["BROKEN"], beginning


def test_an_app_that_nobody_placed_is_noticed(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path)
    (project / "webapp" / "newcomer").mkdir()
    (project / "webapp" / "newcomer" / "__init__.py").touch()
    lint = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([lint, "--no-cache"], cwd=project, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "newcomer" in ended.stdout


BOOT = """
import sys
import django
django.setup()
import webapp.asgi, webapp.urls
from django.urls import get_resolver
assert get_resolver().url_patterns
heavy = {"torch", "transformers", "peft", "bitsandbytes", "accelerate", "pyarrow.dataset"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_web_tier_starts_without_the_machine_learning_stack() -> None:
    subprocess.run([sys.executable, "-c", BOOT], cwd=ROOT, check=True)
