"""`python -m workers.engine JOB_FOLDER`: do what spec.json orders; a folder in, a folder out.

Exit status 0: it succeeded, or stopped because it was asked to. Anything else: it failed, and the last event
says why. The machine-learning stack is imported only once the order is known to make sense.
"""

import ctypes
import importlib
import logging
import os
import signal
import sys
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from webapp.contract import events, spec
from workers.engine import order as orders
from workers.engine.faults import StopAsked, classify
from workers.engine.job import Job
from workers.engine.order import JobFolder

log = logging.getLogger("workers.engine")

LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "safetensors", "tokenizers", "numpy")
PROGRAMS = {
    spec.JobKind.TRAIN: "workers.engine.train",
    spec.JobKind.EVALUATE: "workers.engine.evaluate",
    spec.JobKind.FETCH: "workers.engine.fetch",
    spec.JobKind.FETCH_ADAPTER: "workers.engine.fetch_adapter",
    spec.JobKind.INSPECT: "workers.engine.inspection",
    spec.JobKind.COMPRESS: "workers.engine.compress",
}
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m workers.engine JOB_FOLDER\n")
        return 2
    follow_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    folder = JobFolder(Path(arguments[0]).resolve())
    writer = events.Writer(folder.events)
    ended = run(folder, writer)
    try:
        writer.say(ended)
        writer.close()
    except OSError:  # the disk may be full; the exit status still says that it failed
        log.exception("the last event could not be written")
        return 1
    log.info("ended: %s %s %s", ended.outcome, ended.fault or "", ended.data)
    return 1 if ended.outcome is events.Outcome.FAILED else 0


def run(folder: JobFolder, writer: events.Writer) -> events.Ended:
    """Do the job. Nothing escapes: an exception becomes the last event."""
    versions = library_versions()
    try:
        order = orders.read_order(folder)
        writer.say(events.Started(pid=os.getpid(), device=order.device, versions=versions))
        job = Job(folder=folder, order=order, writer=writer, versions=versions)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, job.stop.ask)
        orders.check(order)
        prepare_environment(order)
        data = importlib.import_module(PROGRAMS[order.kind]).run(job)
        return events.Ended(outcome=events.Outcome.SUCCEEDED, data=data)
    except StopAsked:
        return events.Ended(outcome=events.Outcome.STOPPED)
    except BaseException as error:
        traceback.print_exc()
        fault, data = classify(error)
        return events.Ended(outcome=events.Outcome.FAILED, fault=fault, data=data)


def prepare_environment(order: spec.Order) -> None:
    """Settings that the libraries read when they are imported: no network but for a fetch, no bars in the log."""
    is_base_of_hub = order.kind is spec.JobKind.FETCH and order.spec.get("source") == "hub"
    is_hub = is_base_of_hub or order.kind is spec.JobKind.FETCH_ADAPTER
    os.environ["HF_HUB_OFFLINE"] = "0" if is_hub else "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"  # noqa: S105  a switch
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["TQDM_DISABLE"] = "1"
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    # Threads that wait for each other go to sleep soon instead of spinning: nothing on a quiet machine, but beside
    # other work on the same cores a step takes its share of the time and not twenty times that.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    if order.threads:
        os.environ["OMP_NUM_THREADS"] = str(order.threads)


def follow_parent() -> None:
    """Die with the process that started us, so that no second attempt meets a first one still writing.

    A parent that ended before the request to the kernel is found by ENGINE_PARENT_PID, where that is given.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    expected = os.environ.get("ENGINE_PARENT_PID")
    if expected and os.getppid() != int(expected):
        sys.exit(3)


def library_versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
