"""The rows around a report."""

import pytest

from tests.webapp.workshop import Workshop


@pytest.fixture
def workshop(team, trainer):
    return Workshop(team=team, by=trainer)
