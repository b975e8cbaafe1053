"""Bytes of an ACH file in, records out as a matrix of 94 columns, a window at a time.

Takes lines that end with LF, CR LF or CR alone, and files without line ends (94-byte blocks).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from canonical.limits import BAD_CHARACTERS_MAX, WINDOW_BYTES
from parsers._line_ends import CR, LF, line_end
from parsers._nacha_bytes import scanned
from parsers._nacha_classes import ADDENDA_MAX
from parsers._nacha_digits import Bytes, Integers
from parsers._nacha_findings import gathered
from parsers._nacha_layout import CARRIERS, FILLER, KINDS, LINE_ENDS, RECORD_CHARS
from parsers._nacha_odd_lines import BROKEN_LINES_MAX, Harmless, Lines, halted, harmless, line_findings, suspects
from parsers._nacha_wide import by_letters, wide_lines, with_letters

_WINDOW_BYTES: Final = WINDOW_BYTES // 2
"""An entry takes a tenth of the bytes of a payment in XML: a smaller window holds memory to the same bound."""
_SHORT_WINDOW_BYTES: Final = 2**18
"""What is looked at of a window that has far more lines than records of 94 characters would make, or is no text."""
_NINE: Final = ord("9")
_LF: Final = 10
_CR: Final = 13
_NEAR_BYTES: Final = 2**16
_BLANK, _QUESTION_MARK = ord(" "), ord("?")
_IS_KNOWN: Final = np.array([chr(byte) in KINDS or chr(byte) == FILLER for byte in range(256)])


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one window, as arrays of one length.

    `matrix`: 94 columns, filled up with blanks; a byte that is no printable ASCII reads as a question mark. `kinds`: the
    record type codes, `F` for filler; lines that are empty or of no known type are left out, with a finding. `lines` from
    1; `offsets` and `lengths` in bytes, without the line end. `characters`: line, column and byte (hex) of the first bad
    character of each line. `physical` counts records for the block count, filler included. `counted`: lines, whatever they
    are. `stopped`: reading cannot go on, and a FATAL finding says so. `harmless`: odd lines that the end of the file tells of.
    """

    matrix: Bytes
    kinds: Bytes
    lines: Integers
    offsets: Integers
    lengths: Integers
    findings: pl.DataFrame
    characters: pl.DataFrame
    physical: int
    counted: int
    last: bool
    stopped: bool
    harmless: Harmless

    def after(self, before: int) -> Records:
        """The same with so many lines before the window's first one."""
        if not before:
            return self
        further = pl.col("line") + before
        return replace(
            self,
            lines=self.lines + before,
            findings=self.findings.with_columns(further) if self.findings.height else self.findings,
            characters=self.characters.with_columns(further) if self.characters.height else self.characters,
            harmless=self.harmless.after(before),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of one window: from `start` to before `end`. `ends`: with what its lines end, nothing in blocks."""

    start: int
    end: int
    ends: bytes
    last: bool


def ends_of(data: bytes | mmap.mmap) -> bytes:
    """With what the lines end; nothing where two records or more follow one another without line ends."""
    return line_end(data) or (b"" if len(data) >= 2 * RECORD_CHARS else LF)


def records(data: bytes | mmap.mmap) -> Iterator[Records]:
    """Windows of records, cut where no addenda record follows. An empty file gives one empty window."""
    lines = 0
    for piece in pieces(data):
        window = records_of(data, piece).after(lines)
        yield window
        if window.stopped:
            return
        lines += window.counted


def pieces(data: bytes | mmap.mmap) -> Iterator[Piece]:
    """Where the windows of a file lie."""
    ends, start = ends_of(data), 0
    while True:
        end = _window_end(data, start, ends[-1:])
        last = end >= len(data)
        if last:
            end = _closed(data, start, end, blocks=not ends)
        yield Piece(start, end, ends, last)
        if last:
            return
        start = end


def _closed(data: bytes | mmap.mmap, start: int, end: int, *, blocks: bool) -> int:
    """Where the records of the last window end."""
    tail = data[start:end]
    bare = tail.rstrip(LINE_ENDS + CARRIERS)
    carried = set(tail[len(bare) :]) & set(CARRIERS)
    return start + len(bare) if blocks or carried else end


def records_of(data: bytes | mmap.mmap, piece: Piece) -> Records:
    """The records of one window, whose first line is numbered 1."""
    # A copy: what is made of it may outlive the mapped file.
    array = np.frombuffer(data, np.uint8)[piece.start : piece.end].copy() if len(data) else np.empty(0, np.uint8)
    if piece.ends == CR:
        array[array == _CR] = _LF
    bad, line_feeds = scanned(array)
    # A file in blocks has no line ends that could be too many.
    far_more = bool(piece.ends) and line_feeds - array.size // (RECORD_CHARS + 1) > BROKEN_LINES_MAX
    crowded = far_more or bad.size > BAD_CHARACTERS_MAX
    if crowded:
        array = _beginning(array, blocks=not piece.ends)
        bad, line_feeds = scanned(array)
    lines = _lines(array, line_feeds, blocks=not piece.ends)
    return _window(array, bad, lines, piece.start, last=piece.last, crowded=crowded)


def _window_end(data: bytes | mmap.mmap, start: int, mark: bytes) -> int:
    """Where the window that begins at `start` ends: before a record that is no addenda, within the window's size.

    `mark`: the last byte of each line, nothing in blocks.
    """
    limit = start + _WINDOW_BYTES
    if limit >= len(data):
        return len(data)
    if not mark:
        whole = start + max(1, _WINDOW_BYTES // RECORD_CHARS) * RECORD_CHARS
        # No entry has more addenda: in what has, any cut is as good as another.
        first = max(start + RECORD_CHARS, whole - (ADDENDA_MAX + 1) * RECORD_CHARS)
        others = (end for end in range(whole, first - 1, -RECORD_CHARS) if data[end : end + 1] != b"7")
        return next(others, whole)
    # Nearly every cut is found in the last few records; looking for a rare type goes through the whole window.
    near = max(start, limit - _NEAR_BYTES)
    end = max(data.rfind(mark + kind, near, limit) for kind in (b"6", b"5", b"8"))
    if end < 0:
        end = max(data.rfind(mark + kind, start, limit) for kind in (b"6", b"5", b"8"))
    if end < 0:
        # Nothing but addenda (or no line end at all) in a whole window: cut anywhere, each piece gets its finding.
        end = data.rfind(mark, start, limit)
    return end + 1 if end >= 0 else limit


def _beginning(array: Bytes, *, blocks: bool) -> Bytes:
    """Whole records at the beginning of a window, if there are any."""
    short = array[:_SHORT_WINDOW_BYTES]
    if blocks:
        return short[: short.size // RECORD_CHARS * RECORD_CHARS]
    end = np.flatnonzero(short == _LF)[-1:]
    return short[: int(end[0]) + 1] if end.size else short


def _lines(array: Bytes, line_feeds: int, *, blocks: bool) -> Lines:
    size = array.size
    if blocks:
        starts = np.arange(0, size, RECORD_CHARS)
        ends = np.minimum(starts + RECORD_CHARS, size)
        return Lines(starts, ends, ends - starts)
    stride = _stride(array, line_feeds)
    if stride:
        starts = np.arange(0, size, stride)
        return Lines(starts, starts + stride, np.full(len(starts), RECORD_CHARS))
    return _uneven(array)


def _stride(array: Bytes, line_feeds: int) -> int:
    """Bytes from line to line where all lines have 94 characters and the same line end, else 0."""
    line_end = array[RECORD_CHARS : RECORD_CHARS + 2]
    with_return = line_end.size > 1 and line_end[0] == _CR
    stride = RECORD_CHARS + 1 + int(with_return)
    if not array.size or array.size % stride:
        return 0
    matrix = array.reshape(-1, stride)
    even = (matrix[:, -1] == _LF).all() and (not with_return or (matrix[:, -2] == _CR).all())
    # A line feed within a line of 94 would be one more.
    return stride if even and line_feeds == len(matrix) else 0


def _uneven(array: Bytes) -> Lines:
    size = array.size
    ends = np.flatnonzero(array == _LF) + 1
    if size and (not ends.size or ends[-1] != size):
        ends = np.append(ends, size)
    starts = np.concatenate((np.zeros(min(1, size), np.int64), ends[:-1]))
    lengths = ends - starts - (array[ends - 1] == _LF)
    with_return = (lengths > 0) & (array[np.maximum(starts + lengths - 1, 0)] == _CR)
    return Lines(starts, ends, lengths - with_return)


def _window(array: Bytes, bad: Integers, lines: Lines, offset: int, *, last: bool, crowded: bool) -> Records:
    """The records of these lines. `offset`: of the first one in the file. Bad characters are written over."""
    characters = _characters(array, bad, lines)
    wide = wide_lines(array, lines, characters["line"].to_numpy() - 1) if bad.size else {}
    array[bad] = _QUESTION_MARK
    matrix, told = _matrix(array, lines), lines
    if wide:
        characters, told = with_letters(characters, wide), by_letters(matrix, lines, wide)
    kinds = _kinds(matrix)
    keep = _IS_KNOWN[kinds]
    findings, physical, stop, costless = [], len(keep), False, Harmless()
    if crowded or not keep.all() or bool((told.lengths != RECORD_CHARS).any()):
        odd = suspects(array, told, kinds, keep, 1)
        findings, costless = list(line_findings(odd)), harmless(odd, keep, last=last)
        physical = int((told.lengths > 0).sum())
        stop, halt = halted(told, kinds, keep, at=1, crowded=crowded)
        findings.append(halt)
    numbers = np.arange(1, len(keep) + 1)
    every = bool(keep.all())
    return Records(
        matrix if every else matrix[keep],
        kinds if every else kinds[keep],
        numbers if every else numbers[keep],
        (lines.starts if every else lines.starts[keep]) + offset,
        lines.lengths if every else lines.lengths[keep],
        gathered(findings), characters, physical, len(keep), last or stop, stop, costless,
    )  # fmt: skip


def _matrix(array: Bytes, lines: Lines) -> Bytes:
    """One row of 94 columns a line: a view where all lines are alike, else a copy filled up with blanks."""
    rows = len(lines.starts)
    if not rows:
        return np.empty((0, RECORD_CHARS), np.uint8)
    stride = int(lines.ends[0])
    if array.size == rows * stride and bool((lines.lengths == RECORD_CHARS).all()):
        return array.reshape(rows, stride)[:, :RECORD_CHARS]
    filled = np.concatenate((array, np.full(RECORD_CHARS, _BLANK, np.uint8)))
    matrix: Bytes = np.lib.stride_tricks.sliding_window_view(filled, RECORD_CHARS)[lines.starts]
    short = np.flatnonzero(lines.lengths < RECORD_CHARS)
    beyond = np.arange(RECORD_CHARS) >= lines.lengths[short, None]
    matrix[short] = np.where(beyond, np.uint8(_BLANK), matrix[short])
    return matrix


def _kinds(matrix: Bytes) -> Bytes:
    kinds = matrix[:, 0].copy()
    nines = np.flatnonzero(kinds == _NINE)
    filled = (matrix[nines] == _NINE).all(axis=1)
    kinds[nines[filled]] = ord(FILLER)
    # A filler line may be short, so that it ends in blanks here; a control record has other digits.
    for index in nines[~filled][:BROKEN_LINES_MAX].tolist():
        if not matrix[index].tobytes().rstrip().strip(b"9"):
            kinds[index] = ord(FILLER)
    return kinds


def _characters(array: Bytes, bad: Integers, lines: Lines) -> pl.DataFrame:
    """First bad byte of each line that has one: line, column from 1, byte in hex."""
    index, first = np.unique(np.searchsorted(lines.ends, bad, side="right"), return_index=True)
    inside = index < len(lines.starts)
    index, positions = index[inside], bad[first[inside]]
    names = np.array([f"{byte:02X}" for byte in range(256)])
    return pl.DataFrame(
        {
            "line": index + 1,
            "column": positions - lines.starts[index] + 1,
            "byte": pl.Series(names[array[positions]], dtype=pl.String),
        },
        schema={"line": pl.Int64, "column": pl.Int64, "byte": pl.String},
    )
