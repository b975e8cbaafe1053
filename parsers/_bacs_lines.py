"""Bytes of a Standard 18 file in, frames of records out: one row a record, a window at a time.

Takes lines that end with LF, CR LF or CR alone, trimmed or padded, and files without line ends, whose labels are 80 characters long or
as long as the data records.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from canonical.limits import LINE_BYTES_MAX, WINDOW_BYTES
from parsers._arrow import column
from parsers._bacs_layout import CHARACTERS, DATA, LABEL_CHARS, LABELS, MULTI_CHARS, SINGLE_CHARS
from parsers._line_ends import LF, line_end, with_line_feeds

_WINDOW_BYTES: Final = WINDOW_BYTES // 2
"""A record takes a tenth of the bytes of a payment in XML: a smaller window holds memory to the same bound."""
_LF: Final = 10
_CR: Final = 13
_LINE_ENDS: Final = b"\r\n"
_LABEL_BYTES: Final = tuple(label.encode() for label in LABELS)
_LABEL_AT: Final = re.compile(b"|".join(_LABEL_BYTES))
_PRINTABLE_OR_END: Final = bytes(range(0x20, 0x7F)) + _LINE_ENDS
_CLEAN: Final = bytes(byte if byte in _PRINTABLE_OR_END else ord("?") for byte in range(256))
_USUAL: Final = CHARACTERS + _LINE_ENDS
_IS_ODD: Final = np.array([byte not in _USUAL for byte in range(256)])


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one window. `frame`: line, offset, length (bytes without the line end), kind, text.

    `kind` is the label's name or `data`; lines of nothing but blanks are left out. `text` has at least 100 characters, a line
    end may stand behind them; of a line longer than any could be it is only the head. `characters`: line, column and byte of the first character of each
    data record that Bacs does not know.
    """

    frame: pl.DataFrame
    characters: pl.DataFrame
    last: bool


def records(data: bytes | mmap.mmap, window_bytes: int | None = None) -> Iterator[Records]:
    """Windows of records. An empty file gives one empty window."""
    size = window_bytes or _WINDOW_BYTES
    line_ends = ends_of(data)
    pieces = _chunks(data, line_ends, size) if line_ends else _blocks(data, size)
    line = 1
    for chunk, starts, ends, offset, last in pieces:
        yield _records(chunk, starts, ends, (line, offset), last=last)
        line += len(starts)


def ends_of(data: bytes | mmap.mmap) -> bytes:
    """With what the lines end; nothing where a label and a record or more follow one another without line ends."""
    return line_end(data) or (b"" if len(data) >= LABEL_CHARS + SINGLE_CHARS else LF)


_Piece = tuple[bytes, np.ndarray, np.ndarray, int, bool]
"""Bytes of a window, start and end of each record in it, its offset in the file, and whether it is the last."""


def _chunks(data: bytes | mmap.mmap, line_ends: bytes, size: int) -> Iterator[_Piece]:
    start = 0
    while True:
        end = start + size
        if end >= len(data):
            end = len(data)
        else:
            found = data.rfind(line_ends[-1:], start, end)
            end = found + 1 if found >= 0 else end
        chunk = with_line_feeds(bytes(data[start:end]), line_ends)
        ends = _line_ends(chunk)
        if chunk and (not ends.size or ends[-1] != len(chunk)):
            ends = np.append(ends, len(chunk))
        starts = np.concatenate((np.zeros(min(1, len(chunk)), np.int64), ends[:-1]))
        yield chunk, starts, ends, start, end >= len(data)
        if end >= len(data):
            return
        start = end


def _line_ends(chunk: bytes) -> np.ndarray:
    """Positions behind each line feed."""
    size, width = len(chunk), chunk.find(b"\n") + 1
    if width and size % width == 0 and chunk[width - 1 :: width].count(b"\n") == size // width == chunk.count(b"\n"):
        return np.arange(width, size + 1, width)
    return np.flatnonzero(np.frombuffer(chunk, np.uint8) == _LF) + 1


