"""Logs: one line for each event, without the keys that open something.

A traceback never shows local variables: passwords and tokens are local variables too.
"""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

HIDDEN = "[hidden]"
# One-time links, signed links, keys to reset a password, API tokens. What stands before the key is kept.
_SECRETS = re.compile(r"((?:/join/|/setup/|/links/|/password/reset/key/\w+-|\bts_[0-9a-z]{20}_))[\w:-]{8,}")


def hide(text: str) -> str:
    return _SECRETS.sub(rf"\1{HIDDEN}", text)


class HideSecrets(logging.Filter):
    """For every handler; it sees the finished message, whoever wrote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        hidden = hide(message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True


def _hide_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = hide(value)
    return event


def configure() -> None:
    """Send structlog's events through the standard library, as `event key=value …`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            _hide_values,
            structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
