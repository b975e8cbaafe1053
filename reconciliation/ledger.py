"""The ledger: double entry per currency, one positive amount from one account to another. Nothing is edited, only reversed.

| account | what stands on it |
|---|---|
| client:CLIENT:funding | what the client's accepted orders make it owe us (debit), until they are refused |
| client:CLIENT:payable | orders accepted and not yet handed to a provider |
| provider:PROVIDER:clearing | orders handed over and not yet booked by the bank |
| bank:ACCOUNT | our account: its balance follows the statement entry by entry |
| fees:PROVIDER | the bank's own charges |
| returns | money that came back and is owed to clients |
| suspense | entries that no payment answers to, until they are explained |

Of a credit transfer (a collection has both sides turned):

| event | debit | credit | day |
|---|---|---|---|
| accepted | client funding | client payable | the run's |
| submitted | client payable | provider clearing | submitted_on |
| settled | provider clearing | bank | value date |
| rejected (by the provider) | provider clearing | client funding | the run's |
| returned (the payment) | provider clearing | returns | value date, or the run's |
| returned (its entry) | bank | provider clearing | value date |
| fee | fees | bank | value date |
| unknown | suspense | bank | value date |

A posting's id is `event:subject`, so that a repeat posts nothing twice; its reversal is `reversal:event:subject`. What is
called for again after a reversal is posted as `event:subject#2`, and so on. Charges that an entry only tells of (Chrgs) are reported and not posted: they moved no money in that entry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import polars as pl

from canonical.frames import ENTRIES, MATCHES, POSTINGS, checked, conform
from reconciliation.fees import is_fee
from reconciliation.frames import BOOKED, NOT_SENT, STATES

RETURNS: Final = "returns"
SUSPENSE: Final = "suspense"
_REVERSAL: Final = "reversal:"
_SAME: Final = ("posting_id", "debit_account", "credit_account", "amount_minor", "currency")


def postings(
    states: pl.DataFrame,
    entries: pl.DataFrame,
    matches: pl.DataFrame,
    earlier: pl.DataFrame,
    providers: Mapping[str, str],
    day: dt.date,
) -> pl.DataFrame:
    """POSTINGS that are new: what the states and entries call for and `earlier` has not, and reversals of what no longer holds.

    Args:
        states: STATES of payments that may have moved.
        entries: ENTRIES that may have been explained since, and new ones.
        matches: MATCHES of all runs on them.
        earlier: POSTINGS made before. Only those on the given payments and entries can be reversed.
        providers: account → provider_id.
        day: business date of the run.

    Raises:
        FrameBroken: a frame breaks its schema.
    """
    booked = checked(entries, ENTRIES).filter("booked")
    wanted = pl.concat([_of_payments(checked(states, STATES), day), _of_entries(booked, matches, providers, day)])
    subjects = pl.concat([states["payment_id"], entries["entry_id"]])
    return _towards(wanted.filter(pl.col("amount_minor") > 0), checked(earlier, POSTINGS), subjects, day)


def taken_back(before: pl.DataFrame, later: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """POSTINGS that undo `later`, so that what stood after `before` stands again: reversals, and what `later` had reversed.

    Args:
        before: POSTINGS up to a close.
        later: POSTINGS made after it.
        day: business date of the later close.
    """
    wanted = _standing(checked(before, POSTINGS)).drop("own_id")
    return _towards(wanted, pl.concat([before, checked(later, POSTINGS)]), later["subject"], day)


def _towards(wanted: pl.DataFrame, earlier: pl.DataFrame, subjects: pl.Series, day: dt.date) -> pl.DataFrame:
    """What leads from the postings that stand to those that are wanted, of the subjects that are given.

    A posting that stands with other accounts or another amount is reversed and made anew; the day alone is no reason.
    """
    standing = _standing(earlier)
    given = pl.col("subject").is_in(subjects.unique().implode())
    times = earlier.filter(~is_reversal()).group_by(_base()).agg(times=pl.len() + 1)
    new = wanted.filter(given).join(standing, on=_SAME, how="anti").join(times, on="posting_id", how="left")
    again = pl.format("{}#{}", "posting_id", "times")
    stale = standing.filter(given).join(wanted, on=_SAME, how="anti")
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


def is_reversal() -> pl.Expr:
    """Boolean on POSTINGS: it takes back another one."""
    return pl.col("posting_id").str.starts_with(_REVERSAL)


def _base() -> pl.Expr:
    """The id of event and subject, without the ordinal of a posting that was made again."""
    return pl.format("{}:{}", "event", "subject").alias("posting_id")


def _of_payments(states: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """What the states call for: one row an event, `credit_debit` the side on which a collection is turned."""
    client, provider = pl.col("client"), pl.col("provider")
    funding, payable = pl.format("client:{}:funding", client), pl.format("client:{}:payable", client)
    clearing, bank = pl.format("provider:{}:clearing", provider), pl.format("bank:{}", "account")
    state = pl.col("state")
    accepted = (pl.col("verdict") == "ACCP") & ~state.is_in(["rejected", "cancelled"])
    run, value = pl.lit(day), pl.coalesce("value_date", pl.lit(day))
    events = [
        ("accepted", accepted, funding, payable, run),
        ("submitted", ~state.is_in(NOT_SENT), payable, clearing, pl.coalesce("submitted_on", run)),
        ("settled", state.is_in(BOOKED), clearing, bank, value),
        ("rejected", state == "provider_rejected", clearing, funding, run),
        ("returned", state == "returned", clearing, pl.lit(RETURNS), pl.coalesce("returned_on", run)),
    ]
    turned = pl.col("credit_debit") == "DBIT"
    return pl.concat(
        states.filter(holds & pl.col("amount_minor").is_not_null()).select(
            *_posting(event, "payment_id", debit, credit, turned), "amount_minor", "currency", day=on
        )
        for event, holds, debit, credit, on in events
    )


def _of_entries(
    booked: pl.DataFrame, matches: pl.DataFrame, providers: Mapping[str, str], day: dt.date
) -> pl.DataFrame:
    """What the entries call for, but settlements, which are posted payment by payment."""
    provider = pl.col("account").replace(dict(providers))
    bank = pl.format("bank:{}", "account")
    returns = checked(matches, MATCHES).filter(pl.col("kind") == "return").select("entry_id", "payment_id")
    back = booked.join(returns, on="entry_id", how="inner")
    free = booked.join(matches, on="entry_id", how="anti")
    turned = pl.col("credit_debit") == "CRDT"
    events = [
        ("returned", back, pl.format("provider:{}:clearing", provider)),
        ("fee", free.filter(is_fee()), pl.format("fees:{}", provider)),
        ("unknown", free.filter(~is_fee()), pl.lit(SUSPENSE)),
    ]
    value = pl.coalesce("value_date", "booking_date", pl.lit(day))
    return pl.concat(
        rows.select(*_posting(event, "entry_id", other, bank, turned), "amount_minor", "currency", day=value)
        for event, rows, other in events
    )


def _posting(event: str, subject: str, debit: pl.Expr, credit: pl.Expr, turned: pl.Expr) -> list[pl.Expr]:
    return [
        pl.format("{}:{}", pl.lit(event), subject).alias("posting_id"),
        pl.lit(event).alias("event"),
        pl.col(subject).alias("subject"),
        pl.when(turned).then(credit).otherwise(debit).alias("debit_account"),
        pl.when(turned).then(debit).otherwise(credit).alias("credit_account"),
    ]
