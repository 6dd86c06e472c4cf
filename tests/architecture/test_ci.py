"""What `.ci/run` does on a bare machine, with stand-ins for the programs that it calls."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
PYTHON = '#!/bin/sh\n[ -e "$STATE/venv" ]\n'
INSTALLED = '*install*python3-venv*) touch "$STATE/venv"'
APT = '#!/bin/sh\necho "apt-get $*" >>"$STATE/asked"\ncase "$*" in ' + INSTALLED + " ;; esac\n"
MAKE = '#!/bin/sh\necho "make $*" >>"$STATE/asked"\n'


@pytest.mark.parametrize(("user", "has_venv", "installs"), [(0, False, True), (0, True, False), (1000, False, False)])
def test_root_gets_what_makes_virtual_environments_where_python_lacks_it(
    tmp_path: Path, user: int, has_venv: bool, installs: bool
) -> None:
    (tmp_path / "bin").mkdir()
    programs = {"python3.11": PYTHON, "apt-get": APT, "make": MAKE, "id": f"#!/bin/sh\necho {user}\n"}
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    if has_venv:
        (tmp_path / "venv").touch()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "STATE": str(tmp_path)}
    subprocess.run(["bash", tmp_path / ".ci" / "run"], env=environment, capture_output=True, check=True)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert any("install" in line and "python3-venv" in line for line in asked) == installs
    assert "make --no-print-directory test" in asked
    assert [line for line in asked[asked.index("make --no-print-directory test") :] if line.startswith("apt")] == []
