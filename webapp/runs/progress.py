"""How far a run is and how long it still takes. Arithmetic on what is known of it; nothing is looked up."""

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
    """Time spent in training and measuring, without waiting and without what was lost."""
    elapsed = run.last_values.get("elapsed_seconds") or run.result.get("seconds")
    return float(elapsed) if elapsed else None


def _estimated(run: Run) -> float | None:
    seconds = run.estimate.get("seconds")
    return float(seconds) if seconds else None
