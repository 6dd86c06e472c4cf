"""What the documents say is so."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "webapp" / "launch" / "sample" / "README.md",
]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
READ = r"""(?:environ(?:\.get)?[\[(]|_flag\(|_words\(|_number\()["']([A-Z][A-Z0-9_]+)["']"""
NAMED = r'"(TUNESMITH_ADMIN_[A-Z]+)"'  # by a constant
NOT_FOR_PEOPLE = {
    "DJANGO_SETTINGS_MODULE",  # there is one
    "TUNESMITH_DEMO_STARTED_AT",  # from the Makefile to the demo
}


def settings_in_code() -> set[str]:
    places = [ROOT / "webapp" / "settings.py", *(ROOT / "webapp" / "launch").rglob("*.py")]
    found = [re.findall(READ, place.read_text()) + re.findall(NAMED, place.read_text()) for place in places]
    return {name for names in found for name in names} - NOT_FOR_PEOPLE


def settings_in_document() -> set[str]:
    table = OPERATIONS.partition("## Settings")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\|([^|]+)\|", table, re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([A-Z0-9_]+)`", cell)}


def test_every_setting_is_described_and_every_described_setting_exists() -> None:
    assert settings_in_document() == settings_in_code()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text()) + re.findall(r'src="([^"]+)"', document.read_text())
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_in_a_document_exists(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
