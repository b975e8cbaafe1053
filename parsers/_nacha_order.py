"""The order of ACH records: which batch and entry each belongs to, and where the order is broken.

Source: Nacha Operating Rules, Appendix Three, sequence of records in ACH files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from parsers._nacha_digits import Bytes, Flags, Integers, strings
from parsers._nacha_findings import NONE, Fault
from parsers._nacha_layout import FILLER, KINDS
from parsers._nacha_lines import Records
from parsers._nacha_parts import Parts, parts_of

_NEXT: Final = (
    "1", "15", "19", "56", "66", "67", "68", "76", "77", "78", "85", "89", f"9{FILLER}", f"{FILLER}{FILLER}",
)  # fmt: skip
"""Record types that may follow one another; the first record is a file header."""
_START: Final = 0
_MAY_FOLLOW: Final = np.zeros(256 * 256, np.bool_)
"""By the type before and the type of a record, as one number of two bytes."""
for _pair in _NEXT:
    _MAY_FOLLOW[(ord(_pair[0]) if len(_pair) > 1 else _START) << 8 | ord(_pair[-1])] = True

ORDER: Final = Fault(
    "nacha-order", "FF02", Severity.ERROR, Level.FILE, "record type code",
    "Order the records: file header; each batch as batch header, entries (each followed by its addenda) and batch "
    "control; file control; filler.",
)  # fmt: skip
SECOND: Final = replace(ORDER, remedy="Send each ACH file as a file of its own.")
NO_HEADER: Final = Fault(
    "nacha-header-missing", "FF01", Severity.ERROR, Level.FILE, "file header",
    "Begin the file with a file header record (type 1).",
)  # fmt: skip
FAULTS: Final = (ORDER, NO_HEADER)

NO_RECORDS: Final = pl.DataFrame(schema={"line": pl.Int64, "text": pl.String, "batch": pl.Int64})
_HEADER, _ADDENDA, _CONTROL, _END = (ord(kind) for kind in "5789")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records before this window left off. `kind`: type of the last record (0: none); `open`: in a batch."""

    kind: int = _START
    open: bool = False
    batches: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """The records with their places, as arrays of the records' length.

    `previous`: kind of the record before. `inside`: a batch is open at this record (of a batch control: was open before
    it). `batch`: ordinal of the last batch header.
    """

    records: Records
    previous: Bytes
    inside: Flags
    batch: Integers
    parts: Parts
    after: Place

    def chosen(self, chosen: Flags | Integers) -> pl.DataFrame:
        """line, text and batch of some of the records."""
        records = self.records
        if not (chosen.any() if chosen.dtype == np.bool_ else chosen.size):
            return NO_RECORDS
        return pl.DataFrame(
            {"line": records.lines[chosen], "text": strings(records.matrix[chosen]), "batch": self.batch[chosen]},
            schema=NO_RECORDS.schema,
        )

    def of_kind(self, kind: str) -> pl.DataFrame:
        """The same of all records of a type."""
        return self.chosen(np.flatnonzero(self.records.kinds == ord(kind)))


def placed(records: Records, place: Place, parts: Parts | None = None) -> Placed:
    """Find the places of a window's records. `place`: where the window before left off. `parts`: where they are known."""
    kinds = records.kinds
    previous = np.concatenate((np.array([place.kind], np.uint8), kinds[:-1])) if kinds.size else kinds
    batch = np.cumsum(kinds == _HEADER, dtype=np.int64) + place.batches
    inside = _inside(kinds, place)
    after = Place(int(kinds[-1]), _open(kinds, place), int(batch[-1])) if kinds.size else place
    return Placed(records, previous, inside, batch, parts or parts_of(records.matrix, kinds), after)


def _open(kinds: Bytes, place: Place) -> bool:
    markers = np.flatnonzero((kinds == _HEADER) | (kinds == _CONTROL) | (kinds == _END))
    return bool(kinds[markers[-1]] == _HEADER) if markers.size else place.open


def _inside(kinds: Bytes, place: Place) -> Flags:
    markers = np.flatnonzero((kinds == _HEADER) | (kinds == _CONTROL) | (kinds == _END))
    opened = np.concatenate(([place.open], kinds[markers] == _HEADER))
    inside: Flags = np.repeat(opened, np.diff(np.concatenate(([0], markers, [len(kinds)]))))
    closing = kinds[markers] == _CONTROL
    inside[markers[closing]] = opened[:-1][closing]
    return inside


def order_findings(here: Placed) -> pl.DataFrame:
    """One finding for each record that may not follow the one before it."""
    kinds = here.records.kinds
    wrong = ~_MAY_FOLLOW[here.previous.astype(np.uint16) << 8 | kinds]
    wrong &= kinds != _ADDENDA
    wrong |= here.parts.stray
    if not wrong.any():
        return NONE
    names = {ord(code): name for code, name in {**KINDS, FILLER: "filler"}.items() if code}
    faults = here.chosen(wrong).with_columns(
        pl.Series("this", kinds[wrong]).replace_strict(names, return_dtype=pl.String),
        pl.Series("before", here.previous[wrong]).replace_strict(names | {_START: ""}, return_dtype=pl.String),
        pl.Series("first", here.previous[wrong] == _START),
    )
    message = (
        pl.when(pl.col("this") == KINDS["7"])
        .then(pl.format("An addenda record follows a record of type {}; it must follow an entry.", "before"))
        .otherwise(pl.format("A record of type {} follows a record of type {}.", "this", "before"))
    )
    second = (pl.col("this") == KINDS["1"]) & pl.col("before").is_in([KINDS["9"], "filler"])
    begins = pl.format("The file begins with a record of type {}; a file header (type 1) must stand first.", "this")
    return pl.concat((
        NO_HEADER.on(faults.filter("first"), begins),
        SECOND.on(faults.filter(second), "A second file begins here: its file header follows the end of another."),
        ORDER.on(faults.filter(~pl.col("first"), ~second), message),
    ))  # fmt: skip
