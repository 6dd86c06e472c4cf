"""The first and the last page of the demo."""

import json
from pathlib import Path
from typing import Any

from webapp.launch.demo.cast import Cast
from webapp.launch.demo.screen import Screen, duration
from webapp.launch.demo.story import Outcome
from webapp.launch.launcher import Launcher


def welcome(screen: Screen, launcher: Launcher, player: Cast) -> None:
    screen.fact("Dashboard", launcher.url)
    screen.fact("Sign in as", player.email)
    screen.fact("Password", player.password)
    screen.fact("Logs", str(launcher.folder / "logs"))


def ending(screen: Screen, outcome: Outcome, probe: dict[str, Any] | None, *, folder: Path) -> bool:
    """Show everything that was found out; true when all that the demo promises held."""
    screen.title("What came of it")
    if outcome.loss_before is not None and outcome.loss_after is not None:
        screen.fact("Validation loss", f"{outcome.loss_before:.3f} → {outcome.loss_after:.3f}")
    screen.line()
    if "json_fields" in outcome.scores:
        screen.scores(outcome.scores)
    for sample in outcome.samples:
        screen.sample(sample)
    screen.line()
    screen.fact("Quantization", quantization(outcome.decisions))
    screen.fact("Computed in", "{precision} on {device_name}, {threads} threads".format(**outcome.decisions))
    screen.fact("Adapter", str(outcome.folder))
    screen.fact("Its SHA-256", outcome.sha256)
    screen.fact("Its run", outcome.page)
    if outcome.first_step_seconds is not None:
        screen.fact("First step after", duration(outcome.first_step_seconds))
    screen.fact("Finished after", duration(outcome.seconds))
    screen.fact("Matrix products here", speeds(probe))
    missing = outcome.shortfalls() + ([] if probe else ["the speed of this machine was measured"])
    for promise in missing:
        screen.wrong(f"Not so: {promise}. The logs are in {folder / 'logs'}.")
    return not missing


EXECUTIONS = {
    "4-bit": "kept in 4 bits and computed from them",
    "dequantised": "dequantised once for computing: the same arithmetic, faster without a 4-bit kernel",
}


def quantization(decisions: dict[str, Any]) -> str:
    """How the product ran the base model's weights, as the engine decided it."""
    execution = decisions["weights_4bit_execution"]
    return f"NF4 with double quantization, {EXECUTIONS.get(execution, execution)}"


def speeds(probe: dict[str, Any] | None) -> str:
    found = {name: value for name, value in (probe or {}).items() if name.startswith("flops_") and value}
    words = [f"{value / 1e9:,.0f} billion operations a second in {name[6:]}" for name, value in found.items()]
    return ", ".join(words) or "could not be measured"


def parse_probe(said: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(said)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
