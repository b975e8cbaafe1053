"""Rung batch: one entry books a whole submission.

The entry names the submission (PmtInfId, MsgId, or as its own reference or in its text) and carries its control sum. Two
control sums may be meant: the submission's open payments, or these and those that a return was told of before the
statement came (on NACHA the batch is booked whole and the return is booked later). The first that fits counts. NbOfTxs
must agree where the entry gives it. Two fitting entries, or a payment that is for a person, are in doubt.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._keys import key, keys
from reconciliation._meet import Claims
from reconciliation._rung import Case, Rung
from reconciliation._side import Side, beside
from reconciliation._sides import PLACE

SUBMISSION: Final = ["submission_id", "account", "currency", "credit_debit"]
_OF_BATCH: Final = (*PLACE, "amount_minor", "batch_count", "value_date", "statement_id", "position", "detail")
_NAMING: Final = ("named", "instruction_id", "transaction_id", "servicer_reference", "end_to_end_id")


def naming(case: Case) -> pl.DataFrame:
    """Entries that name one submission of the book: e, submission_id and what a batch is known by."""
    words = case.words.of(case.bank)
    lots = case.book.select("lot")["lot"].unique()
    told = pl.concat([
        case.bank.select("e", h="lot"), keys(case.bank, _NAMING[1:], asked=lots), words.select("e", "h"),
    ]).filter(pl.col("h").is_in(lots.filter(lots != 0).implode()))  # fmt: skip
    some = case.bank.only(told["e"])
    known = (
        case.book.filter(pl.col("lot").is_in(told["h"].unique().implode()))
        .select(pl.col("submission_id").alias("token"))
        .unique()
    )
    each = [some.select("e", token=key(name)).drop_nulls("token") for name in _NAMING]
    named = (
        pl.concat([*each, words.filter(some.has(words["e"])).select("e", "token")])
        .join(known, on="token", how="semi")
        .unique()
    )
    once = named.unique("e", keep="none").rename({"token": "submission_id"})
    return beside(once, case.bank, case.book, _OF_BATCH, ())


def control_sums(book: Side) -> pl.DataFrame:
    """SUBMISSION → open_sum, open_count, all_sum, all_count, doubt."""
    amount, is_open = pl.col("amount_minor"), pl.col("is_open")
    rows = book.select("p", "amount_minor", "is_open", "doubt", h=pl.col("lot") ^ pl.struct(*PLACE).hash())
    sums = rows.group_by("h").agg(
        p=pl.col("p").min(),
        open_sum=amount.filter(is_open).sum(),
        open_count=is_open.sum().cast(pl.Int64),
        all_sum=amount.sum(),
        all_count=pl.len().cast(pl.Int64),
        doubt=pl.col("doubt").any(),
    )
    return sums.with_columns(book.at(name, sums["p"]) for name in SUBMISSION).drop("h", "p")


def whole_submissions(fitting: pl.DataFrame, rows: Side, rung: str) -> Claims:
    """Claims of entries with submission_id and `whole`; what two entries fit, or has a payment in doubt, is in doubt."""
    alone = (pl.len().over(SUBMISSION) == 1) & ~pl.col("doubt")
    marked = fitting.with_columns(alone=alone)
    chosen = marked.filter("alone").select("e", "whole", *SUBMISSION)
    payments = of_submissions(rows, fitting).select("p", "is_open", "amount_minor", *SUBMISSION)
    pairs = chosen.join(payments, on=SUBMISSION, how="inner").filter(pl.col("is_open") | pl.col("whole"))
    doubts = marked.filter(~pl.col("alone"))
    note = pl.format(
        "by {}: more than one entry, or a payment that is in doubt, in submission {}", pl.lit(rung), "submission_id"
    )
    blocked = payments.join(doubts, on=SUBMISSION, how="semi")["p"]
    split = pairs.select("e", "p", amount_minor="amount_minor", entry_minor="amount_minor")
    return Claims(split, doubts.select("e", note=note), blocked)


def of_submissions(book: Side, named: pl.DataFrame) -> Side:
    """Payments of the submissions that are named."""
    return book.filter(pl.col("submission_id").is_in(named["submission_id"].unique().implode()))


def usable(book: Side) -> Side:
    """Payments that a control sum counts."""
    counted = pl.col("amount_minor").is_not_null() & pl.col("submission_id").is_not_null()
    return book.filter(counted & (pl.col("is_open") | pl.col("told_back")))


def _find(case: Case) -> Claims:
    named = naming(case)
    counted = case.bank.without(named["e"]).filter(pl.col("batch_count") > 1)
    if named.is_empty() and counted.is_empty():
        return Claims.of()
    rows = usable(case.book)
    # An entry that names none may be any submission: only then all are summed.
    sums = control_sums(of_submissions(rows, named) if counted.is_empty() else rows)
    fits_open, fits_all = _fits("open_sum", "open_count"), _fits("all_sum", "all_count")
    fitting = named.join(sums, on=SUBMISSION, how="inner").with_columns(whole=~fits_open).filter(fits_open | fits_all)
    by_sum = _by_sum(counted.select("e", *_OF_BATCH), sums)
    return whole_submissions(pl.concat([fitting, by_sum.select(fitting.columns)]), rows, "batch")


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
