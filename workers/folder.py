"""Prepares the folder in which a program does its job: the order, its inputs, and what an earlier attempt left."""

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from django.conf import settings

from webapp.artifacts import storage
from webapp.contract import codec
from webapp.contract.events import Fault
from webapp.contract.spec import SPEC_VERSION, JobKind, Order
from webapp.jobs.leases import Claim

logger = logging.getLogger(__name__)

# What a later attempt can go on from: resumable states, decisions made once, files that were fetched in part.
CARRIED_OVER = ("checkpoints", "decisions.json", "partial")


class CannotPrepare(Exception):
    """The job cannot begin; `fault` and `data` become its last word."""

    def __init__(self, fault: Fault, **data: object) -> None:
        super().__init__(fault, data)
        self.fault, self.data = fault, data


def root() -> Path:
    return settings.STATE_DIR / "work"


def cache() -> Path:
    return settings.STATE_DIR / "cache"


def path_of(claim: Claim) -> Path:
    return root() / claim.job.public_id / str(claim.attempt.number)


def prepare(claim: Claim, *, threads: int, check: Callable[[], None]) -> Path:
    """Make the attempt's folder. `check` is called between files and may raise to give up. Raises CannotPrepare."""
    folder = path_of(claim)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for name in ("inputs", "checkpoints"):
        (folder / name).mkdir()
    _write_order(folder, _order_of(claim, threads))
    # Before anything that may fail, so that the newest folder always holds what there is.
    _carry_over(folder, after=claim.job.anew_after)
    for item in claim.job.inputs:
        check()
        _bring(folder, path=item["path"], sha256=item["sha256"])
    check()
    return folder


def _order_of(claim: Claim, threads: int) -> Order:
    is_cuda = any(device.kind == "cuda" for device in claim.devices)
    return Order(
        version=SPEC_VERSION,
        job=claim.job.public_id,
        attempt=claim.attempt.number,
        kind=JobKind(claim.job.kind),
        spec=_checked(claim.job.spec),
        device="cuda" if is_cuda else "cpu",
        threads=threads,
    )


def _checked(spec: dict[str, object]) -> dict[str, object]:
    """A folder of base models must lie under one that the administrator listed on this machine too."""
    named = spec.get("folder")
    if not named:
        return spec
    path = Path(str(named)).resolve()
    if not any(path.is_relative_to(Path(root).resolve()) for root in settings.MODEL_ROOTS) or not path.exists():
        raise CannotPrepare(Fault.DAMAGED_INPUT, file=path.name, reason="not_under_model_roots")
    return spec


def _write_order(folder: Path, order: Order) -> None:
    (folder / "spec.json").write_text(json.dumps(codec.to_dict(order), indent=2, sort_keys=True) + "\n")


def end_at_checkpoint(folder: Path) -> bool:
    """Change the order so that the program makes its result of the newest checkpoint; False where there is none."""
    if not _holds_something(folder / "checkpoints"):
        return False
    order = codec.from_dict(Order, json.loads((folder / "spec.json").read_text()))
    _write_order(folder, replace(order, ends_at_checkpoint=True))
    return True


def _bring(folder: Path, *, path: str, sha256: str) -> None:
    """Put a stored content where the program expects it, without a copy where the disk allows."""
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or parts[0] != "inputs" or ".." in parts:
        raise CannotPrepare(Fault.BAD_CONFIG, field="inputs", value=path)
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source = storage.local_copy(sha256=sha256, cache_dir=cache())
    except (storage.MissingContent, storage.DamagedContent) as error:
        logger.error("input %s (%s) cannot be brought: %r", path, sha256, error)
        raise CannotPrepare(Fault.DAMAGED_INPUT, file=path, reason="storage") from error
    link_file(source, target)


def link_file(source: Path, target: Path) -> None:
    """A second name for a file that nobody writes to; a copy where the disk has no such thing."""
    source = source.resolve()
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _carry_over(folder: Path, *, after: int) -> None:
    """Take what the newest earlier attempt on this machine left, of those numbered above `after`.

    Files are linked; that attempt may be removed then.
    """
    number = int(folder.name)
    earlier = sorted((int(path.name) for path in folder.parent.iterdir() if path.name.isdecimal()), reverse=True)
    for name in CARRIED_OVER:
        sources = (folder.parent / str(other) / name for other in earlier if after < other < number)
        source = next((path for path in sources if _holds_something(path)), None)
        if source is not None:
            link_tree(source, folder / name)


def _holds_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def link_tree(source: Path, target: Path) -> None:
    """As `cp -al`: folders are made, files get a second name. Half-made things (hidden names) are left behind."""
    if source.is_file():
        link_file(source, target)
        return
    target.mkdir(exist_ok=True)
    for child in sorted(source.iterdir()):
        if not child.name.startswith(".") and not child.is_symlink():
            link_tree(child, target / child.name)
