"""Entries and addenda of one window by themselves: what can be read of them without knowing the windows before.

Source: Nacha Operating Rules, Appendix Three: entry detail and addenda records.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parsers._nacha_classes import EntryClass
from parsers._nacha_digits import Bytes, Flags, Integers, numbers, rows_of

_ENTRY, _ADDENDA = ord("6"), ord("7")
_AMOUNT = EntryClass("").amount
Number = tuple[Integers, Flags]
"""Of each record the number at some positions, and whether nothing but digits stands there."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Indexes of entries and addenda, the records themselves and their numbers.

    Of addenda only those that follow an entry of this window. `owner`: for each of these the ordinal of its entry.
    `stray`: which of all records are addenda that follow none. `amount`: as all classes but ADV have it.
    """

    entries: Integers
    addenda: Integers
    owner: Integers
    stray: Flags
    entry_matrix: Bytes
    addenda_matrix: Bytes
    code: Number
    rdfi: Number
    amount: Number
    trace: Number
    kind: Number


def parts_of(matrix: Bytes, kinds: Bytes) -> Parts:
    """`matrix`, `kinds`: the records of a window and their type codes."""
    entries, addenda = np.flatnonzero(kinds == _ENTRY), np.flatnonzero(kinds == _ADDENDA)
    owner, stray = np.searchsorted(entries, addenda) - 1, np.zeros(len(kinds), np.bool_)
    lost = _lost(kinds, addenda)
    if lost.any():
        stray[addenda[lost]] = True
        addenda, owner = addenda[~lost], owner[~lost]
    of_entries, of_addenda = rows_of(matrix, entries), rows_of(matrix, addenda)
    return Parts(
        entries, addenda, owner, stray, of_entries, of_addenda, numbers(of_entries, 2, 3), numbers(of_entries, 4, 11),
        numbers(of_entries, *_AMOUNT), numbers(of_entries, 80, 94), numbers(of_addenda, 2, 3),
    )  # fmt: skip


def _lost(kinds: Bytes, addenda: Integers) -> Flags:
    """Which addenda follow no entry: the last record before them that is none must be an entry."""
    if not addenda.size:
        return np.zeros(0, np.bool_)
    before = kinds[addenda - 1]
    if addenda[0] and bool((before == _ENTRY).all()):
        return np.zeros(len(addenda), np.bool_)
    others = np.where(kinds == _ADDENDA, -1, np.arange(len(kinds)))
    anchor = np.maximum.accumulate(others)[addenda]
    return np.asarray((anchor < 0) | (kinds[anchor] != _ENTRY))
