"""Digits and texts of fixed-width records, as whole columns of bytes."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ZERO: Final = ord("0")
_NINE: Final = 9
_FOLDED_DIGITS: Final = 16


def field(matrix: Bytes, first: int, last: int) -> Bytes:
    """Positions `first` to `last` of each record."""
    return matrix[:, first - 1 : last]


def numbers(matrix: Bytes, first: int, last: int) -> tuple[Integers, Flags]:
    """The number at these positions of each record, and whether nothing but digits stands there (0 where not)."""
    width = last - first + 1
    digits = np.zeros((_FOLDED_DIGITS if width > _FOLDED_DIGITS // 2 else _FOLDED_DIGITS // 2, len(matrix)), np.uint8)
    np.subtract(field(matrix, first, last).T, np.uint8(_ZERO), out=digits[-width:])
    right = digits.max(axis=0, initial=0) <= _NINE
    value = _folded(digits)
    if not right.all():
        value[~right] = 0
    return value, right


def _folded(digits: Bytes) -> Integers:
    """Rows of digits as numbers: neighbours are joined two by two, in the smallest integers that hold them."""
    pairs = digits[0::2] * np.uint8(10) + digits[1::2]
    fours = pairs[0::2].astype(np.uint16) * np.uint16(10**2) + pairs[1::2]
    eights = fours[0::2].astype(np.uint32) * np.uint32(10**4) + fours[1::2]
    value: Integers = eights[0].astype(np.int64)
    for row in eights[1:]:
        value = value * 10**8 + row
    return value


def strings(matrix: Bytes) -> pl.Series:
    """The records as texts, named `text`."""
    rows, chars = matrix.shape
    offsets = np.arange(0, (rows + 1) * chars, chars, dtype=np.int64) if rows else np.zeros(1, np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(matrix))]
    return pl.Series("text", pl.from_arrow(pa.LargeStringArray.from_buffers(rows, *buffers[1:])), dtype=pl.String)


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
    return _of_views(views, text).alias("payment_id")


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
    return _of_views(views, None).alias("amount_text")


def _of_views(views: npt.NDArray[np.generic], text: npt.NDArray[np.generic] | None) -> pl.Series:
    """Texts from Arrow string views: length and up to 12 bytes, or length, the first four, buffer and place in it."""
    buffers = [None, pa.py_buffer(views), *([] if text is None else [pa.py_buffer(text)])]
    series = pl.from_arrow(pa.Array.from_buffers(pa.string_view(), len(views), buffers))
    assert isinstance(series, pl.Series), "one array is one column"
    return series
