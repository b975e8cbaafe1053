"""The tags of one window of XML, as columns: where each stands, how long it is, and a fingerprint of its bytes.

Fingerprints are 64 bits, keyed anew in every process: that two different tags share one is a chance of about 2^-60, and
nobody can write a file in which they do.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from parsers._iso_faults import Doubt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_TAG_BYTES_MAX: Final = 1024
_WORD: Final = 8
_KEYS: Final = [np.uint64(secrets.randbits(64) | 1) for _ in range(4)]
_WEIGHTS: Final = np.array([secrets.randbits(64) | 1 for _ in range(1024)], np.uint64)
_EITHER: Final = np.uint8(0xFF ^ ord("<") ^ ord(">"))
_HALF: Final = np.uint64(32)
# The first n bytes of a little-endian word.
_MASKS: Final = np.array([2 ** (8 * size) - 1 for size in range(_WORD + 1)], np.uint64)


@dataclass(frozen=True, slots=True)
class Tags:
    """Columns over the tags in their order. `opens` is the offset of `<`, `closes` that of its `>`."""

    opens: Ints
    closes: Ints
    prints: Words


def words_of(data: bytes) -> Words:
    """The eight bytes from every offset on, little-endian: a view, no copy."""
    return np.ndarray((max(len(data) - _WORD + 1, 0),), np.dtype("<u8"), data, 0, (1,))


def tags_of(data: bytes, codes: Bytes) -> Tags:
    """Every `<` and the first `>` behind it. `data` ends with a tag of eight bytes or more.

    Raises:
        Doubt: a `<` without `>`, or a `]]>`.
    """
    # The two differ in one bit: both are found at once, and take turns where no text holds a `>`.
    found = np.flatnonzero((codes & _EITHER) == ord("<"))
    opens, closes = np.ascontiguousarray(found[::2]), np.ascontiguousarray(found[1::2])
    if len(found) % 2 or (codes[opens] != ord("<")).any() or (codes[closes] != ord(">")).any():
        # A `>` in a text is well-formed, the end of a CDATA section is not. A tag's own is the first behind its `<`.
        if data.find(b"]]>") >= 0:
            raise Doubt("the end of a CDATA section")
        kinds = codes[found]
        opens, closes = found[kinds == ord("<")], found[kinds == ord(">")]
        own = np.searchsorted(closes, opens)
        if len(own) and own[-1] == len(closes):
            raise Doubt("a tag is not closed")
        closes = closes[own]
    return Tags(opens, closes, _prints(words_of(data), opens, closes))


def print_of(tag: bytes) -> np.uint64:
    """The fingerprint of one tag."""
    words = words_of(tag + bytes(_WORD))
    return np.uint64(_prints(words, np.zeros(1, np.int64), np.array([len(tag) - 1], np.int64))[0])


def _prints(words: Words, opens: Ints, closes: Ints) -> Words:
    sizes = closes - opens + 1
    masks = _MASKS.take(sizes, mode="clip")
    heads = words[opens] & masks
    # Of a tag shorter than a word this is its head once more.
    tails = words[np.maximum(opens, closes - (_WORD - 1))] & masks
    mixed: Words = tails * _KEYS[0]
    mixed ^= heads
    mixed += sizes.view(np.uint64) * _KEYS[1]
    mixed = _stir(mixed)
    place = _WORD
    longer = np.flatnonzero(sizes > place + _WORD)
    while len(longer):
        mixed[longer] = _stir(mixed[longer] ^ (words[opens[longer] + place] * _KEYS[2]))
        place += _WORD
        longer = longer[(sizes[longer] > place + _WORD) & (place < _TAG_BYTES_MAX)]
    # A comment, or nothing that any other payment has.
    overlong = np.flatnonzero(sizes > _TAG_BYTES_MAX)
    mixed[overlong] = [secrets.randbits(64) for _ in range(len(overlong))]
    return mixed


def _stir(mixed: Words) -> Words:
    mixed *= _KEYS[3]
    mixed ^= mixed >> _HALF
    mixed *= _KEYS[0]
    mixed ^= mixed >> _HALF
    return mixed


def sequence_prints(tags: Tags, firsts: Ints, lasts: Ints) -> Words:
    """One fingerprint a payment, of all its tags in their order: tags `firsts` to `lasts`, both included."""
    begin, counts = firsts[0], lasts - firsts + 1
    # A weight of its own for each place: the same tags in another order differ. All sums are modulo 2^64.
    place = np.arange(begin, lasts[-1] + 1)
    place -= np.repeat(firsts, np.diff(firsts, append=lasts[-1] + 1))
    weighed = tags.prints[begin : lasts[-1] + 1] * _WEIGHTS.take(place, mode="clip")
    edges = np.column_stack([firsts, lasts + 1]).ravel()[:-1] - begin
    prints = _stir(np.add.reduceat(weighed, edges)[::2] + counts.view(np.uint64) * _KEYS[1])
    longer = np.flatnonzero(counts > len(_WEIGHTS))
    prints[longer] = [secrets.randbits(64) for _ in range(len(longer))]
    return prints


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
