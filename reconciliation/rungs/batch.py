"""Rung batch: one entry books a whole submission.

The entry names the submission (PmtInfId, MsgId, or as its own reference or in its text) and carries its control sum. Two
control sums may be meant: the submission's open payments, or these and those that a return was told of before the
statement came (on NACHA the batch is booked whole and the return is booked later). The first that fits counts. NbOfTxs
must agree where the entry gives it. Two fitting entries, or a payment that is for a person, are in doubt.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._meet import Claims
from reconciliation._naming import tokens
from reconciliation._rung import Case, Rung
from reconciliation._sides import key

SUBMISSION: Final = ["submission_id", "account", "currency", "credit_debit"]
_NAMING: Final = ("named", "instruction_id", "transaction_id", "servicer_reference", "end_to_end_id")


def naming(case: Case) -> pl.DataFrame:
    """Entries that name one submission of the book, with submission_id."""
    known = case.book.select(token=pl.col("submission_id")).drop_nulls().unique()
    each = [case.bank.select("e", token=key(name)).drop_nulls("token") for name in _NAMING]
    told = pl.concat([*each, tokens(case.bank)]).join(known, on="token", how="semi").unique()
    return case.bank.join(told.unique("e", keep="none").rename({"token": "submission_id"}), on="e", how="inner")


def control_sums(book: pl.DataFrame) -> pl.DataFrame:
    """SUBMISSION → open_sum, open_count, all_sum, all_count, doubt."""
    amount, is_open = pl.col("amount_minor"), pl.col("is_open")
    return book.group_by(SUBMISSION).agg(
        open_sum=amount.filter(is_open).sum(),
        open_count=is_open.sum().cast(pl.Int64),
        all_sum=amount.sum(),
        all_count=pl.len().cast(pl.Int64),
        doubt=pl.col("doubt").any(),
    )


def whole_submissions(fitting: pl.DataFrame, rows: pl.DataFrame, rung: str) -> Claims:
    """Claims of entries with submission_id and `whole`; what two entries fit, or has a payment in doubt, is in doubt."""
    alone = (pl.len().over(SUBMISSION) == 1) & ~pl.col("doubt")
    marked = fitting.with_columns(alone=alone)
    chosen = marked.filter("alone").select("e", "whole", *SUBMISSION)
    pairs = chosen.join(rows, on=SUBMISSION, how="inner").filter(pl.col("is_open") | pl.col("whole"))
    doubts = marked.filter(~pl.col("alone"))
    note = pl.format(
        "by {}: more than one entry, or a payment that is in doubt, in submission {}", pl.lit(rung), "submission_id"
    )
    blocked = rows.join(doubts, on=SUBMISSION, how="semi")["p"]
    split = pairs.select("e", "p", amount_minor="amount_minor", entry_minor="amount_minor")
    return Claims(split, doubts.select("e", note=note), blocked)


def usable(book: pl.DataFrame) -> pl.DataFrame:
    """Payments that a control sum counts."""
    counted = pl.col("amount_minor").is_not_null() & pl.col("submission_id").is_not_null()
    return book.filter(counted & (pl.col("is_open") | pl.col("told_back")))


def _find(case: Case) -> Claims:
    if case.bank.is_empty() or case.book.is_empty():
        return Claims.of()
    rows = usable(case.book)
    fits_open, fits_all = _fits("open_sum", "open_count"), _fits("all_sum", "all_count")
    sums = control_sums(rows)
    named = naming(case)
    fitting = named.join(sums, on=SUBMISSION, how="inner").with_columns(whole=~fits_open).filter(fits_open | fits_all)
    counted = case.bank.join(named, on="e", how="anti").filter(pl.col("batch_count") > 1)
    return whole_submissions(pl.concat([fitting, _by_sum(counted, sums).select(fitting.columns)]), rows, "batch")


def _by_sum(counted: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """Entries that name nothing, but tell number and sum of one open submission only; one entry to one submission."""
    own = sums.rename({"open_sum": "amount_minor", "open_count": "batch_count"})
    met = counted.join(own, on=[*SUBMISSION[1:], "amount_minor", "batch_count"], how="inner")
    alone = met.filter((pl.len().over("e") == 1) & (pl.len().over(SUBMISSION) == 1))
    return alone.with_columns(open_sum="amount_minor", open_count="batch_count", whole=pl.lit(value=False))


def _fits(total: str, count: str) -> pl.Expr:
    counted = pl.col("batch_count").is_null() | (pl.col("batch_count") == pl.col(count))
    return (pl.col("amount_minor") == pl.col(total)) & counted & (pl.col(count) > 0)


RUNG: Final = Rung("batch", 40, _find, back="return_batch")
