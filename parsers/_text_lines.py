"""Bytes of a line-based bank file in, lines as columns out, in the encoding that the profile declares.

Lines end with LF, CR LF or CR, or with `@@`, as German home banking wrote them. A window ends before a line that begins with one of the marks the caller names.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_of
from canonical.limits import WINDOW_BYTES
from parsers._nacha_findings import NONE, Fault

Encoding = Literal["swift", "utf-8", "latin-1", "cp1252"]
"""`swift`: printable ASCII, as FIN carries it; what lies beyond reads as a question mark."""
_CODECS: Final = {"swift": "latin-1", "utf-8": "utf-8", "latin-1": "latin-1", "cp1252": "cp1252"}
_FOREIGN: Final = {
    "swift": r"[^\x20-\x7e]",
    **dict.fromkeys(("utf-8", "latin-1", "cp1252"), r"[\x00-\x08\x0b-\x1f\x7f-\x{9f}\x{fffd}]"),
}
"""What no line of the encoding holds: in SWIFT's anything but printable ASCII, else control characters."""
_BOM: Final = b"\xef\xbb\xbf"
_SIZE: Final = WINDOW_BYTES // 2
_CARRIERS: Final = b"\x00\x01\x02\x03\x04\x0c\x1a"
"""What some carriers write around messages: it is no part of them."""
_CHARACTER: Final = "{}-character"
_DOUBLED: Final = b"@@"
"""A line end of its own where no other one stands before a field. Source: Die Deutsche Kreditwirtschaft, DFÜ agreement annex 3."""
_HEAD_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one window. `frame`: line (from 1), text (without its end). `foreign`: line, text of those with bad bytes."""

    frame: pl.DataFrame
    foreign: pl.DataFrame


def lines(
    data: bytes | mmap.mmap, encoding: Encoding, marks: tuple[bytes, ...], window_bytes: int = _SIZE
) -> Iterator[Lines]:
    """Windows of lines. An empty file gives one empty window."""
    start, line = len(_BOM) if data[: len(_BOM)] == _BOM else 0, 1
    head = bytes(data[:_HEAD_BYTES])
    doubled = _DOUBLED + b":" in head and not any(end + b":" in head for end in (b"\n", b"\r"))
    ends = (_DOUBLED[:1],) if doubled else (b"\n", b"\r")
    while True:
        end = _window_end(data, start, window_bytes, tuple(sign + mark for sign in ends for mark in marks))
        raw = data[start:end]
        window = _window(raw.replace(_DOUBLED, b"\n") if doubled else raw, encoding, line, last=end >= len(data))
        yield window
        if end >= len(data):
            return
        start, line = end, line + window.frame.height


def _window_end(data: bytes | mmap.mmap, start: int, size: int, marks: tuple[bytes, ...]) -> int:
    if start + size >= len(data):
        return len(data)
    found = max(data.rfind(mark, start + 1, start + size) for mark in marks)
    if found < 0:
        # One account longer than a window: as far as it goes.
        later = [data.find(mark, start + size - 1) for mark in marks]
        found = min((place for place in later if place >= 0), default=-1)
    return found + 1 if found >= 0 else len(data)


def _window(raw: bytes, encoding: Encoding, line: int, *, last: bool) -> Lines:
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not last:
        raw = raw.removesuffix(b"\n")
    if any(sign in raw for sign in _CARRIERS):
        raw = raw.translate(None, _CARRIERS)
    text = raw.decode(_CODECS[encoding], "replace")
    frame = pl.DataFrame({"text": [text]}).select(pl.col("text").str.split("\n").explode())
    frame = frame.select(
        pl.int_range(line, line + pl.len(), dtype=pl.Int64).alias("line"), pl.col("text").str.replace_all("\t", " ")
    )
    foreign = frame.filter(pl.col("text").str.contains(_FOREIGN[encoding]))
    if encoding == "swift" and not foreign.is_empty():
        frame = frame.with_columns(pl.col("text").str.replace_all(_FOREIGN[encoding], "?"))
    return Lines(frame, foreign)


def foreign_finding(foreign: pl.DataFrame, encoding: Encoding, name: str) -> pl.DataFrame:
    """One finding for all lines of a file that hold what its declared encoding does not."""
    if foreign.is_empty():
        return NONE
    message = f"Bytes that are no {encoding} text stand in {count_of(foreign.height, 'line')}; such a byte reads as a sign of its own."
    remedy = "Ask the provider which encoding it writes, and declare it in the profile (encoding)."
    fault = Fault(_CHARACTER.format(name), "RR10", Severity.WARNING, Level.FILE, "line", remedy)
    return fault.on(foreign.head(1), message)
