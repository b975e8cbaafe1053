"""Texts of one length as a matrix of bytes: numpy looks at a million account numbers in a tenth of a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import polars as pl

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
"""One row a text, one column a byte."""
Rows = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

NO_VALUE: Final = 255
WIDTH_MAX: Final = 4096
"""Texts up to here are counted by width in a table; longer ones are sorted."""
_DIGITS: Final = slice(ord("0"), ord("9") + 1)
_CAPITALS: Final = slice(ord("A"), ord("Z") + 1)


def _values() -> Bytes:
    table = np.full(256, NO_VALUE, np.uint8)
    table[_DIGITS] = np.arange(10)
    table[_CAPITALS] = np.arange(10, 36)
    return table


VALUES: Final = _values()
"""Byte → its value in ISO 7064 (0-9, A is 10, Z is 35), `NO_VALUE` for any other."""


def _buffers(texts: pl.Series) -> tuple[Rows, Bytes]:
    """Where each text begins (one more at the end), and the bytes they begin in. A null has no bytes."""
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    begins = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    held = array.buffers()[2]
    return begins, np.frombuffer(held, np.uint8) if held is not None else np.empty(0, np.uint8)


def matrix(texts: pl.Series, width: int) -> Bytes:
    """The bytes of texts that all have `width` bytes and of which none is null."""
    begins, held = _buffers(texts)
    return held[begins[0] : begins[-1]].reshape(texts.len(), width)


def by_width(texts: pl.Series) -> Iterator[tuple[int, Rows, Bytes]]:
    """Width in bytes, rows and bytes of the texts of each width above zero."""
    if texts.is_empty():
        return
    begins, _ = _buffers(texts)
    widths = np.diff(begins)
    found = [int(width) for width in np.flatnonzero(np.bincount(widths))] if widths.max() <= WIDTH_MAX else []
    for width in found or [int(width) for width in np.unique(widths)]:
        if width:
            of_width = widths == width
            # Filtering views and then making their bytes follow one another is faster than gathering bytes here.
            yield width, np.flatnonzero(of_width), matrix(texts.filter(pl.Series(of_width)), width)


def remainders_97(values: Bytes, turned: int = 0) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Each row as a number modulo 97 (ISO 7064 MOD 97-10), a letter two digits. The first `turned` places count last."""
    rest = np.zeros(len(values), np.int32)
    for place in [*range(turned, values.shape[1]), *range(turned)]:
        value = values[:, place].astype(np.int32)
        rest = (rest * np.where(value > 9, 100, 10) + value) % 97  # noqa: PLR2004  above 9 are letters
    return rest


def sound_rows(texts: pl.Series, sound: Callable[[Bytes], Flags]) -> pl.Series:
    """Boolean by row: what `sound` says of texts of one width at a time. Nulls and empty texts are not sound."""
    held = np.zeros(texts.len(), np.bool_)
    for _, rows, codes in by_width(texts):
        held[rows] = sound(codes)
    return pl.Series("sound", held)


def heads(texts: pl.Series) -> frozenset[str]:
    """The distinct first two characters of texts that have as many, ASCII ones only."""
    if texts.is_empty():
        return frozenset()
    begins, held = _buffers(texts[:1] if constant(texts) else texts)
    first = begins[:-1][np.diff(begins) > 1]
    found = np.flatnonzero(np.bincount(held[first].astype(np.int64) << 8 | held[first + 1]))
    return frozenset(chr(head >> 8) + chr(head & 0xFF) for head in found)


def edges(texts: pl.Series) -> frozenset[int] | None:
    """The distinct first and last bytes of the texts; None where a text is null or empty."""
    begins, held = _buffers(texts)
    if texts.null_count() or texts.is_empty() or not np.diff(begins).all():
        return None
    outer = np.bincount(held[begins[:-1]], minlength=256) + np.bincount(held[begins[1:] - 1], minlength=256)
    return frozenset(np.flatnonzero(outer).tolist())


def joined(texts: pl.Series) -> bytes:
    """All texts, one after the other without anything between; of a column with one value, that value."""
    if texts.null_count() == texts.len():
        return b""
    begins, held = _buffers(texts[:1] if constant(texts) else texts)
    return held[begins[0] : begins[-1]].tobytes()


def made_of(texts: pl.Series, characters: bytes, most: int) -> bool:
    """True where every text has one to `most` of these characters and no other; a null is none."""
    if texts.is_empty() or texts.null_count():
        return texts.is_empty()
    sizes = np.diff(_buffers(texts)[0])
    return bool(sizes.min() > 0 and sizes.max() <= most) and not joined(texts).translate(None, characters)


def constant(texts: pl.Series) -> bool:
    """True where all rows hold one value."""
    return texts.len() > 0 and texts.null_count() == 0 and bool((texts == texts[0]).all())
