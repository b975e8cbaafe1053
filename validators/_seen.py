"""The fold behind rules about repeats: the key of every payment, and where it stands.

A file may have millions of payments and all their keys are kept till its end: `Context.keep` says where.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Level
from canonical.contracts import Context, Fallen
from canonical.frames import FINDINGS, conform
from canonical.masking import shown
from validators._row import said

PLACE: Final = ("batch", "batch_id", "row", "line", "end_to_end_id")
_NUMBERS: Final = ("batch", "row", "line")
_HALF: Final = 2**64

Seen = tuple[pl.DataFrame, ...]
"""State: windows in file order, each the halves of its keys beside `PLACE`. Merging joins the tuples."""


def halves(key: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """A UInt128 as `key` and `check`, two UInt64: Arrow knows no larger number."""
    half = pl.lit(_HALF, dtype=pl.UInt128)
    return (key % half).cast(pl.UInt64).alias("key"), (key // half).cast(pl.UInt64).alias("check")


def noted(payments: pl.DataFrame, keys: pl.Series, context: Context, *more: pl.Expr) -> pl.DataFrame:
    """Key (UInt128) and place of the payments whose key is not null. So many bits: a chance repeat is out of the question.

    `more`: what the rule keeps beside them.
    """
    keyed = payments.select(*halves(pl.lit(keys)), pl.col(_NUMBERS).cast(pl.UInt32), "batch_id", "end_to_end_id", *more)
    if keys.null_count():
        keyed = keyed.filter(pl.col("key").is_not_null())
    return context.keep(keyed)


_NONE: Final = Fallen()


def repeats(seen: Seen, fallen: Fallen = _NONE) -> pl.DataFrame:
    """`PLACE` of payments whose key another one has that comes first, with `first_row` and `first_line` of that one.

    First comes what is not `fallen`, then what stands before in the file.
    """
    keys = pl.concat([_EMPTY["key"], *(window["key"] for window in seen)]).sort()
    again = keys.filter(keys == keys.shift(1)).unique()  # a half that stands once is no repeat: most files end here
    opened = [_EMPTY]
    if again.len():
        opened += [_opened(window, again) for window in seen]
    has_fallen = pl.col("row").is_in(fallen.rows.implode()) | pl.col("batch").is_in(fallen.batches.implode())
    first = [pl.col(name).first().over("key", "check").alias(f"first_{name}") for name in ("row", "line")]
    ordered = pl.concat(opened).sort(has_fallen, "row").with_columns(first)
    return ordered.filter(pl.col("row") != pl.col("first_row")).sort("row")


def told(
    rows: pl.DataFrame, field: str = "end_to_end_id", *,
    rule: str, reason: str, severity: pl.Expr | str, message: pl.Expr, remedy: pl.Expr | str,
) -> pl.DataFrame:  # fmt: skip
    """FINDINGS of payments that come again: `rows` has `PLACE`, the field that is named, and what the expressions read."""
    return conform(
        rows.select(
            *PLACE, rule=pl.lit(rule), reason=pl.lit(reason), severity=said(severity), level=pl.lit(Level.PAYMENT.value),
            field=pl.lit(field), value=shown(field, pl.col(field)), message=message, remedy=said(remedy),
        ),
        FINDINGS,
    )  # fmt: skip


_EMPTY: Final = pl.DataFrame(
    schema={
        "key": pl.UInt64, "check": pl.UInt64, "batch": pl.Int64, "row": pl.Int64, "line": pl.Int64, "batch_id": pl.String,
        "end_to_end_id": pl.String,
    }
)  # fmt: skip


def _opened(window: pl.DataFrame, again: pl.Series) -> pl.DataFrame:
    held = window.select(_EMPTY.columns).filter(pl.col("key").is_in(again.implode()))
    return held.with_columns(pl.col(_NUMBERS).cast(pl.Int64))
