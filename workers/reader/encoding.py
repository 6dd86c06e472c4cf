"""Finds out in which encoding a file is written, and turns any of them into UTF-8."""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import charset_normalizer

SAMPLE_BYTES = 64 * 1024
UTF8_WEIGHT = 10  # text in another encoding hardly ever happens to be valid UTF-8, so a little of it proves much
_BOMS = (  # the longer ones first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Python's codec → the name people know. Among equally good guesses the earlier wins.
_LEGACY = {
    "cp1252": "windows-1252",
    "cp1250": "windows-1250",
    "cp1251": "windows-1251",
    "cp1253": "windows-1253",
    "cp1254": "windows-1254",
    "cp1257": "windows-1257",
    "cp1255": "windows-1255",
    "cp1256": "windows-1256",
    "cp932": "shift-jis",
    "gb18030": "gb18030",
    "big5": "big5",
    "euc_kr": "euc-kr",
    "euc_jp": "euc-jp",
    "koi8_r": "koi8-r",
    "mac_roman": "macintosh",
    "cp850": "ibm850",
    "cp437": "ibm437",
}


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """`found_by` is "bom", "utf-8" (every byte fits), "zero bytes" or "content" (the likeliest of several)."""

    name: str
    codec: str
    found_by: str
    bom_bytes: int = 0

    @property
    def is_guess(self) -> bool:
        return self.found_by == "content"


_UTF8 = Encoding(name="utf-8", codec="utf-8", found_by="utf-8")


def find(chunks: Iterable[bytes]) -> Encoding:
    """Look at the whole stream; memory stays flat."""
    blocks = _blocks(chunks)
    first = next(blocks, b"")
    for bom, name in _BOMS:
        if first.startswith(bom):
            for _block in blocks:  # to the end, so that a damaged upload is noticed at the same place as always
                pass
            return Encoding(name=name, codec=name, found_by="bom", bom_bytes=len(bom))
    if wide := _find_zero_bytes(first[:4096]):
        return wide
    tally = _Tally()
    tally.add(first)
    for block in blocks:
        tally.add(block)
    if tally.utf8_bytes * UTF8_WEIGHT >= tally.other_bytes:
        return _UTF8  # single rows that do not fit get their own verdict
    return _guess_legacy(bytes(tally.sample)) or _UTF8


def to_utf8(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """The stream in UTF-8 without its byte order mark.

    What the encoding does not know becomes a lone surrogate's bytes, which no UTF-8 decoder takes: so the
    row, and only the row, is found bad later.
    """
    chunks = _without_bom(chunks, encoding.bom_bytes)
    if encoding.codec == "utf-8":
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding.codec)(errors=_MARK)
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    if rest := decoder.decode(b"", final=True):
        yield rest.encode("utf-8", "surrogatepass")


class _Tally:
    """How much of the text beyond ASCII is UTF-8, and a sample of what is not."""

    def __init__(self) -> None:
        self.utf8_bytes = self.other_bytes = 0
        self.sample = bytearray()

    def add(self, block: bytes) -> None:
        if block.isascii():
            return
        if _is_utf8(block):
            self.utf8_bytes += len(block)
            return
        for line in block.split(b"\n"):
            if line.isascii():
                continue
            if _is_utf8(line):
                self.utf8_bytes += len(line)
                continue
            self.other_bytes += len(line)
            if len(self.sample) < SAMPLE_BYTES:
                self.sample += line[: SAMPLE_BYTES - len(self.sample)] + b"\n"


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks cut after their last newline, so that no character is torn; endless lines are cut between characters."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = rest.rfind(b"\n") + 1
        if not end and len(rest) > 1 << 20:
            end = len(rest) - len(_OPEN_CHARACTER.search(rest, max(0, len(rest) - 4)).group())  # type: ignore[union-attr]
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


_OPEN_CHARACTER = re.compile(rb"(?:[\xc0-\xff][\x80-\xbf]*)?\Z")


def _find_zero_bytes(head: bytes) -> Encoding | None:
    """UTF-16 without a mark: mostly Latin text shows as every second byte being zero."""
    half = len(head) // 2
    if half < 2:
        return None
    even, odd = head[0 : 2 * half : 2].count(0), head[1 : 2 * half : 2].count(0)
    if odd > 0.4 * half and even < 0.05 * half:
        return Encoding(name="utf-16-le", codec="utf-16-le", found_by="zero bytes")
    if even > 0.4 * half and odd < 0.05 * half:
        return Encoding(name="utf-16-be", codec="utf-16-be", found_by="zero bytes")
    return None


def _guess_legacy(sample: bytes) -> Encoding | None:
    """The least chaotic and most language-like of the encodings in use; the commonest of equals."""
    order, best = list(_LEGACY), None
    for match in charset_normalizer.from_bytes(sample, cp_isolation=order):
        for codec in {match.encoding, *match.could_be_from_charset} & set(order):
            rank = (round(match.chaos, 2), -round(match.coherence, 1), order.index(codec))
            best = min(best or (rank, codec), (rank, codec))
    if best is None:
        return None
    return Encoding(name=_LEGACY[best[1]], codec=best[1], found_by="content")


def _without_bom(chunks: Iterable[bytes], bom_bytes: int) -> Iterator[bytes]:
    for chunk in chunks:
        if bom_bytes:
            cut = min(bom_bytes, len(chunk))
            chunk, bom_bytes = chunk[cut:], bom_bytes - cut
        if chunk:
            yield chunk


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\udcff" * (error.end - error.start), error.end


_MARK = "tunesmith.mark"
codecs.register_error(_MARK, _mark)
