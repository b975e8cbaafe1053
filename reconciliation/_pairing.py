"""Keys of two sides looked up in one another: sorted arrays of 64-bit hashes, which is several times as fast as joining frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from reconciliation._side import NUMBER

Numbers = npt.NDArray[np.unsignedinteger]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
PAIRS: Final = {"e": NUMBER, "p": NUMBER}
_BITS_MIN: Final = 16
_BITS_MAX: Final = 27
_ROOM_BITS: Final = 3
"""Places for each hash, as a power of two: an eighth of what is not among them passes for it."""
_HALF: Final = np.uint64(32)
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Marks:
    """Which hashes may be among some others: never no for one that is, sometimes yes for one that is not."""

    places: Flags
    shift: np.uint64

    @classmethod
    def of(cls, hashes: pl.Series) -> Marks:
        """Of UInt64 without nulls."""
        bits = min(max(hashes.len().bit_length() + _ROOM_BITS, _BITS_MIN), _BITS_MAX)
        places, shift = np.zeros(1 << bits, dtype=np.bool_), np.uint64(64 - bits)
        places[hashes.to_numpy() >> shift] = True
        return cls(places, shift)

    def may_hold(self, hashes: pl.Series) -> pl.Series:
        """Boolean for each hash; False for null."""
        told = pl.Series(self.places[hashes.fill_null(0).to_numpy() >> self.shift])
        return told & hashes.is_not_null() if hashes.null_count() else told


@dataclass(frozen=True, slots=True)
class Sorted:
    """Keys by their hash: `hashes` ascending, `numbers` of their rows, and `alone`: no other key has that hash."""

    hashes: Hashes
    numbers: Numbers
    alone: Flags

    @classmethod
    def of(cls, keys: pl.DataFrame) -> Sorted:
        """Of a frame of row numbers and h, without nulls."""
        hashes = keys["h"].to_numpy()
        order = np.argsort(hashes)
        hashes = hashes[order]
        return cls(hashes, keys.to_series(0).to_numpy()[order], ~_beside_equal(hashes))

    def holds(self, hashes: Hashes) -> Flags:
        """For each hash: it is one of these keys."""
        return holding(self.hashes, hashes)

    def only(self, chosen: Flags) -> Sorted:
        """Some of the keys."""
        return Sorted(self.hashes[chosen], self.numbers[chosen], self.alone[chosen])

    def frame(self, number: str) -> pl.DataFrame:
        """Row numbers under that name, and h."""
        return pl.DataFrame({number: self.numbers, "h": self.hashes}, schema={number: NUMBER, "h": pl.UInt64})


def paired(entries: Sorted, payments: Sorted) -> pl.DataFrame:
    """PAIRS of one hash, each pair once; the hashes of the payments are each alone."""
    at, met = _at(payments.hashes, entries.hashes)
    e, p = entries.numbers[met].astype(np.uint64), payments.numbers[at[met]].astype(np.uint64)
    both = np.sort(e << _HALF | p)
    if both.size:
        both = both[np.append(True, both[1:] != both[:-1])]
    return pl.DataFrame({"e": both >> _HALF, "p": both & np.uint64(0xFFFFFFFF)}).cast(PAIRS)  # type: ignore[arg-type]


def holding(ascending: Hashes, hashes: Hashes) -> Flags:
    """For each hash: it is one of those that ascend."""
    return _at(ascending, hashes)[1]


def repeated(numbers: pl.Series) -> pl.Series:
    """Boolean for each row number: it stands more than once."""
    found = numbers.to_numpy().astype(np.intp)
    return pl.Series(np.bincount(found)[found] > 1, dtype=pl.Boolean)


def among(numbers: pl.Series, some: pl.Series) -> pl.Series:
    """Boolean for each row number: it is one of some."""
    found, wanted = numbers.to_numpy(), some.to_numpy()
    marks = np.zeros(1 + max(found.max(initial=0), wanted.max(initial=0)), dtype=np.bool_)
    marks[wanted] = True
    return pl.Series(marks[found], dtype=pl.Boolean)


def twice(hashes: pl.Series) -> pl.Series:
    """Boolean for each UInt64, none of them null: it stands more than once."""
    found = hashes.to_numpy()
    order = np.argsort(found)
    told = np.empty(found.size, dtype=np.bool_)
    told[order] = _beside_equal(found[order])
    return pl.Series(told, dtype=pl.Boolean)


def ordered(ids: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Places of the ids in ascending order, and a Boolean for each of these: it stands beside one that looks the same.

    Looked at are the eight bytes behind what all ids begin with: for a million ids that is a fifth of the time of sorting
    the texts. Those that look the same stand together, in no certain order.
    """
    low, high = str(ids.min()).encode(), str(ids.max()).encode()
    both = min(len(low), len(high))
    start = next((place for place in range(both) if low[place] != high[place]), both)
    shown = ids.cast(pl.Binary).bin.slice(start, _SHOWN)
    # Ids of less are filled up with zeros, so that one that another begins with does not stand behind it.
    short = shown.bin.size() < _SHOWN
    if short.any():
        shown = pl.select(pl.when(short).then(shown + pl.lit(bytes(_SHOWN))).otherwise(shown)).to_series()
        shown = shown.bin.slice(0, _SHOWN)
    seen = shown.bin.reinterpret(dtype=pl.UInt64, endianness="big").to_numpy()
    order = np.argsort(seen)
    return pl.Series(order, dtype=NUMBER), pl.Series(_beside_equal(seen[order]), dtype=pl.Boolean)


def _beside_equal(ascending: Hashes) -> Flags:
    told = np.zeros(ascending.size, dtype=np.bool_)
    equal = ascending[1:] == ascending[:-1]
    told[1:] |= equal
    told[:-1] |= equal
    return told


def _at(ascending: Hashes, wanted: Hashes) -> tuple[npt.NDArray[np.intp], Flags]:
    """Where each stands, and whether it does."""
    at = np.searchsorted(ascending, wanted)
    at[at == ascending.size] = 0
    return at, (ascending[at] == wanted) if ascending.size else np.zeros(wanted.size, dtype=np.bool_)
