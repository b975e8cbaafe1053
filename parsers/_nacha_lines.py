"""Bytes of an ACH file in, frames of records out: one row a record, padded to 94 characters, a window at a time.

Takes lines that end with LF or CR LF, and files without line ends (94-byte blocks).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

from canonical.codes import Level, Severity
from canonical.limits import LINE_BYTES_MAX, WINDOW_BYTES
from parsers._nacha_findings import Fault, gathered
from parsers._nacha_layout import FILLER, KINDS, RECORD_CHARS

_WINDOW_BYTES: Final = WINDOW_BYTES // 2
"""An entry takes a tenth of the bytes of a payment in XML: a smaller window holds memory to the same bound."""
_LF: Final = 10
_CR: Final = 13
_HEAD_BYTES: Final = 4096
_LINE_ENDS: Final = b"\r\n"
_PRINTABLE: Final = bytes(range(0x20, 0x7F))
_PRINTABLE_OR_END: Final = _PRINTABLE + _LINE_ENDS
_CLEAN: Final = bytes(byte if byte in _PRINTABLE_OR_END else ord("?") for byte in range(256))
_IS_BAD: Final = np.array([byte not in _PRINTABLE_OR_END for byte in range(256)])

_KNOWN: Final = [*(kind for kind in KINDS if kind), FILLER]

_LENGTH_REMEDY: Final = "Write every record with exactly 94 characters, filled up with blanks."
_TOO_LONG: Final = Fault("nacha-length", "FF02", Severity.FATAL, Level.FILE, "record", _LENGTH_REMEDY)
_LENGTH: Final = Fault("nacha-length", "FF02", Severity.ERROR, Level.FILE, "record", _LENGTH_REMEDY)
_BLANKS: Final = Fault("nacha-length", "FF02", Severity.WARNING, Level.FILE, "record", _LENGTH_REMEDY)
_EMPTY_LINE: Final = Fault(
    "nacha-length", "FF02", Severity.WARNING, Level.FILE, "record", "Leave no empty lines between records."
)
_UNKNOWN: Final = Fault(
    "nacha-record-type", "FF02", Severity.ERROR, Level.FILE, "record type code",
    "Begin every record with its type: 1, 5, 6, 7, 8 or 9.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one window. `frame`: line, offset, length (bytes without the line end), kind, text (94 or more).

    `kind` is the record type code, `F` for filler; lines that are empty or of no known type are left out of `frame`,
    with a finding. `characters`: line, column and byte (hex) of the first character of each line that is no printable
    ASCII; it reads as a question mark in `text`. `physical` counts records for the block count, filler included.
    """

    frame: pl.DataFrame
    findings: pl.DataFrame
    characters: pl.DataFrame
    physical: int
    last: bool


def in_blocks(data: bytes | mmap.mmap) -> bool:
    """True when the records follow one another without line ends."""
    return b"\n" not in data[:_HEAD_BYTES].rstrip(_LINE_ENDS) and len(data) >= 2 * RECORD_CHARS


def records(data: bytes | mmap.mmap) -> Iterator[Records]:
    """Windows of records, cut where no addenda record follows. An empty file gives one empty window."""
    blocks = in_blocks(data)
    start, line = 0, 1
    while True:
        end = _window_end(data, start, blocks=blocks)
        chunk = data[start:end]
        if blocks and end == len(data):
            chunk = chunk.rstrip(_LINE_ENDS)
        lines, characters = _lines(chunk, line, start, blocks=blocks)
        last = end >= len(data)
        findings = gathered(_length_findings(lines, last=last))
        kept = lines.filter(pl.col("kind").is_in(_KNOWN))
        physical = int((lines["length"] > 0).sum())
        yield Records(kept, findings, characters, physical, last)
        if last:
            return
        start, line = end, line + lines.height


def _window_end(data: bytes | mmap.mmap, start: int, *, blocks: bool) -> int:
    """Where the window that begins at `start` ends: before a record that is no addenda, within the window's size."""
    limit = start + _WINDOW_BYTES
    if limit >= len(data):
        return len(data)
    if blocks:
        end = start + _WINDOW_BYTES // RECORD_CHARS * RECORD_CHARS
        while end > start + RECORD_CHARS and data[end : end + 1] == b"7":
            end -= RECORD_CHARS
        return end
    cuts = [data.rfind(b"\n" + kind, start, limit) for kind in (b"6", b"5", b"8")]
    end = max(cuts)
    if end < 0:
        # Nothing but addenda (or no line end at all) in a whole window: cut anywhere, each piece gets its finding.
        end = data.rfind(b"\n", start, limit)
    return end + 1 if end >= 0 else limit


