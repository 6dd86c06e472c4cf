"""The catalog with 100,000 adapters in one team, over HTTP, on PostgreSQL. See benchmarks/README.md."""

import argparse
import contextlib
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks import servers

CATALOG = "/t/bench/adapters/"
PEER = "/t/bench/peer/"
API = "/api/v1/adapters"
RESULTS = Path(__file__).parent / "results"


@dataclass
class Question:
    """One address that is asked again and again. `queries` is counted once, in this process."""

    name: str
    path: str
    is_peer: bool = False
    queries: int = 0
    milliseconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return sorted(self.milliseconds)[max(0, round(0.95 * len(self.milliseconds)) - 1)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--adapters", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=100, help="how often each address is asked")
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        os.environ |= stack.enter_context(servers.databases(folder))
        keys, questions = _fill(given.adapters)
        ours = stack.enter_context(servers.web("webapp.asgi:application"))
        peer = stack.enter_context(servers.web("benchmarks.peer:application"))
        _measure(questions, ours=ours, peer=peer, keys=keys, rounds=given.rounds)
    _report(questions, given)


def _fill(count: int) -> tuple[dict[str, str], list[Question]]:
    os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from benchmarks import filling

    settings.ALLOWED_HOSTS.append("testserver")
    call_command("migrate", verbosity=0)
    started = time.monotonic()
    team, person = filling.team_with(count)
    _say(f"{count:,} adapters filled in {time.monotonic() - started:.0f} s")
    keys = {"cookie": f"{settings.SESSION_COOKIE_NAME}={filling.sign_in(person)}"}
    keys["token"] = f"Bearer {filling.token(person, team)}"
    questions = _questions(team, count)
    for question in questions:
        if not question.is_peer:
            question.queries = _queries(question, keys)
    return keys, questions


def _questions(team: Any, count: int) -> list[Question]:
    """First, middle and last page in each order, filters, words; the last page is the one before the end."""
    from webapp.adapters import finding
    from webapp.adapters.models import Listing
    from webapp.basemodels.models import PretrainedModel

    def cursor(depth: float, sort: finding.Sort = finding.Sort.NEWEST, size: int = finding.PAGE) -> str:
        place = min(int(count * depth), count - size - 1)
        rows = Listing.objects.filter(team=team).order_by(*finding.ORDERS[sort])
        return str(rows.values_list("adapter__public_id", flat=True)[place])

    base = PretrainedModel.objects.order_by("-id")[0].public_id
    words = Listing.objects.order_by("pk").select_related("adapter")[count // 3].adapter.name.split("-")
    last = count // finding.PAGE
    return [
        Question("first page", CATALOG),
        Question("middle page", f"{CATALOG}?after={cursor(0.5)}"),
        Question("last page", f"{CATALOG}?after={cursor(1)}"),
        Question("by name, first", f"{CATALOG}?sort=name"),
        Question("by name, last", f"{CATALOG}?sort=name&after={cursor(1, finding.Sort.NAME)}"),
        Question("by gain, first", f"{CATALOG}?sort=gain"),
        Question("by gain, last", f"{CATALOG}?sort=gain&after={cursor(1, finding.Sort.GAIN)}"),
        Question("filter: production", f"{CATALOG}?stage=production"),
        Question("filter: base model", f"{CATALOG}?base={base}"),
        Question("filter: tag", f"{CATALOG}?tag=beta"),
        Question("three filters", f"{CATALOG}?stage=draft&base={base}&tag=claims"),
        Question("search: two words", f"{CATALOG}?q={'+'.join(words[:2])}"),
        Question("search: three letters", f"{CATALOG}?q={words[0][:3]}"),
        Question("search: a word in all", f"{CATALOG}?q=written"),
        Question("API, first page", f"{API}?limit=30"),
        Question("API, last page", f"{API}?limit=30&cursor={cursor(1)}"),
        Question("API, three filters", f"{API}?limit=30&stage=draft&base={base}&tag=claims"),
        Question("API, search", f"{API}?limit=30&q={'+'.join(words[:2])}"),
        Question("Paginator, first page", PEER, is_peer=True),
        Question("Paginator, middle page", f"{PEER}?page={last // 2}", is_peer=True),
        Question("Paginator, last page", f"{PEER}?page={last}", is_peer=True),
        Question("Paginator, production", f"{PEER}?stage=production", is_peer=True),
        Question("no database (healthz)", "/healthz"),
    ]


def _queries(question: Question, keys: dict[str, str]) -> int:
    """With the numbers of the navigation in the cache, where they stay for 15 seconds."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"cookie": keys["cookie"], "authorization": keys["token"]})
    client.get(CATALOG)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(question.path)
    assert answer.status_code == 200, f"{question.name}: {answer.status_code}"
    return len([query for query in captured.captured_queries if not query["sql"].startswith(("BEGIN", "SAVEPOINT"))])


def _measure(questions: Sequence[Question], *, ours: str, peer: str, keys: dict[str, str], rounds: int) -> None:
    """All addresses in turn, in another order each round, so that whatever else the machine does meets all alike."""
    chance = random.Random(7)  # noqa: S311
    headers = {"Cookie": keys["cookie"], "Authorization": keys["token"]}
    with httpx.Client(headers=headers, timeout=60) as client:
        for number in range(rounds + 3):
            for question in chance.sample(questions, len(questions)):
                url = (peer if question.is_peer else ours) + question.path
                started = time.perf_counter()
                answer = client.get(url)
                taken = 1000 * (time.perf_counter() - started)
                assert answer.status_code == 200, f"{question.name}: {answer.status_code}"
                if number >= 3:  # before that, everything is warmed up
                    question.milliseconds.append(taken)


def _report(questions: Sequence[Question], given: argparse.Namespace) -> None:
    by_name = {question.name: question for question in questions}
    _say("", "| asked | queries | median ms | p95 ms | min – max ms |", "|---|---:|---:|---:|---:|")
    for q in questions:
        span = f"{min(q.milliseconds):.1f} – {max(q.milliseconds):.1f}"
        _say(f"| {q.name} | {q.queries or ''} | {q.median:.1f} | {q.p95:.1f} | {span} |")
    pairs = [
        ("last ÷ first page", "last page", "first page"),
        ("last ÷ first page, API", "API, last page", "API, first page"),
        ("last ÷ first page, by name", "by name, last", "by name, first"),
        ("last ÷ first page, by gain", "by gain, last", "by gain, first"),
        ("Paginator ÷ ours, first page", "Paginator, first page", "first page"),
        ("Paginator ÷ ours, last page", "Paginator, last page", "last page"),
        ("Paginator ÷ ours, production", "Paginator, production", "filter: production"),
    ]
    ratios = {name: by_name[a].median / by_name[b].median for name, a, b in pairs}
    _say("", "| ratio of medians | |", "|---|---:|", *[f"| {name} | {value:.2f} |" for name, value in ratios.items()])
    RESULTS.mkdir(exist_ok=True)
    result = {
        "benchmark": "catalog",
        "adapters": given.adapters,
        "rounds": given.rounds,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "load": os.getloadavg(),
        "ratios": ratios,
        "milliseconds": {
            q.name: {
                "queries": q.queries, "median": q.median, "p95": q.p95,
                "min": min(q.milliseconds), "max": max(q.milliseconds),
            }
            for q in questions
        },
    }  # fmt: skip
    (RESULTS / "catalog.json").write_text(json.dumps(result, indent=2) + "\n")


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
