"""A message and its remedy one behind the other, as two sentences."""

from __future__ import annotations

from typing import Final

import polars as pl

_CLOSED: Final = r"[.!?:…]\s*$"


def two_sentences(message: str, remedy: str) -> pl.Expr:
    """Text of two columns: the message gets a full stop where it has none, and either of them may be null."""
    said = pl.col(message)
    closed = pl.when(pl.col(remedy).is_null() | said.str.contains(_CLOSED)).then(said).otherwise(said + pl.lit("."))
    return pl.concat_str(closed, remedy, separator=" ", ignore_nulls=True)
