"""The accessibility rules of axe, as one assertion."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def assert_no_violations(page: Page, *, within: str | None = None) -> None:
    """Each rule that is broken, with the elements that break it."""
    options = {"runOnly": {"type": "tag", "values": TAGS}}
    violations = Axe().run(page, context=within, options=options).response["violations"]
    lines = [
        f"{violation['id']} ({violation['impact']}): {violation['help']}\n    "
        + "\n    ".join(f"{node['target']} {node['html'][:160]}" for node in violation["nodes"][:5])
        for violation in violations
    ]
    assert not lines, f"{page.url} breaks {len(lines)} rules:\n" + "\n".join(lines)
