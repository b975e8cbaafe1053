"""The tags of one window of XML, as columns: where each stands and its first eight bytes.

A tag ends at the first `>` behind its `<`. That is looked for in the head alone: who needs the rest of a tag compares it
with the bytes it should have (`Tags.spells`), so that nothing here rests on a fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from parsers._iso_faults import Doubt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

_WORD: Final = 8
_ONES: Final = np.uint64(0x0101010101010101)
_HIGHS: Final = np.uint64(0x8080808080808080)
_CLOSES: Final = _ONES * np.uint64(ord(">"))
_MIXER: Final = np.uint64(0x9E3779B97F4A7C15)
_BASE: Final = np.uint64(0xD1342543DE82EF95)
_HALF: Final = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Tags:
    """Columns over the tags of a window, `data`, in their order. `opens`: offset of `<`. `heads`: first eight bytes, zeros behind the `>`.

    `words`: the eight bytes from every offset of the window on.
    """

    data: bytes
    opens: Ints
    heads: Words
    words: Words

    def spells(self, tag: bytes) -> Ints:
        """The ordinals of the tags that are exactly this one, which ends with its first `>`."""
        spelling = Spelling([tag])
        found = np.flatnonzero(self.heads == spelling.heads[0])
        for offset, word in zip(spelling.beyond.offsets, spelling.beyond.words, strict=True):
            found = found[self._hold(self.opens[found] + offset, word)]
        return found

    def runs_spelling(self, firsts: Ints, lasts: Ints, spellings: Sequence[Spelling], which: Ints) -> Flags:
        """Which runs of tags, from the ordinals `firsts` to `lasts`, are exactly the tags of their spelling, one of `which`."""
        sizes = np.array([len(spelling.tags) for spelling in spellings], np.int64)
        same: Flags = lasts - firsts + 1 == sizes[which]
        rows = np.flatnonzero(same)
        held = self._inside(firsts[rows], lasts[rows]) == several(
            [spelling.heads for spelling in spellings], which[rows]
        )
        rows = strike(same, rows, held, sizes[which[rows]])
        # What a payment's tags have beyond their heads are as many words as its spelling says.
        self.strike_others(same, rows, firsts, [spelling.beyond for spelling in spellings], which)
        return same

    def strike_others(self, same: Flags, rows: Ints, firsts: Ints, spots: Sequence[Spots], which: Ints) -> None:
        """Take from `same` those of `rows` that have not all the words of their spots. `firsts`, `which`: as above, of all."""
        # One comparison for all.
        told, counts = which[rows], np.array([len(spot.words) for spot in spots], np.int64)[which[rows]]
        ordinals = np.repeat(firsts[rows], counts) + several([spot.places for spot in spots], told)
        places = self.opens[ordinals] + several([spot.offsets for spot in spots], told)
        strike(same, rows, self._hold(places, several([spot.words for spot in spots], told)), counts)

    def _inside(self, firsts: Ints, lasts: Ints) -> Words:
        """The heads of all the runs, one after the other."""
        if not len(firsts):
            return self.heads[:0]
        breaks = np.flatnonzero(firsts[1:] != lasts[:-1] + 1)
        begins, ends = firsts[np.append(0, breaks + 1)], lasts[np.append(breaks, -1)] + 1
        parts = [self.heads[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _hold(self, places: Ints, words: Words) -> Flags:
        """Which places hold just these words. What a longer tag would have stands beyond the end: no word is there."""
        if places.size and places.max() >= len(self.words):
            inside = places < len(self.words)
            places = np.where(inside, places, 0)
            words = np.where(inside, words, ~self.words[0])
        held: Flags = self.words[places] == words
        return held


def several(parts: Sequence[npt.NDArray[np.generic]], which: Ints) -> Any:
    """The parts that `which` names, one after the other."""
    if all(len(part) == 1 for part in parts):
        return np.concatenate(parts)[which]
    raw = [part.tobytes() for part in parts]
    return np.frombuffer(b"".join([raw[part] for part in which.tolist()]), parts[0].dtype)


def strike(same: Flags, rows: Ints, held: Flags, counts: Ints) -> Ints:
    """Take the rows of what is not held from `same`; those that are left. `counts`: how many of `held` each row has."""
    if held.all():
        return rows
    same[np.repeat(rows, counts)[~held]] = False
    return rows[same[rows]]


@dataclass(frozen=True, eq=False)
class Spots:
    """Words of eight bytes in a run of tags and texts: ordinal of the tag, offset from its `<`, the word."""

    found: Sequence[tuple[int, int, int]]

    @cached_property
    def places(self) -> Ints:
        """Ordinals of the tags."""
        return np.array([item[0] for item in self.found], np.int64)

    @cached_property
    def offsets(self) -> Ints:
        """Where the words stand, from the `<` of their tags."""
        return np.array([item[1] for item in self.found], np.int64)

    @cached_property
    def words(self) -> Words:
        """The words."""
        return np.array([item[2] for item in self.found], np.uint64)


@dataclass(frozen=True, eq=False)
class Spelling:
    """The bytes of some tags that follow one another, as Tags compares them. Each ends with its first `>`."""

    tags: Sequence[bytes]

    @cached_property
    def beyond(self) -> Spots:
        """Where the words behind the heads stand. The last one of a tag may overlap."""
        places = [
            (ordinal, min(offset, len(tag) - _WORD), tag)
            for ordinal, tag in enumerate(self.tags)
            for offset in range(_WORD, len(tag), _WORD)
        ]
        return Spots([(n, at, int.from_bytes(tag[at : at + _WORD], "little")) for n, at, tag in places])

    @cached_property
    def heads(self) -> Words:
        """First eight bytes of each."""
        return np.array([int.from_bytes(tag[:_WORD], "little") for tag in self.tags], np.uint64)

    @cached_property
    def sizes(self) -> Ints:
        """Bytes of each."""
        return np.array([len(tag) for tag in self.tags], np.int64)


def words_of(data: bytes) -> Words:
    """The eight bytes from every offset on, little-endian: a view, no copy."""
    return np.ndarray((max(len(data) - _WORD + 1, 0),), np.dtype("<u8"), data, 0, (1,))


def tags_of(data: bytes, codes: Bytes) -> Tags:
    """Every `<`. `data` ends with a tag of eight bytes or more.

    Raises:
        Doubt: a `]]>`.
    """
    # A `>` in a text is well-formed, the end of a CDATA section is not. Looking for the rare first byte is the faster way.
    if data.find(b"]") >= 0 and data.find(b"]]>") >= 0:
        raise Doubt("the end of a CDATA section")
    words = words_of(data)
    opens = np.flatnonzero(codes == ord("<"))
    return Tags(data, opens, _up_to_close(words[opens]), words)


def _up_to_close(words: Words) -> Words:
    """The words with zeros behind their first `>`."""
    # A byte that is `>` becomes zero; the lowest bit that the subtraction borrows tells the first of them.
    marks = words ^ _CLOSES
    found = marks - _ONES
    found &= ~marks
    found &= _HIGHS
    # All bits up to that one: all 64 where there is none.
    found ^= found - np.uint64(1)
    found &= words
    return found


def sequence_prints(tags: Tags, firsts: Ints, lasts: Ints, powers: Powers) -> Words:
    """A number for the heads of each run of tags, in their order: runs of the same tags have the same; others may."""
    begin, end = firsts[0], lasts[-1] + 1
    weighed = tags.heads[begin:end] * _MIXER
    weighed ^= weighed >> _HALF
    up, down = powers.of(int(end - begin))
    weighed *= up
    edges = np.column_stack([firsts, lasts + 1]).ravel()[:-1] - begin
    sums = np.add.reduceat(weighed, edges)[::2]
    # A run's own powers begin with 1, wherever it stands. All of it is modulo 2^64.
    sums *= down[firsts - begin]
    sums += (lasts - firsts).view(np.uint64) * _MIXER
    return sums


class Powers:
    """Powers of an odd number and of its inverse, modulo 2^64."""

    def __init__(self) -> None:
        self._kept = (np.ones(1, np.uint64), np.ones(1, np.uint64))

    def of(self, count: int) -> tuple[Words, Words]:
        """The first `count` of both."""
        up, down = self._kept
        if len(up) < count:
            inverse = np.uint64(pow(int(_BASE), -1, 2**64))
            up, down = (
                np.cumprod(np.concatenate([np.ones(1, np.uint64), np.full(count, base)])) for base in (_BASE, inverse)
            )
            self._kept = up, down  # at once: another thread may be reading
        return up[:count], down[:count]


class Ranks:
    """How many of the marked bytes stand before an offset."""

    def __init__(self, marked: npt.NDArray[np.bool_]) -> None:
        packed = np.packbits(marked, bitorder="little")
        self._bits = np.concatenate([packed, np.zeros(2 * _WORD - len(packed) % _WORD, np.uint8)]).view(np.dtype("<u8"))
        before = np.cumsum(np.bitwise_count(self._bits), dtype=np.int64)
        self._before = np.concatenate([np.zeros(1, np.int64), before])
        self.total = int(before[-1])

    def at(self, offsets: Ints) -> Ints:
        """Marked bytes before each offset."""
        block, bit = offsets >> 6, (offsets & 63).astype(np.uint64)
        below = self._bits[block] & ((np.uint64(1) << bit) - np.uint64(1))
        found: Ints = self._before[block] + np.bitwise_count(below)
        return found
