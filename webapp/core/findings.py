"""One plain statement with its evidence and what can be done about it."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Severity(enum.StrEnum):
    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"
    PASS = "pass"  # noqa: S105 - a passed check, not a password


_ORDER = list(Severity)


@dataclass(frozen=True)
class Action:
    """A link, or with `method="post"` a button that does it."""

    label: str
    url: str
    method: str = "get"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`title` and `text` may hold links when they were made by `format_html`."""

    severity: Severity
    title: str
    text: str = ""
    actions: Sequence[Action] = ()


def split(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """What needs a look, the worst first, and what passed."""
    ordered = sorted(findings, key=lambda finding: _ORDER.index(finding.severity))
    return (
        [finding for finding in ordered if finding.severity is not Severity.PASS],
        [finding for finding in ordered if finding.severity is Severity.PASS],
    )
