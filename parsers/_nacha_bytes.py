"""Bytes of an ACH file that no record may hold: what is neither printable ASCII nor a line end.

Source: Nacha Operating Rules, Appendix One: valid characters.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from canonical.limits import BAD_CHARACTERS_MAX
from parsers._nacha_digits import Bytes, Integers

_SLAB_BYTES: Final = 2**19
"""Small enough for the processor's cache."""
_LF, _CR = 10, 13
_FIRST_PRINTABLE, _LAST_PRINTABLE = ord(" "), ord("~")
_IS_BAD: Final = np.array(
    [byte not in (_LF, _CR) and not _FIRST_PRINTABLE <= byte <= _LAST_PRINTABLE for byte in range(256)]
)


def scanned(array: Bytes) -> tuple[Integers, int]:
    """Positions of bytes that no ACH record may hold, up to a few too many, and the number of line feeds before those."""
    found, count, line_feeds = [], 0, 0
    for at in range(0, array.size, _SLAB_BYTES):
        slab = array[at : at + _SLAB_BYTES]
        ends = int(np.count_nonzero(slab == _LF))
        line_feeds += ends
        # Line feeds are the only bytes below the blank that most files have.
        if slab.max() > _LAST_PRINTABLE or np.count_nonzero(slab < _FIRST_PRINTABLE) != ends:
            found.append(_bad_characters(array, at))
            count += found[-1].size
            if count > BAD_CHARACTERS_MAX:
                break
    return np.concatenate(found) if found else np.empty(0, np.int64), line_feeds


def _bad_characters(array: Bytes, at: int) -> Integers:
    """The same of one slab: what is not printable; a CR may stand before a LF or at the end only."""
    slab, following = array[at : at + _SLAB_BYTES], array[at + 1 : at + 1 + _SLAB_BYTES]
    lone = slab == _CR
    lone[: following.size] &= following != _LF
    lone[following.size :] = False
    return np.flatnonzero(_IS_BAD[slab] | lone) + at
