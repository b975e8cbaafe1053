"""One rung's work: pair bank rows with payments by a key that is unique on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

AMBIGUOUS_DTYPES: Final = {"entry_id": pl.String, "rung": pl.String, "candidates": pl.Int64, "note": pl.String}
ALWAYS: Final = ("account", "currency", "credit_debit", "amount_minor")
"""Every rung requires these on both sides."""


@dataclass(frozen=True, slots=True)
class Claims:
    """`pairs`: entry_id, payment_id, each once. `ambiguous`: AMBIGUOUS_DTYPES. `blocked`: payment_id, left to a person."""

    pairs: pl.DataFrame
    ambiguous: pl.DataFrame
    blocked: pl.DataFrame


def claim(bank: pl.DataFrame, book: pl.DataFrame, key: str, rung: str) -> Claims:
    """Pair rows whose `key` and ALWAYS agree, and the submission too where the entry names one.

    Both sides may have several rows for one id (several keys). A pair counts where its key is unique on both sides and
    neither side has another candidate; the other rows that met a candidate are ambiguous.
    """
    named = pl.col("named").is_not_null()
    close = _meet(bank.filter(named).with_columns(submission_id="named"), book, [key, "submission_id", *ALWAYS])
    loose = _meet(bank.filter(~named), book, [key, *ALWAYS])
    met = pl.concat([close, loose])
    doubtful = ~pl.col("single") | (pl.col("others_entry") > 1) | (pl.col("others_payment") > 1)
    met = met.with_columns(
        others_entry=pl.col("payment_id").n_unique().over("entry_id"),
        others_payment=pl.col("entry_id").n_unique().over("payment_id"),
    ).with_columns(doubtful=doubtful)
    met = met.with_columns(
        doubtful=pl.col("doubtful").any().over("entry_id") | pl.col("doubtful").any().over("payment_id")
    )
    doubts = met.filter("doubtful")
    return Claims(
        met.filter(~pl.col("doubtful")).select("entry_id", "payment_id").unique(),
        _in_words(doubts, rung),
        _all_of(doubts, "payment_id"),
    )


def _meet(bank: pl.DataFrame, book: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    """Rows entry_id, payment_id, single, entries, payments, entry_ids, payment_ids: one a group, never one a pair.

    A thousand salaries of one id and amount are one group of a thousand, not a million candidates.
    """
    left = bank.select("entry_id", *on).unique().group_by(on).agg(pl.col("entry_id").sort())
    right = book.select("payment_id", *on).unique().group_by(on).agg(pl.col("payment_id").sort())
    met = left.join(right, on=on, how="inner").select("entry_id", "payment_id")
    entries, payments = pl.col("entry_id").list.len(), pl.col("payment_id").list.len()
    return met.select(
        pl.col("entry_id").list.first(),
        pl.col("payment_id").list.first(),
        single=(entries == 1) & (payments == 1),
        entry_ids="entry_id",
        payment_ids="payment_id",
    )


def _in_words(doubts: pl.DataFrame, rung: str) -> pl.DataFrame:
    """One row an entry that met more than one payment, or a payment that met more than one entry."""
    each = doubts.select(
        pl.col("entry_ids").alias("entry_id"),
        candidates=pl.col("payment_ids").list.len().cast(pl.Int64),
        first=pl.col("payment_id"),
        rivals=pl.col("entry_ids").list.len().cast(pl.Int64),
    ).explode("entry_id", empty_as_null=False, keep_nulls=False)
    summed = each.group_by("entry_id").agg(pl.sum("candidates"), pl.min("first"), pl.max("rivals"))
    note = pl.format(
        "by {}: {} payments and {} entries answer to it, among them payment {}",
        pl.lit(rung), "candidates", "rivals", "first",
    )  # fmt: skip
    return summed.select("entry_id", rung=pl.lit(rung), candidates="candidates", note=note).sort("entry_id")


def _all_of(doubts: pl.DataFrame, name: str) -> pl.DataFrame:
    flat = doubts.select(pl.col(f"{name}s").alias(name))
    return flat.explode(name, empty_as_null=False, keep_nulls=False).unique().sort(name)
