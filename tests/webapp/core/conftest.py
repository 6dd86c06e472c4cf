from pathlib import Path
from typing import Any

import pytest
from django.template import engines


@pytest.fixture
def own_pages(settings: Any) -> None:
    """Pages that exist only here, with every part in its states: tests/webapp/core/pages.py."""
    settings.ROOT_URLCONF = "tests.webapp.core.pages"
    templates = dict(settings.TEMPLATES[0])
    templates["DIRS"] = [*templates["DIRS"], Path(__file__).parent / "templates"]
    settings.TEMPLATES = [templates]
    assert "django" in engines.templates
