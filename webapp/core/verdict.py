"""The sentence at the head of a page: it answers what its user came to ask."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

_EMPHASIS = re.compile(r"\*([^*]+)\*")


@dataclass(frozen=True, init=False)
class Verdict:
    """A translated sentence with one *emphasis*, and the values that stand in it as `%(name)s`.

    The stars are read before the values are put in, so that a name with a star stays a name with a star.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __init__(self, text: str, **values: object) -> None:
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "values", values)

    def __str__(self) -> str:
        return self._filled(_EMPHASIS.sub(r"\1", str(self.text)), self.values)

    def __html__(self) -> SafeString:
        marked = _EMPHASIS.sub(r"<em>\1</em>", conditional_escape(str(self.text)), count=1)
        escaped = {name: conditional_escape(str(value)) for name, value in self.values.items()}
        return mark_safe(self._filled(marked, escaped))  # noqa: S308 - text and values were escaped one line above

    @staticmethod
    def _filled(text: str, values: Mapping[str, object]) -> str:
        return text % values if values else text
