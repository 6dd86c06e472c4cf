"""What must not stand in the source at all."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.security.walk import expect_none

ROOT = Path(settings.BASE_DIR)
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}

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


def faults(tree: ast.AST) -> list[str]:
    """Calls and imports that run what somebody else wrote."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"imports {name.name}" for name in node.names if name.name.split(".")[0] in PICKLES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PICKLES:
            found.append(f"imports from {node.module}")
        elif isinstance(node, ast.Call):
            found += _call_faults(node)
    return found


def _call_faults(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    words = {word.arg: ast.unparse(word.value) for word in node.keywords if word.arg}
    found = []
    if name in {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load", "yaml.load"}:
        found.append(f"calls {name}")
    if name.endswith(("subprocess.getoutput", "subprocess.getstatusoutput")):
        found.append(f"calls {name}")
    if words.get("shell", "False") != "False":
        found.append(f"{name} with a shell")
    if words.get("trust_remote_code", "False") != "False" or words.get("allow_pickle", "False") != "False":
        found.append(f"{name} trusts what it loads")
    return found


@pytest.mark.row("S7")
@pytest.mark.row("S8")
def test_nothing_runs_a_shell_a_pickle_or_a_strangers_code():
    expect_none([f"{name}: {fault}" for name, tree in trees() for fault in faults(tree)])


@pytest.mark.parametrize(
    "fault",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "os.system('ls')",
        "subprocess.run(command, shell=True)",
        "subprocess.Popen(command, shell=is_shell)",
        "AutoModel.from_pretrained(path, trust_remote_code=True)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
    ],
)
def test_the_look_at_the_source_sees_what_it_must(fault):
    assert faults(ast.parse(fault))


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
