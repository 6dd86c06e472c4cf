"""Text from strangers with nothing hidden in it: a character that bends a line unseen is shown as its number."""

import re

# Bidirectional embeddings, overrides and isolates; what has no width; line separators; controls but tab and line end;
# tags, in which whole sentences can hide. Marks and joiners that right-to-left text and emoji need are left alone.
_HIDDEN = re.compile(
    "[\u202a-\u202e\u2066-\u2069\u200b\u2060-\u2064\ufeff\u2028\u2029\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\U000e0000-\U000e007f]"
)


def visible(text: object) -> str:
    r"""`"abc\u202edef"` becomes `abc⟨U+202E⟩def`. Markup is not its business: templates escape."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", str(text))


def stripped(text: str) -> str:
    """Without them: for names, which stand in titles, logs and other people's lists."""
    return _HIDDEN.sub("", text)
