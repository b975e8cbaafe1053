"""Digits and texts of fixed-width records, as whole columns of bytes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from parsers._arrow import column

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Words = npt.NDArray[np.uint64]

_WORD: Final = 8
_ZEROS: Final = np.uint64(0x3030303030303030)
_SIXES: Final = np.uint64(0x0606060606060606)
_UPPER_HALVES: Final = np.uint64(0xF0F0F0F0F0F0F0F0)
_PAIRS: Final = np.uint64(0x00FF00FF00FF00FF)
_FOURS: Final = np.uint64(0x0000FFFF0000FFFF)
_EIGHT: Final = np.uint64(0x00000000FFFFFFFF)


def field(matrix: Bytes, first: int, last: int) -> Bytes:
    """Positions `first` to `last` of each record."""
    return matrix[:, first - 1 : last]


def word(matrix: Bytes, at: int) -> Words:
    """Eight bytes of each record from offset `at` on, the first one lowest: a copy."""
    return matrix[:, at : at + _WORD].view("<u8")[:, 0].copy()


def numbers(matrix: Bytes, first: int, last: int) -> tuple[Integers, Flags]:
    """The number at these positions of each record, and whether nothing but digits stands there (0 where not).

    The records have 94 columns, the field 16 at most.
    """
    width = last - first + 1
    value, wrong = _last_digits(matrix, last, min(width, _WORD))
    if width > _WORD:
        high, wrong_too = _last_digits(matrix, last - _WORD, width - _WORD)
        value += high * np.uint64(10**_WORD)
        wrong |= wrong_too
    right: Flags = wrong == 0
    if not right.all():
        value[~right] = 0
    return value.view(np.int64), right


def _last_digits(matrix: Bytes, last: int, width: int) -> tuple[Words, Words]:
    """The number that `width` (8 at most) digits up to position `last` make, and what is not zero where one is none.

    Eight digits are worked on as one number: each step joins neighbours two by two.
    """
    digits = word(matrix, max(last - _WORD, 0))
    if last < _WORD:
        digits <<= np.uint64(8 * (_WORD - last))
    digits ^= _ZEROS
    digits &= np.uint64(2**64 - 2 ** (8 * (_WORD - width)))
    wrong = ((digits + _SIXES) | digits) & _UPPER_HALVES
    digits = (digits * np.uint64(10) + (digits >> np.uint64(8))) & _PAIRS
    digits = (digits * np.uint64(10**2) + (digits >> np.uint64(16))) & _FOURS
    digits = (digits * np.uint64(10**4) + (digits >> np.uint64(32))) & _EIGHT
    return digits, wrong


def rows_of(matrix: Bytes, index: Integers) -> Bytes:
    """Some of the records, a copy: each is moved as one piece."""
    if not len(matrix):
        return matrix
    chars = matrix.shape[1]
    return matrix.view(f"V{chars}")[:, 0][index].view(np.uint8).reshape(-1, chars)


def strings(matrix: Bytes) -> pl.Series:
    """The records as texts, named `text`."""
    rows, chars = matrix.shape
    offsets = np.arange(0, (rows + 1) * chars, chars, dtype=np.int64) if rows else np.zeros(1, np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))]
    return column("text", pa.LargeStringArray.from_buffers(rows, *buffers[1:]))


_FOUR_DIGITS: Final = np.frombuffer("".join(f"{number:04d}" for number in range(10**4)).encode("ascii"), "<u4")
_CENTS: Final = np.array([int.from_bytes(f".{cents:02d}".encode("ascii"), "little") for cents in range(100)], np.uint64)
_OFFSET_DIGITS: Final = 12
_AMOUNT_DIGITS: Final = 10


def payment_ids(file_id: str, offsets: Integers) -> pl.Series:
    """What `canonical.identifiers.payment_id_of` makes, in a fifth of the time: digits are looked up four at a time."""
    prefix = f"{file_id}-".encode("ascii")
    # Blanks in front that no text shows put the digits on a multiple of four.
    unseen = -len(prefix) % 4
    text = np.empty((len(offsets), (unseen + len(prefix) + _OFFSET_DIGITS) // 4), np.uint32)
    text[:, :-3] = np.frombuffer(b" " * unseen + prefix, "<u4")
    text[:, -3] = _FOUR_DIGITS[offsets // 10**8]
    text[:, -2] = _FOUR_DIGITS[offsets // 10**4 % 10**4]
    text[:, -1] = _FOUR_DIGITS[offsets % 10**4]
    views = np.zeros((len(offsets), 4), np.uint32)
    views[:, 0] = len(prefix) + _OFFSET_DIGITS
    views[:, 1] = np.frombuffer(prefix[:4], "<u4")
    views[:, 3] = np.arange(len(offsets)) * text.shape[1] * 4 + unseen
    return of_views(views, text).alias("payment_id")


def amount_texts(cents: Integers) -> pl.Series | None:
    """What `canonical.money.amount_text` makes of US dollars, likewise; None where an amount has more than ten digits."""
    if cents.max(initial=0) >= 10**_AMOUNT_DIGITS:
        return None
    whole = cents // 100
    digits = np.ones(len(cents), np.uint64)
    for power in range(1, _AMOUNT_DIGITS - 2):
        digits += whole >= 10**power
    padded = _FOUR_DIGITS[whole // 10**4].astype(np.uint64) | _FOUR_DIGITS[whole % 10**4].astype(
        np.uint64
    ) << np.uint64(32)
    bits = digits << np.uint64(3)
    fraction = _CENTS[cents % 100]
    # The first byte of a text is the lowest: leading zeros go out at the lower end, the fraction follows the last digit.
    low = (padded >> (np.uint64(64) - bits)) | (fraction << bits)
    high = fraction >> (np.uint64(64) - bits)
    views = np.empty((len(cents), 2), np.uint64)
    views[:, 0] = (digits + np.uint64(3)) | (low << np.uint64(32))
    views[:, 1] = (low >> np.uint64(32)) | (high << np.uint64(32))
    return of_views(views, None).alias("amount_text")


def of_views(
    views: npt.NDArray[np.generic], text: npt.NDArray[np.generic] | None, known: Flags | None = None
) -> pl.Series:
    """Texts from Arrow string views: length and up to 12 bytes, or length, the first four, buffer and place in it.

    `known`: false for those that are null.
    """
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    buffers = [valid, pa.py_buffer(views), *([] if text is None else [pa.py_buffer(text)])]
    return column("", pa.Array.from_buffers(pa.string_view(), len(views), buffers))
