"""What `make up` writes on the terminal, and what only the log files have."""

import pytest

from webapp.launch.management.commands.up import is_shown

REQUEST = "django_structlog.middlewares.request event='request_finished'"


@pytest.mark.parametrize(
    ("name", "line", "is_it"),
    [
        ("web", f"2026-01-01 10:00:00,000 INFO {REQUEST} code=200 request='GET /t/acme/'", False),
        ("web", f"2026-01-01 10:00:00,000 WARNING {REQUEST} code=404 request='GET /nowhere'", True),
        ("web", f"2026-01-01 10:00:00,000 ERROR {REQUEST} code=500 request='GET /broken'", True),
        ("worker", "2026-01-01 10:00:00,000 INFO workers.crew took job_1", True),
        ("broker", "Background saving started", False),
    ],
)
def test_a_terminal_is_spared_what_is_ordinary(name: str, line: str, is_it: bool) -> None:
    assert is_shown(name, line) is is_it
