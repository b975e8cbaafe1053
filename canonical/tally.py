"""Counting payments as they are planned, written and read back: how many, their sums, and a digest of them all.

The digest is a sum of one hash a row over reference, account, amount and currency. A sum knows no order and cancels nothing: a row
that is lost, doubled, or sent elsewhere changes it. Hashes are compared within one process only and never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.parties import counterparty

_SEED: Final = 20022
_BLANK: Final = r"[ \t\r\n]"
_MODULUS: Final = 2**64


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What a written file holds, counted while writing or while reading it back. Sums in minor units by currency.

    `digest`: of all rows, in any order; two summaries are of the same payments where they are equal.
    """

    payments: int = 0
    sums_minor: dict[str, int] = field(default_factory=dict)
    digest: int = 0

    def plus(self, other: ExportSummary) -> ExportSummary:
        """Both together."""
        sums = dict(self.sums_minor)
        for currency, minor in other.sums_minor.items():
            sums[currency] = sums.get(currency, 0) + minor
        return ExportSummary(self.payments + other.payments, sums, (self.digest + other.digest) % _MODULUS)


def summary_of(rows: pl.DataFrame) -> ExportSummary:
    """Of rows with `reference`, `account`, `amount_minor`, `currency`: String, but amount_minor Int64. An account may be null."""
    if rows.is_empty():
        return ExportSummary()
    account = pl.col("account").fill_null("")
    if rows["account"].str.contains(_BLANK).any():
        account = account.str.replace_all(_BLANK, "")  # blanks in an account say nothing
    named = rows.select(
        pl.col("reference").fill_null(""), account, pl.col("amount_minor").cast(pl.Int64), pl.col("currency")
    )
    hashes = named.hash_rows(_SEED)
    sums = named.group_by("currency").agg(pl.col("amount_minor").sum()).sort("currency")
    # Polars' sum of UInt64 wraps around, which is the modulus.
    return ExportSummary(rows.height, dict(sums.iter_rows()), int(hashes.sum()))


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of each payment: expressions on PAYMENTS with `reference`."""

    reference: pl.Expr = field(default_factory=lambda: pl.col("reference"))
    account: pl.Expr = field(default_factory=lambda: counterparty("account"))


def written_as(payments: pl.DataFrame, said: Said | None = None) -> ExportSummary:
    """Of PAYMENTS with `reference`, as a file says them."""
    told = said or Said()
    names = told.reference.alias("reference"), told.account.alias("account")
    return summary_of(payments.select(*names, "amount_minor", "currency"))


@dataclass(slots=True)
class Tally:
    """Counts the windows that pass by."""

    said: Said = field(default_factory=Said)
    summary: ExportSummary = field(default_factory=ExportSummary)

    def passing(self, windows: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The windows as they are; each is counted before it is handed on."""
        for window in windows:
            self.summary = self.summary.plus(written_as(window, self.said))
            yield window