def _blocks(data: bytes | mmap.mmap, size: int) -> Iterator[_Piece]:
    """Pieces of a file without line ends: labels by themselves, runs of data records cut to the window's size."""
    total = len(data)
    while total and data[total - 1] in b"\r\n\x1a":
        total -= 1
    label, width = _widths(data)
    at = 0
    while at < total:
        if data[at : at + 4] in _LABEL_BYTES:
            stop, step = min(at + label, total), label
        else:
            stop = min(_run_end(data, at, width, total), at + max(1, size // width) * width)
            step = width
        chunk = bytes(data[at:stop])
        starts = np.arange(0, len(chunk), step)
        yield chunk, starts, np.minimum(starts + step, len(chunk)), at, stop >= total
        at = stop


def _widths(data: bytes | mmap.mmap) -> tuple[int, int]:
    """Characters of a label and of a data record."""
    widths = (LABEL_CHARS, SINGLE_CHARS, MULTI_CHARS)
    label = next((width for width in widths if data[width : width + 4] in _LABEL_BYTES), LABEL_CHARS)
    first = 0
    while data[first : first + 4] in _LABEL_BYTES:
        first += label
    for width in (SINGLE_CHARS, MULTI_CHARS):
        following = bytes(data[first + width : first + width + 31])
        if re.match(rb"[0-9]{15}..[0-9]{14}|(?:EOF1|UTL1)", following):
            return label, width
    return label, SINGLE_CHARS


def _run_end(data: bytes | mmap.mmap, start: int, width: int, total: int) -> int:
    """Where the run of data records that begins at `start` meets a label."""
    for found in _LABEL_AT.finditer(data, start, total):
        if (found.start() - start) % width == 0:
            return found.start()
    return total


def _records(chunk: bytes, starts: np.ndarray, ends: np.ndarray, place: tuple[int, int], *, last: bool) -> Records:
    line, offset = place
    array = np.frombuffer(chunk, np.uint8)
    lengths = ends - starts
    if len(chunk):
        lengths = lengths - (array[ends - 1] == _LF)
        lengths -= (lengths > 0) & (array[np.maximum(starts + lengths - 1, 0)] == _CR)
    odd = _odd_positions(chunk, array)
    text = _cleaned(chunk, odd)
    offsets = pa.py_buffer(np.append(starts, len(chunk)).astype(np.int64))
    strings = pa.LargeStringArray.from_buffers(len(starts), offsets, pa.py_buffer(text))
    frame = pl.DataFrame(
        {"line": np.arange(line, line + len(starts)), "offset": starts + offset, "length": lengths}
    ).with_columns(column("text", strings))
    if bool(((lengths < SINGLE_CHARS) | (lengths > LINE_BYTES_MAX)).any()):
        # Only here can a line end, or nothing at all, stand where a field is looked for.
        shown = pl.col("text").str.head(LINE_BYTES_MAX).str.strip_chars_end("\r\n").str.pad_end(MULTI_CHARS)
        frame = frame.with_columns(shown)
    head = pl.col("text").str.head(4)
    kind = pl.when(head.is_in(LABELS)).then(head).otherwise(pl.lit(DATA)).alias("kind")
    frame = frame.with_columns(kind)
    characters = _characters(array, odd, starts, line, frame["kind"])
    if bool((lengths < SINGLE_CHARS).any()):
        frame = frame.filter((pl.col("length") >= SINGLE_CHARS) | (pl.col("text").str.strip_chars(" \x1a?") != ""))
    return Records(frame, characters, last)


def _odd_positions(chunk: bytes, array: np.ndarray) -> np.ndarray:
    """Positions of the bytes that Bacs does not know, and of carriage returns that end no line."""
    stray_returns = b"\r" in chunk and chunk.count(b"\r") != chunk.count(b"\r\n")
    if not stray_returns and not chunk.translate(None, _USUAL):
        return np.empty(0, np.int64)
    lone = array == _CR
    lone[:-1] &= array[1:] != _LF
    lone[-1:] = False
    return np.flatnonzero(_IS_ODD[array] | lone)


def _cleaned(chunk: bytes, odd: np.ndarray) -> bytes:
    """The bytes with question marks for those that are no printable ASCII."""
    if not odd.size:
        return chunk
    cleaned = np.frombuffer(chunk.translate(_CLEAN), np.uint8).copy()
    cleaned[odd[cleaned[odd] == _CR]] = ord("?")
    return cleaned.tobytes()


def _characters(array: np.ndarray, odd: np.ndarray, starts: np.ndarray, line: int, kinds: pl.Series) -> pl.DataFrame:
    """First odd byte of each data record that has one."""
    index, first = np.unique(np.searchsorted(starts, odd, side="right") - 1, return_index=True)
    positions = odd[first]
    schema = {"line": pl.Int64, "column": pl.Int64, "byte": pl.UInt8}
    frame = pl.DataFrame(
        {"line": index + line, "column": positions - starts[index] + 1, "byte": array[positions]}, schema=schema
    )
    return frame.filter((kinds == DATA).gather(index)) if index.size else frame
