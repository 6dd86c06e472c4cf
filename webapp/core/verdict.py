"""The sentence at the head of a page: it answers what its user came to ask."""

import re
from collections.abc import Mapping
from typing import Self

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

_EMPHASIS = re.compile(r"\*([^*]+)\*")


class Verdict(str):
    """A translated sentence with one *emphasis*, and the values that stand in it as `%(name)s`.

    As a string it is the plain sentence, for tests and programs; on a page, `{{ verdict }}` included, it bears its
    `<em>`. The stars are read before the values are put in: a name with a star stays a name with a star.
    """

    _html: SafeString

    def __new__(cls, text: str, **values: object) -> Self:
        sentence = super().__new__(cls, _filled(_EMPHASIS.sub(r"\1", str(text)), values))
        marked = _EMPHASIS.sub(r"<em>\1</em>", conditional_escape(str(text)), count=1)
        escaped = {name: conditional_escape(str(value)) for name, value in values.items()}
        sentence._html = mark_safe(_filled(marked, escaped))  # noqa: S308 - text and values were escaped just above
        return sentence

    def after(self, sentence: str) -> Self:
        """Itself with a plain sentence before it."""
        whole = str.__new__(type(self), f"{sentence} {self}")
        whole._html = conditional_escape(sentence) + mark_safe(" ") + self._html
        return whole

    def __html__(self) -> SafeString:
        return self._html


def _filled(text: str, values: Mapping[str, object]) -> str:
    return text % values if values else text
