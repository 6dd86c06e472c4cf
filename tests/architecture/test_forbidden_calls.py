"""Calls that open known holes do not occur in the product, wherever they would stand."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
SOURCES = [ROOT / "manage.py", *sorted((ROOT / "webapp").rglob("*.py")), *sorted((ROOT / "workers").rglob("*.py"))]

UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_LOADS = {"torch.load", "torch.save", "numpy.load", "np.load", "torch.jit.load"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}


def nodes(source: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(source))


def imported(source: str) -> set[str]:
    found = set()
    for node in nodes(source):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def called(source: str) -> set[str]:
    return {ast.unparse(node.func) for node in nodes(source) if isinstance(node, ast.Call)}


def keywords(source: str) -> set[tuple[str, str]]:
    calls = [node for node in nodes(source) if isinstance(node, ast.Call)]
    return {(each.arg, ast.unparse(each.value)) for call in calls for each in call.keywords if each.arg}


def unpickles(source: str) -> bool:
    allows = any(name == "allow_pickle" and value != "False" for name, value in keywords(source))
    return allows or bool(imported(source) & UNSAFE_MODULES or called(source) & UNSAFE_LOADS)


def runs_a_shell(source: str) -> bool:
    return bool(called(source) & SHELLS) or any(
        name == "shell" and value != "False" for name, value in keywords(source)
    )


def trusts_remote_code(source: str) -> bool:
    return any(name == "trust_remote_code" and value != "False" for name, value in keywords(source))


def compiles_text(source: str) -> bool:
    return bool(called(source) & {"eval", "exec", "compile", "__import__"})


RULES = [
    pytest.param(unpickles, id="unpickles", marks=pytest.mark.row("S8")),
    pytest.param(runs_a_shell, id="runs a shell", marks=pytest.mark.row("S7")),
    pytest.param(trusts_remote_code, id="trusts remote code", marks=pytest.mark.row("S9")),
    pytest.param(compiles_text, id="compiles text", marks=pytest.mark.row("S25")),
]


@pytest.mark.parametrize("rule", RULES)
def test_nothing_in_the_product(rule) -> None:
    assert len(SOURCES) > 100
    assert [str(path.relative_to(ROOT)) for path in SOURCES if rule(path.read_text())] == []


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (unpickles, "from pickle import loads"),
        (unpickles, "import torch\ntorch.load(path, weights_only=True)"),
        (unpickles, "numpy.lib.format.read_array(file, allow_pickle=True)"),
        (runs_a_shell, "import subprocess\nsubprocess.run(text, shell=True)"),
        (runs_a_shell, "import subprocess\nsubprocess.Popen(text, shell=is_text)"),
        (runs_a_shell, "import os\nos.system(text)"),
        (trusts_remote_code, "load(path, trust_remote_code=wanted)"),
        (compiles_text, "eval(text)"),
    ],
)
def test_each_rule_notices_what_it_forbids(rule, source: str) -> None:
    assert rule(source)
