"""Amounts and dates that need not be equal."""

from __future__ import annotations

import polars as pl

from canonical.matching import RungRule


def tolerance(rule: RungRule, amount: pl.Expr) -> pl.Expr:
    """How far from an amount a rule lets the other be, minor units: the larger of its two bounds, rounded down."""
    share = (amount.cast(pl.Int128) * rule.basis_points_max // 10_000).cast(pl.Int64)
    return pl.max_horizontal(share, pl.lit(rule.minor_max, dtype=pl.Int64))


def near(days: int) -> pl.Expr:
    """Value date within so many days of the execution date (execution_date_p, else submitted_on_p). Unknown is not near."""
    due = pl.coalesce("execution_date_p", "submitted_on_p")
    return ((pl.col("value_date") - due).dt.total_days().abs() <= days).fill_null(value=False)


def alone(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose payment no other entry names."""
    return pairs.unique("p", keep="none", maintain_order=True)
