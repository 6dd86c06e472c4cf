"""The installation: once, in order, anew when it was broken off, and in words when it cannot be.

A stand-in for Python writes down what it is asked, so nothing is downloaded.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp import launch

ROOT = Path(launch.__file__).parents[2]

STAND_IN = """#!/bin/sh
echo "$@" >>"$ASKED"
case "$*" in
    *"$FAILS_AT"*) [ -n "$FAILS_AT" ] && exit 1 ;;
esac
case "$*" in
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *version_info*) exit "$OLD" ;;
    -V) echo "Python 3.9.1" ;;
esac
"""


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._asked = folder / "asked"
        shutil.copytree(ROOT / "requirements", folder / "requirements")
        self.python = folder / "python3"
        self.python.write_text(STAND_IN)
        self.python.chmod(0o755)

    def install(
        self, what: str = "run", *, fails_at: str = "", old: bool = False, index: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {
            "PYTHON": str(self.python),
            "ASKED": str(self._asked),
            "FAILS_AT": fails_at,
            "OLD": "1" if old else "0",
            "TORCH_INDEX_URL": index,
        }
        self._asked.write_text("")
        script = self.folder / "requirements" / "install.sh"
        return subprocess.run([script, what], env=environment, capture_output=True, text=True, check=False)

    def installed(self) -> list[str]:
        """The requirements files that were installed, in order, with the options that matter."""
        lines = [line.partition(" install --quiet ")[2] for line in self._asked.read_text().splitlines()]
        return [line for line in lines if line]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    return Checkout(tmp_path)


def test_torch_comes_first_and_alone_and_everything_else_by_hash(checkout: Checkout) -> None:
    assert checkout.install().returncode == 0
    assert checkout.installed() == [
        "--requirement requirements/torch.txt",
        "--no-deps --require-hashes --requirement requirements/run.txt",
        "--no-deps --require-hashes --requirement requirements/starter.txt",
    ]


def test_a_second_time_asks_for_nothing(checkout: Checkout) -> None:
    checkout.install("dev")
    assert len(checkout.installed()) == 4
    checkout.install("dev")
    assert checkout.installed() == []


def test_changed_pins_are_installed(checkout: Checkout) -> None:
    checkout.install("dev")
    pins = checkout.folder / "requirements" / "run.txt"
    pins.write_text(pins.read_text() + "# renewed\n")
    checkout.install()
    assert len(checkout.installed()) == 3
    checkout.install("dev")
    assert checkout.installed() == ["--no-deps --require-hashes --requirement requirements/dev.txt"]


@pytest.mark.parametrize("step", ["torch.txt", "run.txt", "starter.txt", "dev.txt"])
def test_an_installation_that_was_broken_off_is_started_anew(checkout: Checkout, step: str) -> None:
    assert checkout.install("dev", fails_at=step).returncode != 0
    leftover = checkout.folder / ".venv" / "half-installed"
    leftover.touch()
    again = checkout.install("dev")
    assert again.returncode == 0 and "starting anew" in again.stdout
    assert not leftover.exists()
    assert len(checkout.installed()) == 4


def test_another_build_of_torch_can_be_named_and_concerns_torch_only(checkout: Checkout) -> None:
    checkout.install(index="https://index.test/cpu")
    with_index = [line for line in checkout.installed() if "https://index.test/cpu" in line]
    assert with_index == ["--index-url https://index.test/cpu --requirement requirements/torch.txt"]


def test_another_build_of_torch_replaces_the_one_that_is_installed(checkout: Checkout) -> None:
    checkout.install("dev")
    leftover = checkout.folder / ".venv" / "of-the-first-build"
    leftover.touch()
    checkout.install("dev", index="https://index.test/cpu")
    assert len(checkout.installed()) == 4 and not leftover.exists()
    for index in ("https://index.test/cpu", ""):  # the same, and no wish
        checkout.install("dev", index=index)
        assert checkout.installed() == []


def test_a_python_that_is_too_old_is_named_with_the_remedy(checkout: Checkout) -> None:
    ended = checkout.install(old=True)
    assert ended.returncode != 0
    assert (
        "3.11 or newer is needed" in ended.stderr and "Python 3.9.1" in ended.stderr and "make PYTHON=" in ended.stderr
    )
    assert not (checkout.folder / ".venv").exists()


def test_a_python_without_virtual_environments_is_named_with_the_remedy(checkout: Checkout) -> None:
    ended = checkout.install(fails_at="import venv")
    assert ended.returncode != 0
    assert "python3-venv" in ended.stderr
