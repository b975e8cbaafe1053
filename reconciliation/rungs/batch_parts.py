"""Rung batch_parts: several entries book one submission; together they carry its control sum.

Every open entry that names the submission takes part, so that nothing is chosen; where one names a payment, none does: it is a
part of that payment. The whole is certain; which payment lies in which entry is told only where every payment fits whole into
one entry in the order of the file, as banks cut it, and the counts agree where they are given. Where that does not come out
even the payments are divided between the entries in that order: the sums of both sides are kept.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._meet import Claims
from reconciliation._naming import named_payments
from reconciliation._rung import Case, Rung
from reconciliation.rungs.batch import SUBMISSION, control_sums, naming, of_submissions, usable


def _find(case: Case) -> Claims:
    named = naming(case)
    # An entry that names a payment is a part of that payment, and not of its submission.
    own = named_payments(case.bank.only(named["e"]), case.book, case.words)
    named = named.join(named.join(own, on="e", how="semi"), on=SUBMISSION, how="anti")
    if named.is_empty():
        return Claims.of()
    rows = of_submissions(usable(case.book), named)
    sums = named.group_by(SUBMISSION).agg(
        told=pl.col("amount_minor").sum(), parts=pl.len(), counted=pl.col("batch_count").sum(),
        all_counted=pl.col("batch_count").is_not_null().all(),
    )  # fmt: skip
    control = control_sums(rows)
    counts = ~pl.col("all_counted") | (pl.col("counted") == pl.col("open_count"))
    fits = (pl.col("parts") > 1) & (pl.col("told") == pl.col("open_sum")) & counts & ~pl.col("doubt")
    whole = sums.join(control, on=SUBMISSION, how="inner").filter(fits).select(SUBMISSION)
    entries = named.join(whole, on=SUBMISSION, how="semi").sort(
        *SUBMISSION, "value_date", "statement_id", "position", "detail"
    )
    open_ones = rows.filter("is_open").select("p", "amount_minor", "file_id", "row", *SUBMISSION)
    payments = open_ones.join(whole, on=SUBMISSION, how="semi").sort(*SUBMISSION, "file_id", "row")
    return Claims.of(_divided(entries, payments))


def _divided(entries: pl.DataFrame, payments: pl.DataFrame) -> pl.DataFrame:
    """Both sides of a submission laid along one line of money, and cut where either side ends: one pair a piece."""
    end = pl.col("amount_minor").cum_sum().over(SUBMISSION)
    bank = entries.select(*SUBMISSION, "e", end=end)
    book = payments.filter(pl.col("amount_minor") > 0).select(*SUBMISSION, "p", end=end)
    ends = pl.concat([bank.select(*SUBMISSION, "end"), book.select(*SUBMISSION, "end")]).unique().sort("end")
    cuts = ends.join_asof(bank.sort("end"), on="end", by=SUBMISSION, strategy="forward", check_sortedness=False)
    cuts = cuts.join_asof(book.sort("end"), on="end", by=SUBMISSION, strategy="forward", check_sortedness=False)
    piece = pl.col("end") - pl.col("end").shift(1).over(SUBMISSION).fill_null(0)
    return cuts.with_columns(piece=piece).select("e", "p", amount_minor="piece", entry_minor="piece")


RUNG: Final = Rung("batch_parts", 50, _find)
