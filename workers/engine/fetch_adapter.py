"""Brings the files of an adapter from a model hub, at one commit, and believes none of them.

They are only stored: the reader checks them in a job of its own that has no network (workers/reader/adapter.py).
"""

from typing import Any

from webapp.contract.events import Fault
from webapp.contract.spec import ADAPTER_CONFIG, ADAPTER_FILES, ADAPTER_WEIGHTS
from workers.engine import durable, fetch, order
from workers.engine.faults import EngineFault
from workers.engine.job import Job

FACTS, FILES = "fetched.json", "files.json"


def run(job: Job) -> dict[str, Any]:
    """Do the job; returns the data of its last word. Raises EngineFault, StopAsked."""
    from workers.engine import hub

    wanted = order.read_fetch_adapter_spec(job.order)
    durable.sweep(job.folder.path, job.folder.result.name)
    repository = hub.Repository.find(
        wanted.repository, revision=wanted.revision, endpoint=wanted.endpoint, wait=fetch.waiting(job)
    )
    files = [file for file in repository.files if file.name in ADAPTER_FILES]
    names = {file.name for file in files}
    for name in (ADAPTER_WEIGHTS, ADAPTER_CONFIG):
        if name not in names:
            raise EngineFault(Fault.DAMAGED_INPUT, reason="no_adapter", file=name, repository=wanted.repository)
    if sum(file.size_bytes for file in files) > wanted.max_bytes:
        raise EngineFault(Fault.TOO_LARGE, cause="unpacked", file=wanted.repository, max_bytes=wanted.max_bytes)
    with durable.folder_in_the_making(job.folder.result) as folder:
        fetch.bring(job, repository, files, folder)
        durable.write_json(folder / FACTS, {"commit": repository.commit, "repository": repository.name})
        durable.write_json(folder / FILES, durable.describe_files(folder))
    return {"commit": repository.commit, "files": sorted(names)}
