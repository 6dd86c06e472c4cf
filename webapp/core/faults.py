"""Two kinds of failure. What a person can mend is a UserFault; everything else is ours and gets logged with a trace."""

import dataclasses
from typing import Any


@dataclasses.dataclass
class UserFault(Exception):
    """Something the caller can put right.

    `message` is a whole translated sentence with cause, place and remedy; `code` is stable and for
    programs; `field` names the input it belongs to; `status` is the HTTP answer of the API.
    """

    code: str
    message: str
    field: str = ""
    row: int | None = None
    status: int = 422
    data: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.message)
