"""How far a run is and how long it still takes. Arithmetic on what is known of it; nothing is looked up."""

import math

from webapp.jobs.lifecycle import State
from webapp.runs.models import Run

# After the last step the adapter is written, read back, stored and registered.
ENDING_SECONDS = 8.0
MOVING = frozenset({State.STARTING, State.RUNNING, State.FINISHING})


def seconds_left(run: Run) -> float | None:
    """From its own pace as soon as it has one, before that from the estimate; None when nothing moves."""
    job = run.job
    if job.state not in MOVING:
        return None
    if not job.total_steps:
        return _estimated(run)
    left = max(0, job.total_steps - job.step)
    elapsed = run.last_values.get("elapsed_seconds")
    if elapsed and job.step:
        return left * float(elapsed) / job.step + ENDING_SECONDS
    estimated = _estimated(run)
    return None if estimated is None else estimated * left / job.total_steps


def seconds_done(run: Run) -> float | None:
    """Time spent in training and measuring, without starting, waiting and what was lost.

    The last step says how long it took until then; only the engine's last word counts the closing measurement too.
    """
    elapsed = run.result.get("seconds") or run.last_values.get("elapsed_seconds")
    return float(elapsed) if elapsed else None


def steps_per_epoch(run: Run) -> int:
    """Of the rows that are really trained, as soon as the engine has counted them; 0 where nobody knows."""
    rows = run.planned.get("train_rows")
    if rows:
        return math.ceil(int(rows) / int(run.config["batch_size"]))
    return int(run.estimate.get("steps_per_epoch") or 0)


def epochs(run: Run) -> float:
    """How many passes over the rows the run will make: fewer, or more, than its setting where `max_steps` decides."""
    per_epoch = steps_per_epoch(run)
    if run.config.get("max_steps") and run.job.total_steps and per_epoch:
        return run.job.total_steps / per_epoch
    return float(run.config["num_train_epochs"])


def _estimated(run: Run) -> float | None:
    seconds = run.estimate.get("seconds")
    return float(seconds) if seconds else None
