"""Real servers for a benchmark: PostgreSQL and Redis as the tests start them, and web processes as production does."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 60


def of_the_tests() -> ModuleType:
    """`.ci/servers.py`, which is a program and no package."""
    spec = importlib.util.spec_from_file_location("ci_servers", ROOT / ".ci" / "servers.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """The environment that leads to a new PostgreSQL and a new Redis."""
    start = of_the_tests()
    for name in ("postgresql", "redis", "state"):
        (folder / name).mkdir()
    folder.chmod(0o755)  # PostgreSQL runs as another user when this is root
    with start.postgresql(folder / "postgresql") as database_url, start.redis(folder / "redis") as redis_url:
        yield {
            "DATABASE_URL": database_url, "REDIS_URL": redis_url, "TUNESMITH_STATE": str(folder / "state"),
            "LOG_LEVEL": "WARNING", "HF_HUB_OFFLINE": "1",
        }  # fmt: skip


@contextlib.contextmanager
def web(application: str) -> Iterator[str]:
    """One web process with the options of docker/Dockerfile; gives its address."""
    port = of_the_tests().free_port()
    options = [
        "--lifespan",
        "off",
        "--no-access-log",
        "--no-server-header",
        "--no-proxy-headers",
        "--log-level",
        "warning",
    ]
    argv = [sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port), *options]
    process = subprocess.Popen(argv, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(process, f"{url}/healthz")
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=1):  # noqa: S310
            return
        time.sleep(0.2)
    sys.exit("the web process did not start")
