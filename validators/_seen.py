"""The fold behind rules about repeats: the key of every payment, and where it stands, packed small.

A file may have millions of payments and all their keys are kept till its end: sixteen bytes of key, and the place
compressed, which is opened again only for windows that hold a repeat.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.contracts import Fallen

PLACE: Final = ("batch", "batch_id", "row", "line", "end_to_end_id")
_NUMBERS: Final = ("batch", "row", "line")


@dataclass(frozen=True, slots=True)
class Noted:
    """One window: a UInt128 key for each payment that has one, and as many rows of `PLACE` as a compressed Arrow file."""

    keys: pl.Series
    places: bytes


Seen = tuple[Noted, ...]
"""State: windows in file order. Merging joins the tuples."""


def noted(payments: pl.DataFrame, keys: pl.Series) -> Noted:
    """Key and place of the payments whose key is not null. 128 bits: a chance repeat is out of the question."""
    keyed = payments.select(keys.alias("key"), pl.col(_NUMBERS).cast(pl.UInt32), "batch_id", "end_to_end_id")
    if keys.null_count():
        keyed = keyed.filter(pl.col("key").is_not_null())
    packed = io.BytesIO()
    keyed.drop("key").write_ipc(packed, compression="lz4")
    return Noted(keyed["key"].rechunk(), packed.getvalue())


_NONE: Final = Fallen()


def repeats(seen: Seen, fallen: Fallen = _NONE) -> pl.DataFrame:
    """`PLACE` of payments whose key another one has that comes first, with `first_row` and `first_line` of that one.

    First comes what is not `fallen`, then what stands before in the file.
    """
    keys = pl.concat([_EMPTY["key"], *(window.keys for window in seen)])
    opened = [_EMPTY]
    if keys.n_unique() < keys.len():  # far cheaper than asking for each key
        often = keys.filter(keys.is_duplicated()).unique().implode()
        opened += [_opened(window, often) for window in seen]
    has_fallen = pl.col("row").is_in(fallen.rows.implode()) | pl.col("batch").is_in(fallen.batches.implode())
    first = [pl.col(name).first().over("key").alias(f"first_{name}") for name in ("row", "line")]
    ordered = pl.concat(opened).sort(has_fallen, "row").with_columns(first)
    return ordered.filter(pl.col("row") != pl.col("first_row")).sort("row")


_EMPTY: Final = pl.DataFrame(
    schema={"key": pl.UInt128, "batch": pl.Int64, "batch_id": pl.String, "row": pl.Int64, "line": pl.Int64, "end_to_end_id": pl.String}
)  # fmt: skip


def _opened(window: Noted, often: pl.Series) -> pl.DataFrame:
    held = window.keys.to_frame("key").select(pl.col("key").is_in(often)).to_series()
    if not held.any():
        return _EMPTY
    places = pl.read_ipc(io.BytesIO(window.places))
    whole = places.with_columns(window.keys.alias("key"), pl.col(_NUMBERS).cast(pl.Int64)).filter(held)
    return whole.select(_EMPTY.columns)
