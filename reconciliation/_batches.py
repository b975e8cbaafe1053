"""The batch rung: one entry that books a whole submission."""

from __future__ import annotations

import polars as pl

from reconciliation._claims import Claims
from reconciliation.frames import OPEN

_SUBMISSION = ["submission_id", "account", "currency", "credit_debit"]


def claim_batches(bank: pl.DataFrame, book: pl.DataFrame, blocked: pl.DataFrame) -> Claims:
    """Entries that name a submission and carry its control sum, with each of its payments.

    Two control sums may be meant: the submission's open payments, or these and those that a return was told of before
    the statement came (on NACHA the batch is booked whole and the return is booked later). The first that fits counts.
    NbOfTxs must agree where the entry gives it. Two fitting entries, or a payment that is for a person, are ambiguous.

    Args:
        bank: entries with `named`, the submission each names.
        book: open payments and told returns, `credit_debit` turned to the account's side.
        blocked: payment_id of payments that a stronger rung left to a person.
    """
    rows = book.filter(pl.col("amount_minor").is_not_null()).join(
        blocked.unique().with_columns(doubt=pl.lit(value=True)), on="payment_id", how="left"
    )
    is_open = pl.col("state").is_in(OPEN)
    sums = rows.group_by(_SUBMISSION).agg(
        open_sum=pl.col("amount_minor").filter(is_open).sum(),
        open_count=is_open.sum().cast(pl.Int64),
        all_sum=pl.col("amount_minor").sum(),
        all_count=pl.len().cast(pl.Int64),
        doubt=pl.col("doubt").any(),
    )
    named = bank.filter(pl.col("named").is_not_null()).with_columns(submission_id="named")
    fits_open, fits_all = _fits("open_sum", "open_count"), _fits("all_sum", "all_count")
    fitting = named.join(sums, on=_SUBMISSION, how="inner").with_columns(whole=~fits_open).filter(fits_open | fits_all)
    alone = (pl.len().over(_SUBMISSION) == 1) & ~pl.col("doubt")
    chosen = fitting.filter(alone).select("entry_id", "whole", *_SUBMISSION)
    pairs = chosen.join(rows, on=_SUBMISSION, how="inner").filter(is_open | pl.col("whole"))
    doubts = fitting.filter(~alone)
    note = pl.format("by batch: more than one entry, or a payment that is in doubt, in submission {}", "submission_id")
    return Claims(
        pairs.select("entry_id", "payment_id"),
        doubts.select("entry_id", note=note).sort("entry_id"),
        rows.join(doubts, on=_SUBMISSION, how="semi").select("payment_id"),
    )


def _fits(total: str, count: str) -> pl.Expr:
    counted = pl.col("batch_count").is_null() | (pl.col("batch_count") == pl.col(count))
    return (pl.col("amount_minor") == pl.col(total)) & counted & (pl.col(count) > 0)
