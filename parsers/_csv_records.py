"""Cut CSV bytes into records (RFC 4180), with their exact places, by NumPy over a window: no loop over lines.

A quote opens a field only at its start and closes it only at its end. A record that breaks this, or whose quoted field is not
closed within `LINE_BYTES_MAX`, is unreadable alone: reading goes on with the line after its first.
"""

from __future__ import annotations

import codecs
import mmap
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from canonical.limits import LINE_BYTES_MAX, WINDOW_BYTES

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]
_LF, _CR, _QUOTE = 10, 13, 34
_TRIES_MAX: Final = 16


class Flaw(IntEnum):
    """Why a record is unreadable. Of several flaws the highest is told."""

    NONE = 0
    COLUMNS = 1
    QUOTES = 2
    ENCODING = 3
    NUL = 4
    LENGTH = 5


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one block that are not blank. `start` and `end` count from the block's first byte, without line break.

    `line` counts from 0 in the block; `columns` is the number found. `used` and `lines` are what the block consumed;
    `gapless`: there are no blank records between them.
    """

    start: Places
    end: Places
    line: Places
    columns: Places
    flaw: npt.NDArray[np.int8]
    used: int
    lines: int
    gapless: bool


def block_end(data: bytes | mmap.mmap, start: int, end: int, window_bytes: int = WINDOW_BYTES) -> int:
    """End of the block that begins at `start`: behind the last line break within the window, or the next one after it."""
    if end - start <= window_bytes:
        return end
    found = data.rfind(b"\n", start, start + window_bytes)
    if found < 0:
        found = data.find(b"\n", start + window_bytes, end)
    return end if found < 0 else found + 1


class _Text(NamedTuple):
    """A block and where its quotes and delimiters stand."""

    block: _Bytes
    quotes: Places
    signs: Places
    delimiter: int


class _Lines(NamedTuple):
    start: Places
    end: Places
    resume: Places


def _lines(block: _Bytes) -> _Lines:
    breaks = np.flatnonzero(block == _LF)
    resume = breaks + 1
    if block.size and (not breaks.size or resume[-1] != block.size):
        breaks, resume = np.append(breaks, block.size), np.append(resume, block.size)
    start = np.concatenate(([0], resume[:-1])) if resume.size else resume
    has_cr = (breaks > start) & (block[np.maximum(breaks - 1, 0)] == _CR) if block.size else np.zeros(0, bool)
    return _Lines(start, breaks - has_cr, resume)


def _well_quoted(text: _Text, start: Places, end: Places) -> Flags:
    """For spans that begin outside of quotes: every opening quote at a field's start, every closing one at its end."""
    block, quotes = text.block, text.quotes
    owner = np.searchsorted(start, quotes, side="right") - 1
    first = np.searchsorted(quotes, start)
    opening = (np.arange(quotes.size) - first[owner]) % 2 == 0
    before = block[np.maximum(quotes - 1, 0)]
    after = block[np.minimum(quotes + 1, block.size - 1)]
    at_start = (quotes == start[owner]) | (before == text.delimiter) | (before == _QUOTE)
    at_end = (quotes + 1 >= end[owner]) | (after == text.delimiter) | (after == _QUOTE)
    bad = np.where(opening, ~at_start, ~at_end)
    well: Flags = np.bincount(owner[bad], minlength=start.size) == 0
    return well


def _inside(opens: Flags, resets: Flags) -> Flags:
    """Whether each line begins inside quotes. A line that opens changes sides, one that resets ends outside."""
    changes = np.cumsum(opens)
    after = (changes - np.maximum.accumulate(np.where(resets, changes, 0))) % 2 == 1
    begins: Flags = np.roll(after, 1)
    begins[0] = False
    return begins


def _closed(quotes: Places, start: Places, end: Places) -> Flags:
    closed: Flags = (np.searchsorted(quotes, end) - np.searchsorted(quotes, start)) % 2 == 0
    return closed


