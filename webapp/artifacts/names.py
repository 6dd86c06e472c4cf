"""File names as people give them: kept as labels, and made safe where a disk or a browser will read them."""

import re
import unicodedata

LABEL_CHARS, SAFE_CHARS = 255, 150
# Characters that change how a line reads without being seen: bidirectional controls, zero-width, line separators.
_UNSEEN = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
# Also lone surrogates, which stand for bytes that are no text and which no database can store.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


def label(name: str) -> str:
    """What a person called the file, without folders and control characters; for showing only, never a path."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    return _shortened(_CONTROL.sub("", last).strip(), LABEL_CHARS) or "file"


def safe(name: str) -> str:
    """A name under which any system can store a download."""
    kept = re.sub(r'[<>:"|?*]', "_", _UNSEEN.sub("", label(name))).strip(" .")
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    return _shortened(kept, SAFE_CHARS) or "file"


def _shortened(name: str, limit: int) -> str:
    """The ending survives, since it says what the file is."""
    stem, dot, ending = name.rpartition(".")
    if len(name) <= limit or not dot or len(ending) > 20:
        return name[:limit]
    return f"{stem[: limit - 1 - len(ending)]}.{ending}"
