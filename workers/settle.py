"""The end of a job that went well: its files are checked, stored, read back, and registered in one transaction."""

import json
import logging
from pathlib import Path
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import ProtectedError

from webapp.artifacts import actions as artifacts
from webapp.artifacts import storage
from webapp.artifacts.models import Bundle
from webapp.contract.events import Ended, Fault
from webapp.contract.spec import JobKind
from webapp.core.faults import UserFault
from webapp.jobs import leases
from webapp.jobs.leases import Claim
from webapp.jobs.lifecycle import Asked
from workers import results

logger = logging.getLogger(__name__)

LIST = "files.json"


class BadResult(Exception):
    """What the program left does not agree with what it says; nothing was registered."""

    def __init__(self, fault: Fault, **data: Any) -> None:
        super().__init__(fault, data)
        self.fault, self.data = fault, data


def settle(claim: Claim, folder: Path, ended: Ended) -> None:
    """Register the result and end the job. Raises BadResult, LeaseLost; nothing is registered then."""
    leases.finish(claim=claim)
    result = folder / "result"
    bundle = _store(claim, result, _listed(result))
    try:
        with transaction.atomic():
            job = leases.lock(claim=claim)
            if job.asked == Asked.CANCEL:
                leases.cancel(claim=claim)
            else:
                results.hand_over(results.Result(job=job, bundle=bundle, folder=result, ended=ended))
                leases.succeed(claim=claim)
    except BaseException:
        _drop(bundle)
        raise
    if job.asked == Asked.CANCEL:
        _drop(bundle)


def _listed(result: Path) -> dict[str, dict[str, Any]]:
    """The program's own list of its files, compared with what is there: no more, no less, nothing outside."""
    try:
        listed = {item["path"]: item for item in json.loads((result / LIST).read_text(encoding="utf-8"))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadResult(Fault.INTERNAL, reason="no_list", message=str(error)[:300]) from error
    found = {path.relative_to(result).as_posix(): path for path in result.rglob("*") if not path.is_dir()}
    found.pop(LIST, None)
    if not listed or set(found) != set(listed):
        odd = sorted(set(found) ^ set(listed))
        raise BadResult(Fault.INTERNAL, reason="list_differs", files=odd[:10])
    for name, path in found.items():
        if path.is_symlink() or path.stat().st_size != listed[name]["size_bytes"]:
            raise BadResult(Fault.INTERNAL, reason="file_differs", file=name)
    return listed


def _store(claim: Claim, result: Path, listed: dict[str, dict[str, Any]]) -> Bundle:
    kind = results.BUNDLE_KINDS[JobKind(claim.job.kind)]
    expected = {name: item["sha256"] for name, item in listed.items()}
    try:
        return artifacts.make_bundle(
            team=claim.job.team, kind=kind, files={name: result / name for name in listed}, expected=expected
        )
    except storage.DamagedContent as error:
        raise BadResult(Fault.INTERNAL, reason="storage", message=str(error)[:300]) from error
    except UserFault as fault:
        code = Fault.DISK_FULL if fault.code == "disk_full" else Fault.INTERNAL
        raise BadResult(code, **fault.data) from fault


def _drop(bundle: Bundle) -> None:
    try:
        artifacts.drop_bundle(bundle=bundle)
    except (ProtectedError, DatabaseError):
        logger.exception("bundle %s, whose job did not succeed, stays", bundle.public_id)
