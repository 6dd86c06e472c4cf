"""Everything that runs on one machine, started in order and stopped in the opposite order."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from webapp.launch import broker, ports, state
from webapp.launch.errors import LaunchError
from webapp.launch.processes import Processes, Program

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90
GIVEN_BROKER_SECONDS = 5
HOPELESS_DEATHS = 3
# Celery warns root of pickled messages; ours are JSON and carry no orders.
NOT_AS_ROOT = "ignore::UserWarning:celery.platforms"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
OPEN_BUT_REFUSED = (
    "It listens on {host}, yet answers only to localhost. For other machines set ALLOWED_HOSTS to the\n"
    "names and addresses by which they reach it, for instance ALLOWED_HOSTS=localhost,127.0.0.1,{name}"
)
STOP_ORDER = ["housekeeping", "worker", "web", "broker"]


class Launcher:
    """One installation while it runs. `say` tells the person a fact, `show` passes a program's line on."""

    def __init__(
        self,
        *,
        folder: Path,
        host: str,
        port: str,
        say: Callable[[str, str], None],
        show: Callable[[str, str], None],
        worker_ended: Callable[[int], None],
    ) -> None:
        self.folder = folder
        self.url = ""
        self._host = host
        self._port = port
        self._say = say
        self._show = show
        self._worker_ended = worker_ended
        self._lock: state.Lock | None = None
        self._listener: socket.socket | None = None
        self._processes: Processes | None = None
        self._described: list[int] | None = None

    def open(self) -> None:
        """Take the state folder and the address. Nothing runs yet."""
        os.umask(0o077)  # for this process and all it starts
        state.prepare(self.folder)
        lock = state.Lock(self.folder)
        lock.acquire()
        self._lock = lock
        self._say("state", str(self.folder))
        self._listener = ports.listen(host=self._host, port=self._port)
        port = self._listener.getsockname()[1]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        self.url = f"http://{host}:{port}"
        os.environ.setdefault("PUBLIC_URL", self.url)
        if self._host not in LOOPBACK and not os.environ.get("ALLOWED_HOSTS"):
            self._say("hosts", OPEN_BUT_REFUSED.format(host=self._host, name=socket.gethostname()))
        self._processes = Processes(
            folder=self.folder / "logs",
            cwd=ROOT,
            show=self._show,
            inherit=(lock.descriptor,),
            ended=self._notice_end,
        )
        self._describe()

    def start(self) -> None:
        """Start the broker, then what needs it, and return when the web process answers."""
        assert self._processes is not None and self._listener is not None
        self._start_broker()
        for program in programs(listener=self._listener.fileno()):
            self._processes.start(program)
        self._describe()
        self._wait_until_ready()
        self._say("address", os.environ["PUBLIC_URL"])

    def _start_broker(self) -> None:
        assert self._processes is not None
        chosen = broker.choose(folder=self.folder, redis_url=os.environ.get("REDIS_URL", ""))
        note = self.folder / "broker_url"
        if chosen.argv:
            state.write_private(note, chosen.url)
            self._processes.start(Program(name="broker", argv=chosen.argv, grace_seconds=10))
            self._wait_for_broker(chosen)
        else:
            note.unlink(missing_ok=True)
            broker.check(chosen.url, wait_seconds=GIVEN_BROKER_SECONDS)
        self._say("broker", chosen.description)

    def _wait_for_broker(self, chosen: broker.Broker) -> None:
        while not broker.answers(chosen.url):
            self._watch_start("broker")

    def _wait_until_ready(self) -> None:
        assert self._listener is not None
        deadline = time.monotonic() + READY_SECONDS
        while not _is_ready(self._listener):
            self._watch_start("web")
            if time.monotonic() > deadline:
                raise LaunchError(
                    f"The web process does not answer. Its words are in {self.folder / 'logs' / 'web.log'}."
                )

    def _watch_start(self, name: str) -> None:
        """Watch for a moment; give up when a program that the start waits for keeps dying."""
        assert self._processes is not None
        self._processes.watch(0.1)
        if self._processes.quick_deaths(name) >= HOPELESS_DEATHS:
            words = "\n".join(f"    {line}" for line in self._processes.last_lines(name))
            raise LaunchError(f"The {name} process does not start. Its last words:\n{words}")

    def watch(self, seconds: float) -> None:
        assert self._processes is not None
        self._processes.watch(seconds)
        self._describe()

    def _describe(self) -> None:
        """Keep the note beside the lock true; on a full disk the old one stands until there is room."""
        assert self._lock is not None and self._processes is not None
        pids = self._processes.pids()
        if pids != self._described:
            try:
                self._lock.describe(url=self.url, pids=pids)
            except OSError:
                return
            self._described = pids

    def _notice_end(self, name: str, pid: int, code: int) -> None:
        if name == "worker":
            self._worker_ended(pid)

    def stop(self) -> None:
        """Stop in order, so that a worker can still say where its jobs stand, and give the folder back."""
        if self._processes is not None:
            for name in STOP_ORDER:
                if name in self._processes.names():
                    self._say("stopping", name)
                    self._processes.stop(name)
        if self._listener is not None:
            self._listener.close()
        if self._lock is not None:
            (self.folder / "broker_url").unlink(missing_ok=True)
            self._lock.release()


def programs(*, listener: int) -> list[Program]:
    """What an installation runs beside the broker; docker-compose.yml starts the same."""
    python = sys.executable
    worker = [
        python,
        "-m",
        "celery",
        "--quiet",
        "--app",
        "workers.tasks",
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "2",
    ]
    return [
        Program(
            name="web",
            argv=[python, "-m", "webapp.launch.web", str(listener)],
            grace_seconds=15,
            descriptors=(listener,),
        ),
        Program(name="worker", argv=worker, grace_seconds=75, env={"PYTHONWARNINGS": NOT_AS_ROOT}),
        Program(name="housekeeping", argv=[python, "-m", "workers.housekeeping"], grace_seconds=10),
    ]


def _is_ready(listener: socket.socket) -> bool:
    host, port = listener.getsockname()[:2]
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": "127.0.0.1"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
