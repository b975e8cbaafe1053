"""A part of an ACH file as a file of its own: some entries with their addenda, batch headers kept, controls made anew.

Source: Nacha Operating Rules, Appendix Three: sequence of records, batch and file control records.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Final

import numpy as np
import polars as pl

from canonical.contracts import Source
from parsers._nacha_batches import batch_headers, run_sums
from parsers._nacha_digits import Flags, Integers
from parsers._nacha_entries import entries_of
from parsers._nacha_layout import BLOCKING_FACTOR, HASH_MODULUS, RECORD_CHARS
from parsers._nacha_lines import ends_of, records
from parsers._nacha_order import Place, Placed, placed

_MODIFIERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_MODIFIER_AT: Final = 33
_FILE_HEADER, _HEADER, _CONTROL, _END = (ord(kind) for kind in "1589")
Sums = tuple[int, int, int, int]
"""Entries and addenda, entry hash, debits, credits."""
_NONE: Final[Sums] = (0, 0, 0, 0)


@dataclass(slots=True)
class _Written:
    """What was written so far. `header`: of the batch that is open, with `sums` of it."""

    line_end: bytes
    out: bytearray = field(default_factory=bytearray)
    records: int = 0
    batches: int = 0
    advices: bool = False
    total: Sums = _NONE
    header: bytes = b""
    sums: Sums = _NONE

    def put(self, record: bytes) -> None:
        """One record."""
        self.out += record + self.line_end
        self.records += 1

    def put_all(self, matrix: np.ndarray) -> None:
        """Records of 94 characters."""
        ends = np.tile(np.frombuffer(self.line_end, np.uint8), (len(matrix), 1))
        self.out += np.hstack((matrix, ends)).tobytes()
        self.records += len(matrix)

    def open(self, header: bytes, sums: Sums) -> None:
        """A batch header, after closing a batch that was never closed. `sums`: of what follows in this window."""
        self.close(b"")
        self.put(header)
        self.header, self.sums, self.batches = header, sums, self.batches + 1
        self.advices = self.advices or header[50:53] == b"ADV"

    def close(self, control: bytes) -> None:
        """The open batch's control record, from the source's (or its header, where it has none) with the sums made anew."""
        if not self.header:
            return
        text = control or b"8" + self.header[1:4] + b" " * 40 + self.header[40:50] + b" " * 25 + self.header[79:94]
        self.put(_with_sums(text.ljust(RECORD_CHARS), 4, 6, self.sums, wide=self.header[50:53] == b"ADV"))
        self.total = _plus(self.total, self.sums)
        self.header, self.sums = b"", _NONE

    def end(self, control: bytes) -> None:
        """The file control record and the filler."""
        self.close(b"")
        blocks = -(-(self.records + 1) // BLOCKING_FACTOR)
        text = (control or b"9").ljust(RECORD_CHARS)
        text = text[:1] + b"%06d%06d" % (self.batches, blocks) + text[13:]
        self.put(_with_sums(text, 13, 8, self.total, wide=self.advices))
        for _ in range(blocks * BLOCKING_FACTOR - self.records):
            self.put(b"9" * RECORD_CHARS)


def _plus(left: Sums, right: Sums) -> Sums:
    return (left[0] + right[0], left[1] + right[1], left[2] + right[2], left[3] + right[3])


def _with_sums(text: bytes, at: int, digits: int, sums: Sums, *, wide: bool) -> bytes:
    """A control record with count (of so many digits), hash, debits and credits written at `at`."""
    width = 20 if wide else 12
    numbers = f"{sums[0]:0{digits}d}{sums[1] % HASH_MODULUS:010d}{sums[2]:0{width}d}{sums[3]:0{width}d}".encode("ascii")
    return text[:at] + numbers + text[at + len(numbers) :]


def excerpt(source: Source, kept: pl.DataFrame) -> bytes:
    """The file header (with the next file id modifier), the kept entries in their batches, controls, full blocks.

    `kept`: offset and batch of PAYMENTS, in file order. Lines end as those of the source do; batch headers, entries and
    addenda are the source's own bytes.
    """
    offsets, batches = kept["offset"].to_numpy(), np.unique(kept["batch"].to_numpy())
    written = _Written(ends_of(source.data))
    place, end, headers = Place(), b"", pl.DataFrame()
    for window in records(source.data):
        here = placed(window, place)
        place = here.after
        if not written.records:
            _begin(written, source, here)
        headers = pl.concat([headers, batch_headers(here.of_kind("5"))], how="diagonal")
        _copy(written, source, here, headers, (offsets, batches))
        headers = headers.filter(pl.col("batch") == place.batches)
        end = end or b"".join(_raw(source, here, index) for index in np.flatnonzero(window.kinds == _END)[:1])
    written.end(end)
    whole = bytes(written.out)
    return whole if source.data[-1:] == written.line_end[-1:] else whole.removesuffix(written.line_end)


def _raw(source: Source, here: Placed, index: int) -> bytes:
    offset = int(here.records.offsets[index])
    return bytes(source.data[offset : offset + int(here.records.lengths[index])])


def _begin(written: _Written, source: Source, here: Placed) -> None:
    """The source's file header; the next modifier tells the new file from the old one."""
    for index in np.flatnonzero(here.records.kinds == _FILE_HEADER)[:1]:
        header = _raw(source, here, int(index))
        at = _MODIFIERS.find(header[_MODIFIER_AT : _MODIFIER_AT + 1] or b"?")
        following = _MODIFIERS[(at + 1) % len(_MODIFIERS) :][:1]
        written.put(header[:_MODIFIER_AT] + following + header[_MODIFIER_AT + 1 :] if at >= 0 else header)


