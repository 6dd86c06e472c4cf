import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.contrib.staticfiles import finders as django_finders
from django.core.exceptions import ImproperlyConfigured

from webapp.core import finders


@pytest.fixture(autouse=True)
def _look_again() -> Iterator[None]:
    finders.vendor_folder.cache_clear()
    yield
    finders.vendor_folder.cache_clear()


def test_the_library_is_found_without_importing_its_carrier() -> None:
    sys.modules.pop("youplot", None)
    found = django_finders.find("uplot/uplot.iife.min.js")
    assert isinstance(found, str) and Path(found).read_text().startswith(
        "/*! https://github.com/leeoniya/uPlot (v1.6.31)"
    )
    assert "youplot" not in sys.modules


def test_only_the_two_known_files_are_served() -> None:
    listed = [(storage.prefix, name) for name, storage in finders.UPlotFinder().list(None)]  # type: ignore[attr-defined]
    assert sorted(listed) == [("uplot", "uplot.iife.min.js"), ("uplot", "uplot.min.css")]
    assert finders.UPlotFinder().find("uplot/__init__.py") == []


def test_a_changed_library_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(finders.vendor_folder(), tmp_path / "vendor")
    with (tmp_path / "vendor" / "uplot.iife.min.js").open("a") as file:
        file.write("\nfetch('https://evil.example/')")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(finders.importlib.util, "find_spec", lambda name: spec)
    finders.vendor_folder.cache_clear()
    with pytest.raises(ImproperlyConfigured, match="is not the uPlot"):
        finders.UPlotFinder().find("uplot/uplot.iife.min.js")


def test_a_missing_carrier_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finders.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured, match="youplot"):
        finders.vendor_folder()
