from typing import Any

import pytest

from tests.security import world as worlds
from tests.security.world import World


@pytest.fixture
def world(team: Any, owner: Any) -> World:
    """One of everything in the team of the cast."""
    return worlds.build(team=team, owner=owner)
