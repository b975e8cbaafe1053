"""Breaks beside what people made of them."""

from __future__ import annotations

import datetime as dt

import polars as pl

from canonical.codes import BreakState
from canonical.frames import BREAKS, SUGGESTIONS, checked, conform
from reconciliation.frames import WORK, WORKED


def worked(breaks: pl.DataFrame, work: pl.DataFrame, suggestions: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """WORKED: the breaks as computed, without those that were written off or resolved by `day` and stood nevertheless.

    A break that was never looked at is open. One that closed after `day`, or because its cause was gone meanwhile, is
    listed: on that day it was there.

    Args:
        breaks: BREAKS.
        work: WORK of them, at most one row each.
        suggestions: SUGGESTIONS; of each break the best is shown.
        day: the business date of the ages.

    Raises:
        FrameBroken: a frame breaks its schema.
    """
    known = checked(work, WORK).rename({"since": "first_since"})
    joined = checked(breaks, BREAKS).join(known, on="break_id", how="left", maintain_order="left")
    closed = pl.col("standing") & (pl.col("closed_on") <= pl.lit(day))
    since = pl.min_horizontal("since", "first_since")
    kept = joined.filter(~closed.fill_null(value=False)).with_columns(
        since=since,
        age_days=pl.col("age_days") + (pl.col("since") - since).dt.total_days(),
        state=pl.col("state").fill_null(BreakState.OPEN.value),
        revision=pl.col("revision").fill_null(0),
    )
    joined = kept.join(_answers(suggestions), on="subject", how="left", maintain_order="left")
    return conform(joined.drop("first_since", "standing"), WORKED)


def _answers(suggestions: pl.DataFrame) -> pl.DataFrame:
    """Subject → suggested, score, reasons: of an entry its best payment, of a payment its best entry."""
    ranked = checked(suggestions, SUGGESTIONS).sort("score", descending=True, maintain_order=True)
    sides = (("entry_id", "payment_id"), ("payment_id", "entry_id"))
    both = [ranked.select("score", "reasons", subject=ours, suggested=theirs) for ours, theirs in sides]
    return pl.concat(both).unique("subject", keep="first", maintain_order=True)
