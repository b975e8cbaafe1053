"""What all breaks share: an id from what they stand on, and an age."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl
import polars_hash as plh

from canonical.frames import BREAKS, conform

NO_CURRENCY: Final = "XXX"
"""ISO 4217: no currency is involved. Stands on feedback that names no amount."""
_ID_DIGITS: Final = 19
_SAME: Final = {
    "unknown_entry": "entry", "ambiguous": "entry", "duplicate_entry": "entry", "amount_difference": "entry",
    "overdue": "payment", "unmatched_payment": "payment",
}  # fmt: skip
"""Kinds of which one becomes another while the break stays the same: more was learnt of the entry, the payment grew older."""


def aged(rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of rows that lack only their id and age."""
    digest = plh.concat_str(
        pl.col("kind").replace(_SAME), pl.coalesce(pl.col("account"), pl.lit("")), "subject", separator="\x1f"
    ).chash.sha2_256()
    age = (pl.lit(day) - pl.col("since")).dt.total_days().clip(0)
    named = rows.with_columns(break_id=pl.lit("X") + digest.str.slice(0, _ID_DIGITS), age_days=age)
    return conform(named.sort("kind", "since", "subject"), BREAKS)
