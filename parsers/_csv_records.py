"""Cut CSV text into records (RFC 4180), with their exact places, by NumPy over a window: no loop over lines.

A quote opens a field only at its start and closes it only at its end. A record that breaks this, or whose quoted field is not
closed within `LINE_BYTES_MAX`, is unreadable alone: reading goes on with the line after its first.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from canonical.limits import LINE_BYTES_MAX

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]
_Counts = npt.NDArray[Any]
_LF, _CR, _SPACE, _QUOTE = 10, 13, 32, 34
_ODD_BLANKS: Final = (b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a\x80", b"\xe2\x80", b"\xe2\x81\x9f", b"\xe3\x80\x80")
"""UTF-8 of the blanks beyond ASCII; b"\\xe2\\x80" begins that of several."""
_TRIES_MAX: Final = 16
_BYTE_MAX: Final = 255


class Flaw(IntEnum):
    """Why a record is unreadable. Of several flaws the highest is told."""

    NONE = 0
    COLUMNS = 1
    QUOTES = 2
    ENCODING = 3
    NUL = 4
    LENGTH = 5


class Blanks(NamedTuple):
    """What a block may hold, so that nobody looks for it in vain: other blanks than spaces, cells of two quotes."""

    odd: bool = True
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one block that are neither blank nor comments. `start` and `end` count from the block's first byte.

    `end` is before the line break; `line` counts from 0 in the block; `columns` is the number found. `used` and `lines` are
    what the block consumed; `gapless`: nothing was passed over between the records; `blanks`: of what kind they may be.
    """

    start: Places
    end: Places
    line: Places
    columns: Places
    flaw: npt.NDArray[np.int8]
    used: int
    lines: int
    gapless: bool
    blanks: Blanks

    def head(self, count: int) -> Records:
        """The first records alone."""
        return replace(
            self, start=self.start[:count], end=self.end[:count], line=self.line[:count], columns=self.columns[:count],
            flaw=self.flaw[:count],
        )  # fmt: skip

    def sound_text(self, block: bytes) -> bytes:
        """The sound records' bytes, one after the other; cut only where others stand between them."""
        if not self.start.size:
            return b""
        sound = self.flaw == Flaw.NONE
        if self.gapless and sound.all():
            return block[self.start[0] : self.end[-1]]
        follows = np.zeros(sound.size, bool)
        follows[1:] = sound[1:] & sound[:-1]
        if not self.gapless:
            # Between neighbours stands one line break, of one byte or two, and nothing that was passed over.
            after = np.frombuffer(block, np.uint8)[self.end[:-1]]
            follows[1:] &= self.start[1:] - self.end[:-1] == np.where(after == _CR, 2, 1)
        firsts = np.flatnonzero(sound & ~follows)
        lasts = np.flatnonzero(sound & ~np.append(follows[1:], [False]))
        runs = zip(self.start[firsts].tolist(), self.end[lasts].tolist(), strict=True)
        return b"\n".join([block[a:b] for a, b in runs])


class Dialect(NamedTuple):
    """What the records of one file have in common. `comment`: what a line begins with that is passed over, if any."""

    delimiter: str
    width: int
    comment: bytes = b""


class _Text(NamedTuple):
    """A block, where its quotes stand, and whether each byte is a delimiter."""

    block: _Bytes
    quotes: Places
    signs: Flags
    dialect: Dialect


class _Lines(NamedTuple):
    """Lines, and how many of them end with CR LF."""

    start: Places
    end: Places
    comment: Flags
    returns: int


def _lines(block: _Bytes, comment: bytes) -> _Lines:
    breaks = np.flatnonzero(block == _LF)
    if block.size and (not breaks.size or breaks[-1] != block.size - 1):
        breaks = np.append(breaks, block.size)
    start = np.zeros_like(breaks)
    start[1:] = breaks[:-1] + 1
    has_cr = (breaks > start) & (block[np.maximum(breaks - 1, 0)] == _CR)
    commented = np.zeros(start.size, bool)
    if comment:
        commented = breaks - start >= len(comment)
        for place, sign in enumerate(comment):
            commented &= block[np.minimum(start + place, block.size - 1)] == sign
    return _Lines(start, breaks - has_cr, commented, int(has_cr.sum()))


