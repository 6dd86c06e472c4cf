"""`python -m workers.reader JOB_FOLDER`: parse an uploaded file, or check an adapter from elsewhere (see job.py)."""

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from webapp.contract.events import Fault, Outcome
from workers.reader import limits
from workers.reader.faults import Refused, Stop

# What the libraries would reserve for speed is more than this program may have.
os.environ |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

CPU_SECONDS_AT_LEAST = 600
UPLOAD_BYTES_PER_CPU_SECOND = 50_000  # a hundred times slower than measured, or gzip that unpacks to a hundredfold


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m workers.reader JOB_FOLDER\n")
        return 2
    folder = Path(arguments[0])
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = Stop()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.is_asked = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    signal.signal(signal.SIGXCPU, _refuse_more_time)
    limits.apply(limits.Limits(cpu_seconds=CPU_SECONDS_AT_LEAST + _input_bytes(folder) // UPLOAD_BYTES_PER_CPU_SECOND))
    from workers.reader import job  # under the limits, libraries included

    return 0 if job.run(folder, stop=stop) in (Outcome.SUCCEEDED, Outcome.STOPPED) else 1


def _input_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "inputs").glob("*") if path.is_file())


def _refuse_more_time(_signal: int, _frame: FrameType | None) -> None:
    raise Refused(Fault.TOO_LARGE, cause="cpu_seconds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
