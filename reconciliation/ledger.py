"""The ledger: double entry per currency, one positive amount from one account to another. Nothing is edited, only reversed.

What is posted on which accounts is in `reconciliation.events`; `docs/ledger.md` has the tables.

A posting's id is `event:subject`, so that a repeat posts nothing twice; its reversal is `reversal:event:subject`. What is
called for again after a reversal is posted as `event:subject#2`, and so on. Charges that an entry only tells of (Chrgs) are reported and not posted: they moved no money in that entry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.frames import ADJUSTMENTS, ENTRIES, FUNDINGS, MATCHES, POSTINGS, checked, conform, empty
from reconciliation import events
from reconciliation.frames import STATES

_REVERSAL: Final = "reversal:"
_SAME: Final = ("posting_id", "debit_account", "credit_account", "amount_minor", "currency")


@dataclass(frozen=True, slots=True)
class Decided:
    """What is posted besides payments and claims: ADJUSTMENTS, what persons wrote off; FUNDINGS, by which clients paid in."""

    adjustments: pl.DataFrame = field(default_factory=lambda: empty(ADJUSTMENTS))
    fundings: pl.DataFrame = field(default_factory=lambda: empty(FUNDINGS))


def postings(
    states: pl.DataFrame,
    entries: pl.DataFrame,
    matches: pl.DataFrame,
    earlier: pl.DataFrame,
    providers: Mapping[str, str],
    day: dt.date,
    decided: Decided | None = None,
) -> pl.DataFrame:
    """POSTINGS that are new: what the states and entries call for and `earlier` has not, and reversals of what no longer holds.

    Args:
        states: STATES of payments that may have moved.
        entries: ENTRIES that may have been explained since, and new ones.
        matches: MATCHES of all runs on them.
        earlier: POSTINGS made before. Only those on the given payments and entries can be reversed.
        providers: account → provider_id.
        day: business date of the run.
        decided: write-offs and what clients paid in, so far; none: neither.

    Raises:
        FrameBroken: a frame breaks its schema, or the differences of one payment go to several accounts.
    """
    booked, claims = checked(entries, ENTRIES).filter("booked"), checked(matches, MATCHES)
    other = decided or Decided()
    written_off, paid_in = checked(other.adjustments, ADJUSTMENTS), checked(other.fundings, FUNDINGS)
    wanted = pl.concat(
        [
            events.of_payments(checked(states, STATES), day),
            events.of_claims(states, claims, day),
            events.of_entries(booked, claims, paid_in, providers, day),
            events.of_adjustments(written_off),
        ]
    )
    subjects = pl.concat([states["payment_id"], entries["entry_id"], written_off["adjustment_id"]])
    return _towards(wanted.filter(pl.col("amount_minor") > 0), checked(earlier, POSTINGS), subjects, day)


def taken_back(before: pl.DataFrame, later: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """POSTINGS that undo `later`, so that what stood after `before` stands again: reversals, and what `later` had reversed.

    Args:
        before: POSTINGS up to a close.
        later: POSTINGS made after it.
        day: business date of the later close.
    """
    wanted = _stood(checked(before, POSTINGS))
    subjects = later["subject"].str.split("/").list.first()
    return _towards(wanted, pl.concat([before, checked(later, POSTINGS)]), subjects, day)


def _towards(wanted: pl.DataFrame, earlier: pl.DataFrame, subjects: pl.Series, day: dt.date) -> pl.DataFrame:
    """What leads from the postings that stand to those that are wanted, of the subjects that are given.

    A posting that stands with other accounts or another amount is reversed and made anew; the day alone is no reason.
    """
    given = pl.col("subject").str.split("/").list.first().is_in(subjects.unique().implode())
    of_given = earlier.filter(given)
    standing = _standing(of_given)
    times = of_given.filter(~is_reversal()).group_by(_base()).agg(times=pl.len() + 1)
    new = wanted.filter(given).join(standing, on=_SAME, how="anti").join(times, on="posting_id", how="left")
    again = pl.format("{}#{}", "posting_id", "times")
    stale = standing.join(wanted, on=_SAME, how="anti")
    reversed_now = stale.with_columns(
        posting_id=pl.lit(_REVERSAL) + pl.col("own_id"),
        debit_account="credit_account",
        credit_account="debit_account",
        day=pl.max_horizontal("day", pl.lit(day)),
    )
    new = new.with_columns(posting_id=pl.when(pl.col("times") > 1).then(again).otherwise("posting_id"))
    found = pl.concat([new.drop("times"), reversed_now.drop("own_id")], how="diagonal")
    return conform(found.sort("posting_id"), POSTINGS)


def _standing(earlier: pl.DataFrame) -> pl.DataFrame:
    """Postings that were not reversed, under the id of their event and subject; `own_id` is the one they were posted under."""
    reversed_ids = earlier.filter(is_reversal()).select(own_id=pl.col("posting_id").str.strip_prefix(_REVERSAL))
    posted = earlier.filter(~is_reversal()).with_columns(_base(), own_id="posting_id")
    return posted.join(reversed_ids, on="own_id", how="anti")


def _stood(of_days: pl.DataFrame) -> pl.DataFrame:
    """Postings that stood after some days, under the id of their event and subject.

    Of some days the ids do not tell: a posting of theirs may have been taken back by a later day, made again there under another
    id, and reversed here under that one. What was posted more often than it was reversed stands, and stands once.
    """
    reversed_ = of_days.filter(is_reversal()).with_columns(
        debit_account="credit_account", credit_account="debit_account"
    )
    posted = of_days.filter(~is_reversal())
    counted = pl.concat([posted.with_columns(net=pl.lit(1)), reversed_.with_columns(net=pl.lit(-1))])
    net = counted.with_columns(_base()).group_by(_SAME).agg(pl.col("net").sum())
    return (
        posted.with_columns(_base())
        .unique(_SAME, keep="last", maintain_order=True)
        .join(net.filter(pl.col("net") > 0), on=_SAME, how="semi", maintain_order="left")
    )


def is_reversal() -> pl.Expr:
    """Boolean on POSTINGS: it takes back another one."""
    return pl.col("posting_id").str.starts_with(_REVERSAL)


def _base() -> pl.Expr:
    """The id of event and subject, without the ordinal of a posting that was made again."""
    return pl.format("{}:{}", "event", "subject").alias("posting_id")
