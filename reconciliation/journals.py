"""Journals: the ledger in short. One row for each event, pair of accounts, currency and day of a run, instead of one a payment.

A run is one close of one scope. Its journals are committed with it and never changed; they say how many postings of the
lake they cover, what these add up to, and the digest by which they can be told again. Balances come from journals alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from canonical.errors import FrameBroken
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
    journal = Journal()
    journal.add(posted)
    return journal.rows(run)


@dataclass(slots=True)
class _Group:
    """One row of the journals, as far as its postings were seen."""

    postings: int = 0
    amount_minor: int = 0
    last_id: str = ""
    digest: Any = field(default_factory=hashlib.sha256)


@dataclass(slots=True)
class Journal:
    """The JOURNALS of a run whose postings come part by part, each part behind the ids of the one before, event by event."""

    _groups: dict[tuple[Any, ...], _Group] = field(default_factory=dict)

    def add(self, posted: pl.DataFrame) -> None:
        """Take in POSTINGS of the run.

        Raises:
            FrameBroken: the frame breaks its schema, or its ids do not stand behind those that came before.
        """
        event = pl.when(is_reversal()).then(pl.format("reversal:{}", "event")).otherwise("event")
        line = pl.format("{} {}", "posting_id", "amount_minor")
        grouped = (
            checked(posted, POSTINGS)
            .with_columns(event.alias("event"))
            .sort("posting_id")
            .group_by(_GROUP)
            .agg(pl.len(), _sum(pl.col("amount_minor")), line.str.join("\n"), pl.min("posting_id").alias("first"),
                 pl.max("posting_id").alias("last"))
        )  # fmt: skip
        for row in grouped.iter_rows():
            count, amount_minor, lines, first, last = row[len(_GROUP) :]
            group = self._groups.setdefault(row[: len(_GROUP)], _Group())
            if first <= group.last_id:
                raise FrameBroken(f"posting {first} comes behind {group.last_id}")
            group.digest.update((lines if group.postings == 0 else f"\n{lines}").encode())
            group.postings += count
            group.amount_minor += amount_minor
            group.last_id = last

    def rows(self, run: int) -> pl.DataFrame:
        """JOURNALS of all that was taken in."""
        told = [
            (run, *key, group.postings, group.amount_minor, group.digest.hexdigest())
            for key, group in self._groups.items()
        ]
        frame = pl.DataFrame(told, schema=dtypes(JOURNALS), orient="row")
        return checked(frame.sort(_GROUP), JOURNALS)


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
