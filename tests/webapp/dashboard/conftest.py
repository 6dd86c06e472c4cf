"""The rows around a run are made as in the tests of runs."""

from tests.webapp.runs.conftest import make_base, make_run, make_version  # noqa: F401
