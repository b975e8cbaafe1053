"""Addenda of ACH entries: which follow which entry, what they say, and what is wrong with them.

Source: Nacha Operating Rules, Appendix Three: addenda record formats (types 02, 05 and 10 to 18), sequence of records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from canonical.codes import Level, Severity
from canonical.counts import count_said
from parsers._nacha_classes import (
    ADDENDA_MAX,
    IAT_ADDENDA_MIN,
    IAT_OPTIONAL_ADDENDA_MAX,
    IAT_REMITTANCE_MAX,
    ORDERED,
    EntryClass,
)
from parsers._nacha_digits import Bytes, Flags, Integers, field, numbers, word
from parsers._nacha_entries import Entries
from parsers._nacha_findings import Fault
from parsers._nacha_layout import RECORD_CHARS, cut
from parsers._nacha_order import Placed
from parsers._nacha_texts import lines

_PAYMENT: Final = (Severity.ERROR, Level.PAYMENT)
INDICATOR: Final = Fault(
    "nacha-addenda-indicator", "RR07", *_PAYMENT, "addenda",
    "Set the addenda record indicator (position 79) to 1 where addenda follow and to 0 where none do.",
)  # fmt: skip
NUMBER: Final = Fault(
    "nacha-addenda-number", "RR07", *_PAYMENT, "addenda",
    "Send as many addenda records as the class carries: PPD, CCD, WEB, CIE and ACK none or one, CTX, TRX and ATX up to "
    "9,999, POS, SHR, MTE and DNE one, ENR 1 to 9,999, IAT 10 to 16 each and of 17 and 18 what its message says, other classes none.",
)  # fmt: skip
COUNT: Final = Fault(
    "nacha-addenda-count", "RR07", *_PAYMENT, "addenda",
    "Say in the entry how many addenda records follow: at positions 55-58 (CTX, TRX, ATX, ENR) or 13-16 (IAT).",
)  # fmt: skip
TYPE: Final = Fault(
    "nacha-addenda-type", "RR07", *_PAYMENT, "addenda",
    "Use addenda of the type that the class carries: 02 with POS, SHR and MTE, 10 to 18 with IAT, 05 with all others.",
)  # fmt: skip
SEQUENCE: Final = Fault(
    "nacha-addenda-sequence",
    "RR07",
    *_PAYMENT,
    "addenda",
    "Number the addenda of an entry from 0001 at positions 84-87.",
)
TRACE: Final = Fault(
    "nacha-addenda-trace", "RR07", *_PAYMENT, "addenda",
    "Repeat the last seven digits of the entry's trace number at positions 88-94 (type 02: all of it at 80-94).",
)  # fmt: skip
FAULTS: Final = (INDICATOR, NUMBER, COUNT, TYPE, SEQUENCE, TRACE)

TERMINAL, PAYMENT, FOREIGN_REMITTANCE, FOREIGN_BANK = 2, 5, 17, 18
RETURN_TYPES: Final = (98, 99)
"""Notifications of change and returns: no addenda of payments."""
_INTERNATIONAL: Final = (
    f"{IAT_ADDENDA_MIN} to {IAT_ADDENDA_MIN + IAT_OPTIONAL_ADDENDA_MAX}: 10 to 16 once each, "
    f"17 at most {IAT_REMITTANCE_MAX} times, 17 and 18 together at most {IAT_OPTIONAL_ADDENDA_MAX} times"
)


def _carried(item: EntryClass) -> str:
    if item.addenda == "IAT":
        return _INTERNATIONAL
    least, most = item.addenda_min, item.addenda_max
    span = (
        (f"{least}" if least else "none")
        if least == most
        else f"{least or 'none'} {'or' if most == 1 else 'to'} {most:,}"
    )
    return span if item.addenda == "05" or not most else f"{span} of type {item.addenda}"


_CARRIED: Final = {item.code: _carried(item) for item in ORDERED if item.code}
_NUMBERED: Final = (PAYMENT, FOREIGN_REMITTANCE, FOREIGN_BANK)
_TEXTS: Final = {TERMINAL: (4, 79), PAYMENT: (4, 83), FOREIGN_REMITTANCE: (4, 83)}
"""What of the addenda of a type is remittance information."""
_WANTED: Final = {"": -1, "02": TERMINAL, "05": PAYMENT, "IAT": 0}


@dataclass(frozen=True, slots=True)
class Addenda:
    """The addenda of a window's entries, as arrays of one length. `owner`: ordinal of the entry, ascending."""

    matrix: Bytes
    kind: Integers
    owner: Integers

    def first(self, kind: int, entries: int) -> Integers:
        """For each entry the index of its first addenda of a type, -1 where there is none."""
        index = np.full(entries, -1)
        chosen = np.flatnonzero(self.kind == kind)[::-1]
        index[self.owner[chosen]] = chosen
        return index


