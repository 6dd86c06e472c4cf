"""What the demo shows: a moving picture on a terminal, plain lines in a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

See = Callable[[dict[str, Any]], None]


class Screen:
    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]{escape(text)}[/bold]")

    def fact(self, name: str, text: str) -> None:
        self.console.print(f"  {name:<22} {escape(text)}")

    def line(self, text: str = "") -> None:
        self.console.print(escape(text))

    def wrong(self, text: str) -> None:
        self.console.print(f"[bold red]{escape(text)}[/bold red]")

    @contextmanager
    def waiting(self, what: str) -> Iterator[See]:
        """A spinner with the time that has passed, while something takes long."""
        if not self.console.is_terminal:
            self.line(f"  {what} …")
            yield lambda document: None
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            progress.add_task(f"  {what}", total=None)
            yield lambda document: None

    @contextmanager
    def training(self) -> Iterator[See]:
        """A bar with step, loss and time left."""
        if not self.console.is_terminal:
            yield _Lines(self.line).see
            return
        columns = (
            TextColumn("  {task.description:<22}"),
            BarColumn(bar_width=32),
            TextColumn("step"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[words]}"),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task("Waiting for a worker", total=None, words="")

            def see(run: dict[str, Any]) -> None:
                job = run["job"]
                total = job["total_steps"] or None
                progress.update(task, description=_phase(job), completed=job["step"], total=total, words=_words(run))

            yield see

    def scores(self, scores: dict[str, Any]) -> None:
        table = Table(box=None, padding=(0, 3, 0, 2))
        table.add_column("on held-out rows")
        table.add_column("base model", justify="right")
        table.add_column("adapter", justify="right")
        base, adapter = scores["json_fields"]["base"], scores["json_fields"]["adapter"]
        table.add_row(
            "a JSON object with exactly the right fields", _percent(base), f"[bold]{_percent(adapter)}[/bold]"
        )
        for name, pair in scores.get("json_values", {}).items():
            table.add_row(f"  “{escape(name)}” is right", _percent(pair["base"]), _percent(pair["adapter"]))
        self.console.print(table)

    def sample(self, sample: dict[str, Any]) -> None:
        question = next(turn["content"] for turn in reversed(sample["prompt"]) if turn["role"] == "user")
        self.console.print(f"\n  [bold]{escape(_shortened(question))}[/bold]")
        for name, key in (("wanted", "expected"), ("base model", "base"), ("adapter", "adapter")):
            self.console.print(f"    {name:<12} {escape(_shortened(sample[key]))}")


class _Lines:
    """For a file: one line whenever another tenth of the way is done."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told = ""

    def see(self, run: dict[str, Any]) -> None:
        job = run["job"]
        tenth = 10 * job["step"] // job["total_steps"] if job["total_steps"] else 0
        mark = f"{_phase(job)} {tenth}"
        if mark != self._told:
            self._told = mark
            self._write(f"  {_phase(job):<22} step {job['step']} of {job['total_steps'] or '?'}  {_words(run)}")


PHASES = {
    "": "Waiting for a worker",
    "starting": "Starting",
    "reading": "Reading the data",
    "loading_model": "Loading the model",
    "tokenizing": "Tokenizing",
    "training": "Training",
    "evaluating": "Validating",
    "answering": "Answering",
    "saving": "Saving",
    "checking": "Checking",
}


STATES = {"finishing": "Storing and checking", "succeeded": "Done", "failed": "Failed", "cancelled": "Cancelled"}


def _phase(job: dict[str, Any]) -> str:
    if job["state"] in STATES:
        return STATES[job["state"]]
    return PHASES.get(job["phase"], job["phase"])


def _words(run: dict[str, Any]) -> str:
    words = []
    loss = run["values"].get("loss")
    if loss is not None:
        words.append(f"loss {loss:.3f}")
    if run["seconds_left"] is not None:
        words.append(f"{duration(run['seconds_left'])} left")
    return "  ".join(words)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _shortened(text: str, limit: int = 200) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= limit else one_line[: limit - 1] + "…"
