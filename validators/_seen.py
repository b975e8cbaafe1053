"""The fold behind rules about repeats: the key and the place of every payment, one small frame a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl
import polars_hash as plh

from canonical.contracts import Context

Seen = tuple[pl.DataFrame, ...]
"""State: frames of `key` and the columns of `PLACE`, in file order. Merging joins the tuples."""

PLACE: Final = ("batch", "batch_id", "row", "line", "end_to_end_id")


def noted(payments: pl.DataFrame, text: Callable[[Context], pl.Expr], context: Context, *more: str) -> pl.DataFrame:
    """Key and place of the payments whose text is not null. 128 bits: a chance repeat is out of the question."""
    keyed = payments.select(text(context).alias("text"), *PLACE, *more).filter(pl.col("text").is_not_null())
    return keyed.select(plh.col("text").nchash.xxh3_128().alias("key"), *PLACE, *more)


def repeats(seen: Seen) -> pl.DataFrame:
    """Places whose key stood in the file before, with `first_row` and `first_line` of where."""
    together = pl.concat(seen).filter(pl.col("key").is_duplicated()).sort("row")
    first = [pl.col(name).first().over("key").alias(f"first_{name}") for name in ("row", "line")]
    return together.with_columns(first).filter(pl.col("row") != pl.col("first_row"))