def addenda_of(here: Placed) -> Addenda:
    """The addenda of the placed records that belong to an entry of this window."""
    kind, known = here.parts.kind
    return Addenda(here.parts.addenda_matrix, np.where(known, kind, -1), here.parts.owner)


def remittances(addenda: Addenda, entries: int) -> pl.Series:
    """For each entry the texts of its addenda of types 02, 05 and 17, several joined by line feeds; null where blank."""
    telling = np.isin(addenda.kind, list(_TEXTS))
    if not telling.any():
        return pl.Series("remittance", [None], dtype=pl.String).new_from_index(0, entries)
    every = bool(telling.all())
    kind, owner = (addenda.kind, addenda.owner) if every else (addenda.kind[telling], addenda.owner[telling])
    matrix = addenda.matrix if every else addenda.matrix[telling]
    text = lines(matrix, *_TEXTS[PAYMENT])
    if (kind == TERMINAL).any():
        text = text.zip_with(pl.Series(kind != TERMINAL), lines(matrix, *_TEXTS[TERMINAL]))
    texts = text.alias("remittance").to_frame()
    if len(owner) > 1 and bool((owner[1:] == owner[:-1]).any()):
        joined = texts.with_columns(pl.col("remittance").fill_null(""), pl.Series("owner", owner)).group_by(
            "owner", maintain_order=True
        )
        texts = joined.agg(pl.col("remittance").str.join("\n"))
        owner = texts["owner"].to_numpy()
        texts = texts.select(pl.when(pl.col("remittance").str.strip_chars("\n") != "").then("remittance"))
    if len(owner) == entries:
        return texts["remittance"]
    index = np.full(entries, -1)
    index[owner] = np.arange(len(owner))
    places = pl.Series(index)
    return texts["remittance"].gather(pl.select(pl.when(places >= 0).then(places)).to_series())


