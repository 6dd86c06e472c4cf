"""Starting twice, after Ctrl-C and after kill -9, and two side by side, as a person would."""

import tempfile
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.installation import EMAIL, FIRST_ADMINISTRATOR, Installation, installation, is_alive

pytestmark = [pytest.mark.e2e]


def says_ready(made: Installation) -> bool:
    return httpx.get(f"{made.url}/readyz", trust_env=False, timeout=30).is_success


def test_it_starts_again_after_ctrl_c_and_after_kill_9_and_leaves_no_process() -> None:
    with tempfile.TemporaryDirectory(prefix="ts") as folder:
        first = Installation(Path(folder), **FIRST_ADMINISTRATOR).start()
        assert says_ready(first)
        assert first.stop() == 0

        second = Installation(Path(folder), **FIRST_ADMINISTRATOR).start()
        assert says_ready(second)
        left = [psutil.Process(each["pid"]) for each in second.note()["processes"]]
        second.kill()

        third = Installation(Path(folder), **FIRST_ADMINISTRATOR).start()
        assert says_ready(third)
        assert not any(is_alive(process) for process in left)
        assert third.stop() == 0
    assert "administrator" in first.output and EMAIL in first.output
    assert "administrator" not in second.output + third.output


def cookies_of(made: Installation) -> set[str]:
    return set(httpx.get(f"{made.url}/account/login/", trust_env=False, timeout=30).cookies)


def test_two_run_side_by_side_and_sign_nobody_out_of_the_other() -> None:
    with installation() as one, installation() as other:
        assert one.url != other.url
        assert says_ready(one) and says_ready(other)
        assert cookies_of(one) and not cookies_of(one) & cookies_of(other)
