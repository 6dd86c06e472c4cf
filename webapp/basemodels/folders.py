"""Base models that lie in the folders which the administrator listed (MODEL_ROOTS).

Pages offer what is there under ids that we make; nobody types a path, and a link that leads out is not followed.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

_LARGEST_LISTING = 500


@dataclass(frozen=True)
class Folder:
    """A model folder or GGUF file directly under a root. `id` stands in forms instead of the path."""

    id: str
    root_index: int
    name: str
    path: Path
    size_bytes: int
    is_gguf: bool


def offered() -> list[Folder]:
    """What can be added, by name. A root that is missing or cannot be read offers nothing."""
    found = [folder for index, root in enumerate(settings.MODEL_ROOTS) for folder in _under(index, Path(root))]
    return sorted(found, key=lambda folder: folder.name.lower())


def find(folder_id: str) -> Folder | None:
    return next((folder for folder in offered() if folder.id == folder_id), None)


def at(root_index: int, name: str) -> Folder | None:
    """The folder of that name under the root of that number, if it is one that we offer."""
    return next((folder for folder in offered() if (folder.root_index, folder.name) == (root_index, name)), None)


def _under(index: int, root: Path) -> Iterator[Folder]:
    try:
        home = root.resolve(strict=True)
        entries = sorted(home.iterdir())[:_LARGEST_LISTING]
    except OSError:
        return
    for entry in entries:
        folder = _model_at(index, home, entry)
        if folder is not None:
            yield folder


def _is_model(path: Path) -> bool:
    """Safetensors with their config, or a single GGUF file."""
    if (path / "config.json").is_file() and any(path.glob("*.safetensors")):
        return True
    return len(list(path.glob("*.gguf"))) == 1


def _model_at(index: int, home: Path, entry: Path) -> Folder | None:
    try:
        path = entry.resolve(strict=True)
        if not path.is_relative_to(home) or entry.name.startswith("."):
            return None
        is_gguf = path.is_file() and path.suffix.lower() == ".gguf"
        if is_gguf:
            size = path.stat().st_size
        elif path.is_dir() and _is_model(path):
            is_gguf = not (path / "config.json").is_file()
            size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
        else:
            return None
    except OSError:
        return None
    key = hashlib.sha256(f"{home}\0{entry.name}".encode()).hexdigest()[:16]
    return Folder(id=key, root_index=index, name=entry.name, path=path, size_bytes=size, is_gguf=is_gguf)