def addenda_findings(entries: Entries, addenda: Addenda, headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with the addenda of entries inside batches, of classes that are payments."""
    ours = (entries.position >= 0) & entries.of_class({item.code: item.code not in {"", "ADV"} for item in ORDERED})
    count = entries.addenda
    said = field(entries.matrix, 79, 79)[:, 0]
    wrong = ours & (said != np.where(count > 0, ord("1"), ord("0")))
    if wrong.any():
        shown = cut(79, 79).replace(" ", "blank")
        message = pl.format(
            "The addenda record indicator is {}; the entry has {}.", shown, count_said("addenda", "addenda record")
        )
        yield INDICATOR.on(entries.at(wrong, headers), message, cut(79, 79))
    least = np.array([IAT_ADDENDA_MIN if item.addenda == "IAT" else item.addenda_min for item in ORDERED])
    most = np.array([ADDENDA_MAX if item.addenda == "IAT" else item.addenda_max for item in ORDERED])
    wrong = ours & ((count < least[entries.class_index]) | (count > most[entries.class_index]))
    wrong |= ours & entries.of_class({"IAT": True}) & _too_many_optional(addenda, len(count))
    if wrong.any():
        carried = pl.col("sec").replace_strict(_CARRIED, default="another number", return_dtype=pl.String)
        message = pl.format(
            "The entry has {}; class {} carries {}.", count_said("addenda", "addenda record"), "sec", carried
        )
        yield NUMBER.on(entries.at(wrong, headers), message)
    yield from _count_findings(entries, headers)
    yield from _record_findings(entries, addenda, headers, ours)


def _too_many_optional(addenda: Addenda, entries: int) -> Flags:
    """Entries with more addenda of types 17 and 18 than an international entry carries."""
    remittance = np.bincount(addenda.owner[addenda.kind == FOREIGN_REMITTANCE], minlength=entries)
    banks = np.bincount(addenda.owner[addenda.kind == FOREIGN_BANK], minlength=entries)
    return np.asarray((remittance > IAT_REMITTANCE_MAX) | (remittance + banks > IAT_OPTIONAL_ADDENDA_MAX))


def _count_findings(entries: Entries, headers: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Entries that say how many addenda follow, and say it wrongly."""
    counted = {item.code: item.counted for item in ORDERED}
    for first, classes in ((55, counted), (13, {"IAT": True})):
        having = (entries.position >= 0) & entries.of_class(classes)
        if having.any():
            said, known = numbers(entries.matrix, first, first + 3)
            wrong = having & (~known | (said != entries.addenda))
            text = cut(first, first + 3)
            message = pl.format(
                "The entry says {} addenda records follow, and has {}.", text, count_said("addenda", "addenda record")
            )
            yield COUNT.on(entries.at(wrong, headers), message, text)


def _record_findings(entries: Entries, addenda: Addenda, headers: pl.DataFrame, ours: Flags) -> Iterator[pl.DataFrame]:
    """Addenda of another type, out of sequence, or that name another entry."""
    if not addenda.owner.size:
        return
    # A return file is told as one, not record by record.
    returned = np.isin(addenda.kind, RETURN_TYPES)
    wanted = np.array([_WANTED[item.addenda] for item in ORDERED])[entries.class_index][addenda.owner]
    international = (addenda.kind >= 10) & (addenda.kind <= FOREIGN_BANK)  # noqa: PLR2004 - types 10 to 18
    # Classes without addenda have one fault for all of them: their number.
    foreign = (wanted >= 0) & ~returned & np.where(wanted == 0, ~international, addenda.kind != wanted)
    yield from _told(TYPE, foreign, entries, addenda, headers, ours)
    sequence, known = numbers(addenda.matrix, 84, 87)
    right = sequence == _ordinals(entries, addenda)
    disordered = np.isin(addenda.kind, _NUMBERED) & ~(known & right)
    yield from _told(SEQUENCE, disordered, entries, addenda, headers, ours)
    # Seven digits as one number of eight bytes: one comparison a record.
    other = _tail(addenda.matrix) != _tail(entries.matrix)[addenda.owner]
    terminal = np.flatnonzero(addenda.kind == TERMINAL)
    if terminal.size:
        traces = field(entries.matrix, 80, 94)[addenda.owner[terminal]]
        other[terminal] = (field(addenda.matrix[terminal], 80, 94) != traces).any(axis=1)
    yield from _told(TRACE, other & ~returned, entries, addenda, headers, ours)


def _tail(matrix: Bytes) -> npt.NDArray[np.uint64]:
    """Positions 88-94 of each record as one number."""
    return word(matrix, RECORD_CHARS - 8) >> np.uint64(8)


def _ordinals(entries: Entries, addenda: Addenda) -> Integers:
    """Ordinal, from 1, among the addenda of the same entry; of types 17 and 18 among those of the same type."""
    ordinal = np.arange(len(addenda.owner)) - entries.first_addenda[addenda.owner] + 1
    for kind in (FOREIGN_REMITTANCE, FOREIGN_BANK):
        chosen = np.flatnonzero(addenda.kind == kind)
        if chosen.size:
            owner = addenda.owner[chosen]
            starts = np.flatnonzero(np.concatenate(([True], owner[1:] != owner[:-1])))
            run = np.repeat(starts, np.diff(np.concatenate((starts, [len(owner)]))))
            ordinal[chosen] = np.arange(len(chosen)) - run + 1
    return ordinal


_MESSAGES: Final = {
    TYPE.rule: "An addenda record is not of the type that class {} carries.",
    SEQUENCE.rule: "An addenda sequence number is not as the order of the records asks.",
    TRACE.rule: "An addenda record names another entry than the one it follows.",
}


def _told(
    fault: Fault, wrong: Flags, entries: Entries, addenda: Addenda, headers: pl.DataFrame, ours: Flags
) -> Iterator[pl.DataFrame]:
    """One finding an entry, however many of its addenda are at fault."""
    if wrong.any():
        at_fault = np.zeros(len(ours), np.bool_)
        at_fault[addenda.owner[wrong]] = True
        message = _MESSAGES[fault.rule]
        told = pl.format(message, "sec") if "{}" in message else message
        yield fault.on(entries.at(at_fault & ours, headers), told)