def _copy(
    written: _Written, source: Source, here: Placed, headers: pl.DataFrame, kept: tuple[Integers, Integers]
) -> None:
    """The kept records of one window."""
    offsets, batches = kept
    kinds, matrix = here.records.kinds, here.records.matrix
    keep, sums = _kept(here, headers, offsets)
    marks = np.isin(here.batch, batches) & ((kinds == _HEADER) | ((kinds == _CONTROL) & here.inside))
    odd = keep & (
        (here.records.lengths != RECORD_CHARS) | np.isin(here.records.lines, here.records.characters["line"].to_numpy())
    )
    rows, before = np.flatnonzero(keep), 0
    for index in np.flatnonzero(marks | odd).tolist():
        upto = int(np.searchsorted(rows, index))
        written.put_all(matrix[rows[before:upto]])
        before = upto + int(odd[index])
        record = _raw(source, here, index)
        if kinds[index] == _HEADER:
            written.open(record, sums.pop(int(here.batch[index]), _NONE))
        elif kinds[index] == _CONTROL:
            # Of a batch that another window began, this one's sums are not yet added.
            written.sums = _plus(written.sums, sums.pop(int(here.batch[index]), _NONE))
            written.close(record)
        else:
            written.put(record)
    written.put_all(matrix[rows[before:]])
    # What is left belongs to the batch that another window began and does not end here either.
    written.sums = reduce(_plus, sums.values(), written.sums)


def _kept(here: Placed, headers: pl.DataFrame, offsets: Integers) -> tuple[Flags, dict[int, Sums]]:
    """Which records of the window stay (entries and their addenda), and their sums by batch."""
    entries = entries_of(here, headers, 0)
    staying = np.isin(entries.offset, offsets)
    keep = np.zeros(len(here.records.kinds), np.bool_)
    keep[here.parts.entries[staying]] = True
    keep[here.parts.addenda[staying[here.parts.owner]]] = True
    some = entries.take(staying)
    numbers = some.summed
    columns = {
        "count": some.addenda + 1, "entry_hash": some.rdfi,
        "debit": some.amount * numbers["debit"], "credit": some.amount * numbers["credit"],
    }  # fmt: skip
    summed = run_sums(some.batch, columns)
    rows = zip(*(summed[name].tolist() for name in ("batch", *columns)), strict=True)
    return keep, {batch: (count, entry_hash, debit, credit) for batch, count, entry_hash, debit, credit in rows}
