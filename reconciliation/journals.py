"""Journals: the ledger in short. One row for each event, pair of accounts, currency and day of a run, instead of one a payment.

A run is one close of one scope. Its journals are committed with it and never changed; they say how many postings of the
lake they cover, what these add up to, and the digest by which they can be told again. Balances come from journals alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

import polars as pl

from canonical.frames import POSTINGS, checked, dtypes
from reconciliation.frames import JOURNALS
from reconciliation.ledger import is_reversal

_GROUP: Final = ("event", "debit_account", "credit_account", "currency", "day")


def journals(posted: pl.DataFrame, run: int) -> pl.DataFrame:
    """JOURNALS of the POSTINGS of one run. A reversal is an event of its own: `reversal:` and the event it takes back.

    The digest is the SHA-256 of the postings' ids and amounts, one a line, sorted by id.

    Raises:
        FrameBroken: the frame breaks its schema.
    """
    event = pl.when(is_reversal()).then(pl.format("reversal:{}", "event")).otherwise("event")
    line = pl.format("{} {}", "posting_id", "amount_minor")
    grouped = (
        checked(posted, POSTINGS)
        .with_columns(event.alias("event"))
        .sort("posting_id")
        .group_by(_GROUP)
        .agg(postings=pl.len().cast(pl.Int64), amount_minor=_sum(pl.col("amount_minor")), lines=line.str.join("\n"))
        .sort(_GROUP)
    )
    digests = [hashlib.sha256(lines.encode()).hexdigest() for lines in grouped["lines"]]
    rows = grouped.with_columns(run=pl.lit(run, dtype=pl.Int64), sha256=pl.Series("sha256", digests, dtype=pl.String))
    return checked(rows.select(dtypes(JOURNALS).keys()), JOURNALS)


def unlike(held: pl.DataFrame, posted: pl.DataFrame, run: int) -> pl.DataFrame:
    """The JOURNALS of a run, held or made from its POSTINGS, that have no like on the other side: none where all agree."""
    of_run = checked(held, JOURNALS).filter(pl.col("run") == run)
    told = journals(posted, run)
    parts = [of_run.join(told, on=told.columns, how="anti"), told.join(of_run, on=told.columns, how="anti")]
    return pl.concat(parts).sort(_GROUP)


def balances(
    held: pl.DataFrame, *, at: dt.date | None = None, account: str | None = None, after: dt.date | None = None
) -> pl.DataFrame:
    """account, currency, opening, debits, credits, closing (minor units, debit positive), sorted.

    Args:
        held: JOURNALS.
        at: the closing is of the end of this day; without it of all days.
        account: only this account, and those below it (`client:acme` has `client:acme:funding`).
        after: the opening is of the end of this day; without it zero, and all that was ever posted is a movement.
    """
    until = held if at is None else held.filter(pl.col("day") <= at)
    old = pl.lit(value=False) if after is None else pl.col("day") <= after
    sides = [
        until.select("currency", account=f"{side}_account", minor=pl.col("amount_minor") * sign, old=old)
        for side, sign in (("debit", 1), ("credit", -1))
    ]
    minor, moved = pl.col("minor"), ~pl.col("old")
    summed = (
        pl.concat(sides)
        .group_by("account", "currency")
        .agg(
            opening=_sum(minor.filter("old")),
            debits=_sum(minor.filter(moved & (minor > 0))),
            credits=-_sum(minor.filter(moved & (minor < 0))),
            closing=_sum(minor),
        )
    )
    below = pl.lit(value=True)
    if account is not None:
        below = (pl.col("account") == account) | pl.col("account").str.starts_with(f"{account}:")
    return summed.filter(below).sort("account", "currency")


def _sum(minor: pl.Expr) -> pl.Expr:
    # Int128 cannot wrap here; what is beyond Int64 fails the cast instead of wrapping in silence.
    return minor.cast(pl.Int128).sum().cast(pl.Int64)
