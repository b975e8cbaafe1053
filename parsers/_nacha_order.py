"""The order of ACH records: which batch and entry each belongs to, and where the order is broken.

Source: Nacha Operating Rules, Appendix Three, sequence of records in ACH files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from parsers._nacha_findings import Fault
from parsers._nacha_layout import FILLER, KINDS

_NEXT: Final = [
    "1", "15", "19", "56", "66", "67", "68", "76", "77", "78", "85", "89", f"9{FILLER}", f"{FILLER}{FILLER}",
]  # fmt: skip
"""Record types that may follow one another; the first record is a file header."""

_ORDER: Final = Fault(
    "nacha-order", "FF02", Severity.ERROR, Level.FILE, "record type code",
    "Order the records: file header; each batch as batch header, entries (each followed by its addenda) and batch "
    "control; file control; filler.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where the records before this window left off. `kind`: type of the last record; `marker`: the last 5, 8 or 9."""

    kind: str = ""
    marker: str = ""
    batches: int = 0


def placed(records: pl.DataFrame, place: Place) -> pl.DataFrame:
    """The records with their places added.

    `previous` (kind of the record before), `inside` (a batch is open at this record; of a batch control: was open
    before it), `batch` (ordinal of the last batch header), `entry` (index among the entries of this window), `anchored`
    (an entry of this window stands before it in the same batch: an addenda record belongs to that entry).
    """
    kind = pl.col("kind")
    marker = pl.when(kind.is_in(["5", "8", "9"])).then(kind).forward_fill().fill_null(place.marker)
    anchor = pl.when(kind.is_in(["1", "5", "6", "8", "9"])).then(kind).forward_fill()
    return records.with_columns(
        kind.shift(1, fill_value=place.kind).alias("previous"),
        marker.alias("marker"),
        ((kind == "5").cum_sum().cast(pl.Int64) + place.batches).alias("batch"),
        ((kind == "6").cum_sum().cast(pl.Int64) - 1).alias("entry"),
        (anchor == "6").fill_null(value=False).alias("anchored"),
    ).with_columns(
        pl.when(kind == "8")
        .then(pl.col("marker").shift(1, fill_value=place.marker) == "5")
        .otherwise(pl.col("marker") == "5")
        .alias("inside")
    )


def left_off(records: pl.DataFrame, place: Place) -> Place:
    """Where the placed records leave off."""
    if records.is_empty():
        return place
    last = records.row(-1, named=True)
    return Place(last["kind"], last["marker"], last["batch"])


def order_findings(records: pl.DataFrame) -> pl.DataFrame:
    """One finding for each record that may not follow the one before it."""
    pair = pl.concat_str("previous", "kind")
    lost = (pl.col("kind") == "7") & ~pl.col("anchored")
    wrong = records.filter((pl.col("kind") != "7") & ~pair.is_in(_NEXT) | lost)
    names = KINDS | {FILLER: "filler"}
    this = pl.col("kind").replace_strict(names, return_dtype=pl.String)
    before = pl.col("previous").replace_strict(names, return_dtype=pl.String)
    message = (
        pl.when(pl.col("previous") == "")
        .then(pl.format("The file begins with a record of type {}; a file header (type 1) must stand first.", this))
        .when(pl.col("kind") == "7")
        .then(pl.format("An addenda record follows a record of type {}; it must follow an entry.", before))
        .otherwise(pl.format("A record of type {} follows a record of type {}.", this, before))
    )
    return _ORDER.on(wrong, message)
