"""Labelled places where a test may kill the program, as a power cut would.

`CRASH_AT=checkpoint.renamed:2` kills the process with SIGKILL the second time it passes that label.
Without the variable a label costs one dictionary look-up.
"""

import os
import signal
from collections import Counter

LABELS = (
    "checkpoint.begun",
    "checkpoint.adapter_written",
    "checkpoint.optimizer_written",
    "checkpoint.state_written",
    "checkpoint.manifest_written",
    "checkpoint.synced",
    "checkpoint.renamed",
    "checkpoint.pruned",
    "train.gradients_ready",
    "train.step_done",
    "result.written",
    "result.published",
    "fetch.file_done",
)

_passed: Counter[str] = Counter()


def point(label: str) -> None:
    """Die here if CRASH_AT names this label and this is the asked-for passage."""
    wanted = os.environ.get("CRASH_AT")
    if not wanted:
        return
    name, _, count = wanted.partition(":")
    assert name in LABELS, f"CRASH_AT names no label: {name}"
    _passed[label] += 1
    if name == label and _passed[label] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)
