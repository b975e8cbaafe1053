"""How the lines of a bank file end: with LF, CR LF or CR alone, or not at all.

Records of fixed length may follow one another without any line end; CR alone is what some older systems write.
"""

from __future__ import annotations

import mmap
from typing import Final

LF: Final = b"\n"
CR: Final = b"\r"
_HEAD_BYTES: Final = 4096
_CARRIED: Final = b"\0\x1a"
"""What some carriers write behind the last line end."""


def line_end(data: bytes | mmap.mmap) -> bytes:
    """The line end that the beginning of the file shows; nothing where the records have none but perhaps at the very end."""
    head = bytes(data[:_HEAD_BYTES])
    if len(data) <= _HEAD_BYTES:
        head = head.rstrip(CR + LF + _CARRIED)
    before, feed, _ = head.partition(LF)
    if feed:
        return CR + LF if before.endswith(CR) else LF
    return CR if CR in head else b""


def with_line_feeds(chunk: bytes, end: bytes) -> bytes:
    """The bytes, CR written as LF in a file whose lines end with CR alone: every byte keeps its place."""
    return chunk.replace(CR, LF) if end == CR else chunk