def _owner(start: Places, places: Places) -> Places:
    """Which span each place lies in."""
    owner: Places = np.searchsorted(start, places, side="right") - 1
    return owner


class _Quoting(NamedTuple):
    """Quotes of spans that begin outside of quotes: `closed` and `well` by span; `opening` by quote."""

    owner: Places
    opening: Flags
    closed: Flags
    well: Flags


def _quoting(text: _Text, start: Places, end: Places) -> _Quoting:
    """Well quoted: every opening quote stands at a field's start, every closing one at its end."""
    block, quotes, delimiter = text.block, text.quotes, ord(text.dialect.delimiter)
    owner = _owner(start, quotes)
    count = np.bincount(owner, minlength=start.size)
    first = np.cumsum(count) - count
    opening = (np.arange(quotes.size) - first[owner]) % 2 == 0
    before = block[np.maximum(quotes - 1, 0)]
    after = block[np.minimum(quotes + 1, block.size - 1)]
    at_start = (quotes == start[owner]) | (before == delimiter) | (before == _QUOTE)
    at_end = (quotes + 1 >= end[owner]) | (after == delimiter) | (after == _QUOTE)
    bad = np.where(opening, ~at_start, ~at_end)
    return _Quoting(owner, opening, count % 2 == 0, np.bincount(owner[bad], minlength=start.size) == 0)


def _inside(opens: Flags, resets: Flags) -> Flags:
    """Whether each line begins inside quotes. A line that opens changes sides, one that resets ends outside."""
    changes = np.cumsum(opens)
    after = (changes - np.maximum.accumulate(np.where(resets, changes, 0))) % 2 == 1
    begins: Flags = np.roll(after, 1)
    begins[0] = False
    return begins


def _first_lines(text: _Text, lines: _Lines, quoting: _Quoting, last: bool) -> tuple[Places, bool]:
    """Line where each record begins, and whether the last one is open and may go on in the next block."""
    every = np.arange(lines.start.size)
    odd = ~quoting.closed
    opens = odd & quoting.well & ~lines.comment
    if not opens.any():
        return every, False
    for tries_left in range(_TRIES_MAX, -1, -1):
        first = every[~_inside(opens, odd & ~opens)]
        start, end = lines.start[first], lines.end[np.append(first[1:], every.size) - 1]
        short, spans = end - start <= LINE_BYTES_MAX, _quoting(text, start, end)
        sound = spans.closed & spans.well & (_columns(text, start, end, spans) == text.dialect.width)
        waits = ~spans.closed & (start == start[-1]) & (start > 0) & (not last)
        broken = opens[first] & ~(short & (sound | waits))
        if not broken.any():
            return first, bool(opens[first[-1]] and waits[-1])
        # Each try parts at least one broken record into its lines; somebody may have written a file that needs many.
        opens[first[broken] if tries_left > 1 else every] = False
    raise AssertionError("the last try leaves no line that opens")


def _columns(text: _Text, start: Places, end: Places, quoting: _Quoting) -> Places:
    """Columns of each record: delimiters outside of quotes, and one. What is not closed may be miscounted."""
    columns = _sums(text.signs, start, int((end - start).max(initial=0))).astype(np.int64) + 1
    opening = np.flatnonzero(quoting.opening & quoting.closed[quoting.owner])
    if opening.size:
        longest = int((text.quotes[opening + 1] - text.quotes[opening]).max())
        within = _sums(text.signs, text.quotes, longest)[opening]
        columns -= np.bincount(quoting.owner[opening], weights=within, minlength=start.size).astype(np.int64)
    return columns


def _without_empty_cells(text: _Text, start: Places, end: Places, columns: Places) -> tuple[Places, Places]:
    """Records without the delimiters at their end that are too many: a spreadsheet writes them below longer rows."""
    over = np.flatnonzero((columns > text.dialect.width) & (end > start))
    if not over.size:
        return end, columns
    end, columns, sign = end.copy(), columns.copy(), ord(text.dialect.delimiter)
    while (over := over[(columns[over] > text.dialect.width) & (text.block[end[over] - 1] == sign)]).size:
        end[over] -= 1
        columns[over] -= 1
    return end, columns


