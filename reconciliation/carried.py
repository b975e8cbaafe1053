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


def touched(states: pl.DataFrame, new: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """The STATES of payments whose postings may lack something: the ledger holds what the close before called for.

    Args:
        states: STATES.
        new: of `changed`. A payment that is claimed otherwise has another `claims_digest`.
        since: POSTINGS on these payments that were made for the day itself or later ones.
    """
    subjects = since["subject"].str.split("/").list.first()
    ids = pl.concat([new["payment_id"], subjects.alias("payment_id")]).unique()
    return states.filter(pl.col("payment_id").is_in(ids.implode()))


def gone(states: pl.DataFrame, opening: pl.DataFrame) -> pl.DataFrame:
    """GONE: payments of the close before that are no longer there."""
    return opening.join(states, on="payment_id", how="anti", maintain_order="left").select(GONE.columns.keys())


def standing(closes: Iterable[tuple[pl.DataFrame, pl.DataFrame]]) -> pl.DataFrame:
    """STATES of all payments at the last of some closes: what each wrote (`changed`, `gone`), the oldest first."""
    rows = pl.concat([empty(STATES), *(part for close in closes for part in close if part.height)], how="diagonal")
    last = rows.select(pl.col("payment_id").is_last_distinct()).to_series()
    return rows.filter(last & rows["state"].is_not_null())
