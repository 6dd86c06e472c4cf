"""Where text may become markup in our own source. (What runs commands and pickles: tests/architecture.)"""

import ast
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.security.walk import expect_none

ROOT = Path(settings.BASE_DIR)
# Where text is declared to be safe HTML, each with who answers for it.
SAFE_HTML = {
    "webapp/core/icons.py": "drawings that come with a package",
    "webapp/core/verdict.py": "escaped a line above",
    "webapp/core/templatetags/ui.py": "parts that templates rendered, escaped there",
    "webapp/adapters/markdown.py": "sanitised a line above",
}


def trees():
    for path in [ROOT / "manage.py", *(ROOT / "webapp").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


@pytest.mark.row("S19")
def test_text_is_declared_safe_html_only_where_somebody_answers_for_it():
    declared = {"mark_safe", "SafeString", "SafeText", "html_safe"}
    found = {
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in declared
    }
    assert found == set(SAFE_HTML)


@pytest.mark.row("S19")
def test_no_template_switches_escaping_off():
    off = re.compile(
        r"\|\s*safe(seq)?\b|autoescape\s+off|\bnonce=|\bstyle=|<style|<script(?![^>]*\bsrc=)|\bhx-on|\son\w+="
    )
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "webapp").rglob("templates/**/*.html")]
    assert len(pages) > 40
    expect_none([f"{path.name}: {found.group()}" for path in pages for found in off.finditer(path.read_text())])


@pytest.mark.row("S19")
def test_no_script_of_ours_writes_html_from_text():
    risky = re.compile(
        r"outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function\(|setTimeout\(\s*[\"'`]"
    )
    scripts = list((ROOT / "static" / "js").rglob("*.js"))
    assert scripts
    expect_none([f"{path.name}: {found.group()}" for path in scripts for found in risky.finditer(path.read_text())])


def test_htmx_evaluates_nothing_and_asks_only_this_host():
    head = (ROOT / "templates" / "components" / "html_head.html").read_text()
    config = re.search(r"""<meta name="htmx-config" content='([^']+)'""", head)
    assert config, "html_head.html holds no htmx-config"
    found = json.loads(config.group(1))
    wanted = {"allowEval": False, "selfRequestsOnly": True, "includeIndicatorStyles": False, "historyCacheSize": 0}
    assert {name: found[name] for name in wanted} == wanted
