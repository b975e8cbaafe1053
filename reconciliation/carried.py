"""What a close writes of its payments: those that stand otherwise than at the close before, and which are gone since.

A payment that was settled long ago stands as it stood. Written by every close anew, the states of all payments would fill
the lake with the square of the days. What all payments stand on is the last row of each over the closes, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from canonical.frames import empty
from reconciliation.frames import GONE, STATES


def changed(states: pl.DataFrame, opening: pl.DataFrame) -> pl.DataFrame:
    """The rows of STATES that the STATES at the close before have not, in any column."""
    return states.join(opening, on=states.columns, how="anti", nulls_equal=True, maintain_order="left")


def gone(states: pl.DataFrame, opening: pl.DataFrame) -> pl.DataFrame:
    """GONE: payments of the close before that are no longer there."""
    return opening.join(states, on="payment_id", how="anti", maintain_order="left").select(GONE.columns.keys())


def standing(closes: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> pl.DataFrame:
    """STATES of all payments at the last of some closes: what each wrote (`changed`, `gone`), the oldest first."""
    rows = pl.concat([empty(STATES), *(part for close in closes for part in close if part.height)], how="diagonal")
    last = rows.select(pl.col("payment_id").is_last_distinct()).to_series()
    return rows.filter(last & rows["state"].is_not_null())
