"""Rules that hold for every template and script of the product."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

from webapp.core import glossary

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
BARS = {
    "an inline style": re.compile(r"\sstyle\s*="),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.IGNORECASE),
    "an inline handler": re.compile(r"\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "the filter safe": re.compile(r"\|\s*safe\b|autoescape off"),
    "another host": re.compile(r"(src|href)=[\"'](https?:)?//(?!\{)", re.IGNORECASE),
    "hx-on": re.compile(r"\bhx-on"),
    "a tag over two lines, which Django prints as text": re.compile(r"\{%(?:(?!%\}).)*\n|\{\{(?:(?!\}\}).)*\n"),
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_compiles(path: Path) -> None:
    get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.row("S19")
@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_a_template_holds_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text()
    found = [what for what, pattern in BARS.items() if pattern.search(text)]
    assert not found, f"{name(path)} holds {', '.join(found)}"


def test_the_bars_are_seen_to_catch_what_they_are_for() -> None:
    faults = [
        '<p style="x">',
        "<script>1</script>",
        '<p onclick="x">',
        "{{ a|safe }}",
        '<a href="//x.example">',
        "hx-on:click",
        "{% code 'a\nb' %}",
    ]
    assert [
        what for (what, pattern), fault in zip(BARS.items(), faults, strict=True) if not pattern.search(fault)
    ] == []


@pytest.mark.parametrize("path", TEMPLATES + SCRIPTS, ids=name)
def test_a_template_and_a_script_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_makes_no_code_from_text(path: Path) -> None:
    assert not re.search(r"\beval\(|new Function\(|document\.write|insertAdjacentHTML", path.read_text())


def test_every_word_that_a_page_explains_is_in_the_glossary() -> None:
    used = {
        key
        for path in TEMPLATES
        for key in re.findall(r"\{% term \"([\w-]+)\"|\bterm=\"([\w-]+)\"", path.read_text())
        for key in key
        if key
    }
    assert used <= set(glossary.GLOSSARY)
