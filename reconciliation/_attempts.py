"""Words that may speak of an earlier attempt: a payment stood in a submission that a person called undelivered."""

from __future__ import annotations

from typing import Final

import polars as pl

_REFERENCES: Final = ("original_instruction_id", "original_transaction_id")
BETWEEN_ATTEMPTS: Final = "names no submission of ours, and its payment stood in one that was called undelivered: nobody can say which it speaks of"


def of_either(found: pl.DataFrame, told: pl.DataFrame, before: pl.DataFrame, row: tuple[str, ...]) -> pl.DataFrame:
    """Those of `found` that name a payment and not the attempt: the earlier one answers to them as well.

    Args:
        found: of attributed words `row`, `payment_id` and `via`.
        told: the statuses that name no submission of ours.
        before: ATTEMPTS.
        row: columns that tell one status from another.
    """
    both = found.join(told.select(*row, *_REFERENCES), on=row, how="inner").join(before, on="payment_id", how="inner")
    # Where each attempt has references of its own (ACH trace numbers), they tell which one is meant.
    same = pl.any_horizontal((pl.col(name) == pl.col("reference")).fill_null(value=False) for name in _REFERENCES)
    return both.filter((pl.col("via") != "reference") | same).select(row).unique()
