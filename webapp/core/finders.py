"""Serves uPlot out of the `youplot` package, which is used as its carrier only and never imported."""

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage

# The files of npm's uplot 1.6.31, byte for byte.
SHA256 = {
    "uplot.iife.min.js": "2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2",
    "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
PREFIX = "uplot"


class UPlotFinder(BaseFinder):
    """`{% static "uplot/uplot.iife.min.js" %}`; refuses to serve a file that is not the one we know."""

    def check(self, **kwargs: Any) -> list[Any]:
        vendor_folder()
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        folder, _, name = path.partition("/")
        if folder != PREFIX or name not in SHA256:
            return []
        found = str(vendor_folder() / name)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        storage = FileSystemStorage(location=vendor_folder())
        storage.prefix = PREFIX  # type: ignore[attr-defined]  # read by collectstatic and the static server
        for name in SHA256:
            yield name, storage


@cache
def vendor_folder() -> Path:
    """Where the files lie, after each was compared with its known hash."""
    spec = importlib.util.find_spec("youplot")
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured("The package youplot, which carries the chart library, is not installed.")
    folder = Path(spec.submodule_search_locations[0]) / "vendor"
    for name, expected in SHA256.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise ImproperlyConfigured(
                f"{folder / name} is not the uPlot 1.6.31 that Tunesmith knows. Reinstall youplot==1.0.0."
            )
    return folder