def _first_lines(text: _Text, lines: _Lines, width: int, last: bool) -> tuple[Places, bool]:
    """Line where each record begins, and whether the last one is open and may go on in the next block."""
    every = np.arange(lines.start.size)
    odd = ~_closed(text.quotes, lines.start, lines.end)
    opens = odd & _well_quoted(text, lines.start, lines.end)
    for tries_left in range(_TRIES_MAX, -1, -1):
        first = every[~_inside(opens, odd & ~opens)]
        start, end = lines.start[first], lines.end[np.append(first[1:], every.size) - 1]
        short, closed = end - start <= LINE_BYTES_MAX, _closed(text.quotes, start, end)
        sound = closed & _well_quoted(text, start, end) & (_columns(text, start, end) == width)
        waits = ~closed & (start == start[-1]) & (start > 0) & (not last)
        broken = opens[first] & ~(short & (sound | waits))
        if not broken.any():
            return first, bool(opens[first[-1]] and waits[-1])
        # Each try parts at least one broken record into its lines; somebody may have written a file that needs many.
        opens[first[broken] if tries_left > 1 else every] = False
    raise AssertionError("the last try leaves no line that opens")


def _columns(text: _Text, start: Places, end: Places) -> Places:
    """Columns of each record: delimiters outside of quotes, and one."""
    signs = text.signs[text.signs < end[-1]]
    if not text.quotes.size:
        return np.searchsorted(signs, end) - np.searchsorted(signs, start) + 1
    owner = np.searchsorted(start, signs, side="right") - 1
    before = np.searchsorted(text.quotes, signs) - np.searchsorted(text.quotes, start)[owner]
    return np.bincount(owner[before % 2 == 0], minlength=start.size) + 1


def _undecodable(block: bytes, start: Places, encoding: str) -> list[int]:
    """Records that hold bytes which the encoding has no character for."""
    found: list[int] = []
    position, view = 0, memoryview(block)
    while position < len(block):
        try:
            codecs.decode(view[position:], encoding)
        except UnicodeDecodeError as fault:
            record = int(np.searchsorted(start, position + fault.start, side="right")) - 1
            found.append(record)
            position = int(start[record + 1]) if record + 1 < start.size else len(block)
        else:
            break
    return found


def records(block: bytes, dialect: tuple[str, str], width: int, last: bool) -> Records:
    """The records of a block that begins at a record's start and ends behind a line break or with the file.

    `dialect`: delimiter and encoding. A record that is open at the block's end is left to the next block unless `last`.
    """
    bytes_ = np.frombuffer(block, np.uint8)
    delimiter = ord(dialect[0])
    text = _Text(bytes_, np.flatnonzero(bytes_ == _QUOTE), np.flatnonzero(bytes_ == delimiter), delimiter)
    lines = _lines(bytes_)
    first, waits = _first_lines(text, lines, width, last)
    start, end = lines.start[first], lines.end[np.append(first[1:], lines.end.size) - 1]
    columns = _columns(text, start, end)
    flaw = np.where(columns != width, np.int8(Flaw.COLUMNS), np.int8(Flaw.NONE))
    flaw[~(_well_quoted(text, start, end) & _closed(text.quotes, start, end))] = Flaw.QUOTES
    used, count = (int(start[-1]), int(first[-1])) if waits else (len(block), lines.end.size)
    flaw[_undecodable(block[:used], start, dialect[1])] = Flaw.ENCODING
    flaw[np.searchsorted(start, np.flatnonzero(bytes_ == 0), side="right") - 1] = Flaw.NUL
    flaw[end - start > LINE_BYTES_MAX] = Flaw.LENGTH
    # A spreadsheet writes empty rows as delimiters alone.
    blank = (end == start) | ((columns == width) & (end - start == width - 1) & (flaw == Flaw.NONE))
    here = start < used
    kept, gapless = ~blank & here, not (blank & here).any()
    return Records(start[kept], end[kept], first[kept], columns[kept], flaw[kept], used, count, gapless)