def _sums(signs: Flags, start: Places, longest: int) -> _Counts:
    """How many flags are up from each start to the next one; exact where the span is at most `longest` long."""
    # A narrow sum is several times as fast; no span that counts is long enough to wrap it.
    kind = np.uint8 if longest <= _BYTE_MAX else np.uint32
    return np.add.reduceat(signs.view(np.uint8), start, dtype=kind)


def undecodable(block: bytes, start: Places) -> list[int]:
    """Records that hold bytes which are no UTF-8."""
    if _is_utf8(block):
        return []
    found: list[int] = []
    position, view = 0, memoryview(block)
    while position < len(block):
        try:
            codecs.utf_8_decode(view[position:], "strict", True)
        except UnicodeDecodeError as fault:
            record = int(np.searchsorted(start, position + fault.start, side="right")) - 1
            found.append(record)
            position = int(start[record + 1]) if record + 1 < start.size else len(block)
        else:
            break
    return found


def _is_utf8(block: bytes) -> bool:
    bounds = pa.py_buffer(np.array([0, len(block)], np.int32).tobytes())
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, bounds, pa.py_buffer(block)]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def records(block: bytes, dialect: Dialect, last: bool) -> Records:
    """The records of UTF-8 text that begins at a record's start and ends behind a line break or with the file.

    A record that is open at the block's end is left to the next block unless `last`.
    """
    bytes_, width = np.frombuffer(block, np.uint8), dialect.width
    quotes = np.flatnonzero(bytes_ == _QUOTE) if b'"' in block else np.zeros(0, np.int64)
    text = _Text(bytes_, quotes, bytes_ == ord(dialect.delimiter), dialect)
    lines = _lines(bytes_, dialect.comment)
    quoting = _quoting(text, lines.start, lines.end)
    first, waits = _first_lines(text, lines, quoting, last)
    start, end = lines.start, lines.end
    if first.size < start.size:
        start, end = start[first], end[np.append(first[1:], end.size) - 1]
        quoting = _quoting(text, start, end)
    columns = _columns(text, start, end, quoting)
    cut, columns = _without_empty_cells(text, start, end, columns)
    end, whole = cut, cut is end
    used, count = (int(start[-1]), int(first[-1])) if waits else (len(block), lines.end.size)
    flaw = np.where(columns != width, np.int8(Flaw.COLUMNS), np.int8(Flaw.NONE))
    flaw[~(quoting.well & quoting.closed)] = Flaw.QUOTES
    flaw[undecodable(block[:used] if waits else block, start)] = Flaw.ENCODING
    if b"\0" in block:
        flaw[_owner(start, np.flatnonzero(bytes_ == 0))] = Flaw.NUL
    flaw[end - start > LINE_BYTES_MAX] = Flaw.LENGTH
    # A spreadsheet writes empty rows as delimiters alone.
    passed = (end == start) | ((columns == width) & (end - start == width - 1) & (flaw == Flaw.NONE))
    passed |= lines.comment[first]
    here = start < used
    kept, gapless = ~passed & here, whole and not (passed & here).any()
    blanks = _blanks(block, text, lines)
    if kept.all():
        return Records(start, end, first, columns, flaw, used, count, gapless, blanks)
    return Records(start[kept], end[kept], first[kept], columns[kept], flaw[kept], used, count, gapless, blanks)


def _blanks(block: bytes, text: _Text, lines: _Lines) -> Blanks:
    """Exact in what it denies."""
    breaks = lines.end.size + lines.returns
    # The last line may have no break of its own, and then nothing is hidden by counting it as one.
    controls = int(np.count_nonzero(text.block < _SPACE)) not in (breaks - 1, breaks)
    odd = controls or any(sign[:1] in block and sign in block for sign in _ODD_BLANKS)
    quoted = bool((text.quotes[1:] - text.quotes[:-1] == 1).any())
    return Blanks(odd, quoted)
