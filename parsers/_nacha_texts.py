"""Texts of fixed-width records, as columns of views: nothing is copied but what stands in a view itself.

The records are 94 printable ASCII characters each, one behind the other in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from parsers._nacha_digits import Bytes, Flags, Integers, Words, of_views, word

_WORD: Final = 8
_INLINE: Final = 12
_BLANKS: Final = np.uint64(0x2020202020202020)
_SEVEN_BITS: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH_BITS: Final = np.uint64(0x8080808080808080)
_UPPER: Final = np.uint64(32)
_MANTISSA_BITS: Final = 52
_EXPONENT_BIAS: Final = 1023
_LOW: Final = np.array([2 ** (8 * min(size, 4)) - 1 for size in range(_INLINE + 1)], np.uint64)
_HIGH: Final = np.array([2 ** (8 * max(size - 4, 0)) - 1 for size in range(_INLINE + 1)], np.uint64)


def raw(matrix: Bytes, first: int, last: int) -> pl.Series:
    """Positions `first` to `last` of each record, as it stands there."""
    size = last - first + 1
    views = np.empty((len(matrix), 2), np.uint64)
    short = min(size, _INLINE)
    views[:, 0] = np.uint64(size) | ((word(matrix, first - 1) & _LOW[short]) << _UPPER)
    views[:, 1] = word(matrix, first + 3) & _HIGH[short] if size <= _INLINE else _places(matrix, first)
    return of_views(views, matrix)


def words(matrix: Bytes, first: int, last: int) -> pl.Series:
    """The same without blanks around it; null where nothing but blanks stands there."""
    sizes = _sizes(matrix, first, last)
    text = _text(matrix, first, sizes)
    indented = (matrix[:, first - 1] == ord(" ")) & (sizes > 0)
    return text.str.strip_chars_start(" ") if indented.any() else text


def lines(matrix: Bytes, first: int, last: int) -> pl.Series:
    """The same without blanks behind it; null where nothing but blanks stands there."""
    return _text(matrix, first, _sizes(matrix, first, last))


def has_gaps(matrix: Bytes, first: int, last: int) -> bool:
    """Whether a blank stands before another character of the field in any record."""
    filled = sum(np.bitwise_count((part + _SEVEN_BITS) & _HIGH_BITS) for _, part in _parts(matrix, first, last))
    return bool((filled != _sizes(matrix, first, last)).any())


def _text(matrix: Bytes, first: int, sizes: Integers) -> pl.Series:
    views = np.empty((len(matrix), 2), np.uint64)
    short = np.minimum(sizes, _INLINE)
    views[:, 0] = sizes.view(np.uint64) | ((word(matrix, first - 1) & _LOW[short]) << _UPPER)
    inline = word(matrix, first + 3) & _HIGH[short]
    views[:, 1] = np.where(sizes <= _INLINE, inline, _places(matrix, first))
    known: Flags = sizes > 0
    return of_views(views, matrix, None if known.all() else known)


def _places(matrix: Bytes, first: int) -> Words:
    """Where the field of each record stands in memory, as the upper half of a word."""
    return (np.arange(len(matrix), dtype=np.uint64) * np.uint64(matrix.shape[1]) + np.uint64(first - 1)) << _UPPER


def _sizes(matrix: Bytes, first: int, last: int) -> Integers:
    """Characters up to the last one that is no blank."""
    sizes = np.zeros(len(matrix), np.int64)
    for at, part in _parts(matrix, first, last):
        if part.any():
            # As a float, a number tells in its exponent which of its bits is the highest; ASCII is never rounded up to one more.
            highest = (part.view(np.int64).astype(np.float64).view(np.int64) >> _MANTISSA_BITS) - _EXPONENT_BIAS
            np.maximum(sizes, (highest >> 3) + (at + 1), out=sizes)
    return sizes


def _parts(matrix: Bytes, first: int, last: int) -> Iterator[tuple[int, Words]]:
    """Where in the field eight characters stand, and these; blanks and what is beyond the field are zero."""
    width = last - first + 1
    for at in range(0, width, _WORD):
        # The last part may reach beyond the record only where the field ends in its last eight characters.
        start = min(first - 1 + at, matrix.shape[1] - _WORD)
        part = word(matrix, start) ^ _BLANKS
        skipped = first - 1 + at - start
        part >>= np.uint64(8 * skipped)
        rest = width - at
        if rest < _WORD:
            part &= np.uint64(2 ** (8 * rest) - 1)
        yield at, part