def _lines(chunk: bytes, line: int, offset: int, *, blocks: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every line of the chunk (one that is too long cut to what is looked at), and the characters at fault."""
    starts, ends, lengths = _bounds(chunk, blocks=blocks)
    bad = _bad_characters(chunk)
    text = chunk.translate(_CLEAN) if bad.size else chunk
    offsets = pa.py_buffer(np.append(starts, len(chunk)).astype(np.int64))
    strings = pa.LargeStringArray.from_buffers(len(starts), offsets, pa.py_buffer(text))
    frame = pl.DataFrame(
        {"line": np.arange(line, line + len(starts)), "offset": starts + offset, "length": lengths}
    ).with_columns(pl.Series("text", pl.from_arrow(strings), dtype=pl.String))
    if bool((lengths != RECORD_CHARS).any()):
        # Only here can a line end, or nothing at all, stand where a field is looked for.
        frame = frame.with_columns(pl.col("text").str.strip_chars_end("\r\n").str.pad_end(RECORD_CHARS))
    frame = frame.with_columns(_kind())
    return frame, _characters(chunk, bad, starts, ends, line)


def _bounds(chunk: bytes, *, blocks: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start of each line, its end with the line end, and its length without."""
    array = np.frombuffer(chunk, np.uint8)
    size = len(chunk)
    if blocks:
        ends = np.minimum(np.arange(RECORD_CHARS, size + RECORD_CHARS, RECORD_CHARS), size)
        starts = np.arange(0, size, RECORD_CHARS)
        return starts, ends, ends - starts
    ends = np.flatnonzero(array == _LF) + 1
    if size and (not ends.size or ends[-1] != size):
        ends = np.append(ends, size)
    starts = np.concatenate((np.zeros(min(1, size), np.int64), ends[:-1]))
    lengths = ends - starts - (array[ends - 1] == _LF)
    with_return = (lengths > 0) & (array[np.maximum(starts + lengths - 1, 0)] == _CR)
    return starts, ends, lengths - with_return


def _kind() -> pl.Expr:
    kind = pl.col("text").str.head(1)
    filler = (kind == "9") & pl.col("text").str.contains(r"^9+\s*$")
    return pl.when(filler).then(pl.lit(FILLER)).otherwise(kind).alias("kind")


def _bad_characters(chunk: bytes) -> np.ndarray:
    """Positions of bytes that no ACH record may hold."""
    stray_returns = b"\r" in chunk and chunk.count(b"\r") != chunk.count(b"\r\n")
    if not stray_returns and not chunk.translate(None, _PRINTABLE_OR_END):
        return np.empty(0, np.int64)
    array = np.frombuffer(chunk, np.uint8)
    bad = _IS_BAD[array]
    lone = array == _CR
    lone[:-1] &= array[1:] != _LF
    lone[-1:] = False
    return np.flatnonzero(bad | lone)


def _characters(chunk: bytes, bad: np.ndarray, starts: np.ndarray, ends: np.ndarray, line: int) -> pl.DataFrame:
    """First bad byte of each line that has one: line, column from 1, byte in hex."""
    index, first = np.unique(np.searchsorted(ends, bad, side="right"), return_index=True)
    positions = bad[first]
    return pl.DataFrame(
        {
            "line": index + line,
            "column": positions - starts[index] + 1,
            "byte": [f"{chunk[position]:02X}" for position in positions.tolist()],
        },
        schema={"line": pl.Int64, "column": pl.Int64, "byte": pl.String},
    )


def _length_findings(frame: pl.DataFrame, *, last: bool) -> Iterator[pl.DataFrame]:
    """Lines that are not 94 characters long, empty ones, and records of no known type."""
    known = pl.col("kind").is_in(_KNOWN)
    suspect = frame.filter((pl.col("length") != RECORD_CHARS) | ~known)
    if suspect.is_empty():
        return
    suspect = suspect.with_columns((pl.col("text").str.strip_chars(" ") == "").alias("blank"))
    odd = suspect.filter(~pl.col("blank"), pl.col("length") != RECORD_CHARS)
    length = pl.format("The record has {} characters; 94 are right.", "length")
    # Only header and file control end in optional or reserved blanks, which some systems trim.
    trimmed = (pl.col("length") < RECORD_CHARS) & pl.col("kind").is_in(["1", "9", FILLER])
    padded = (pl.col("length") > RECORD_CHARS) & (pl.col("text").str.slice(RECORD_CHARS).str.strip_chars(" ") == "")
    endless = pl.col("length") > LINE_BYTES_MAX
    yield _TOO_LONG.on(odd.filter(endless), length)
    yield _BLANKS.on(odd.filter(~endless & (trimmed | padded)), length)
    yield _LENGTH.on(odd.filter(~endless & ~(trimmed | padded)), length)
    # Empty lines after the last record harm nothing.
    end = frame.filter(known)["line"].max() if last else frame["line"].max()
    yield _EMPTY_LINE.on(suspect.filter("blank", pl.col("line") <= (end or 0)), "The line is empty.")
    unknown = pl.format("No ACH record begins with {}.", pl.col("kind"))
    yield _UNKNOWN.on(suspect.filter(~known, ~pl.col("blank")), unknown, pl.col("kind"))
