"""Breaks: what does not explain itself and needs a person, with its age. A break's id comes from what it stands on.

| kind | side | subject | when |
|---|---|---|---|
| unknown_entry | bank | entry_id | a BOOK entry that books no payment of ours and is no bank charge |
| ambiguous | bank | entry_id | an entry to which more than one payment answers, or the other way round |
| unmatched_payment | book | payment_id | no final word `weekdays_max` weekdays after the execution date |
| amount_difference | bank | entry_id | an entry that names one open payment of ours, and has another amount |
| duplicate_entry | bank | entry_id | an entry with reference, amount and direction of one that the bank booked before |
| overdue | book | payment_id | a statement of a later day than its own is here, and shows it no more than the one before |
| contradiction | book | payment_id | provider and bank say opposite things |
| unknown_feedback | bank | feedback_id/position | a status or return that counts for no payment |
| feedback_finding | bank | feedback_id/rule | a feedback file cannot be read, or something in it is wrong |
| statement_chain | bank | statement_id/part | a statement does not follow on, or does not add up |
| statement_missing | bank | statement_id/before, account/day | numbers are left out between two, or one is not here in time |

An entry that more is learnt of, and a payment that grows older, change their kind and stay the same break. The last four
kinds are in `reconciliation.feedback_breaks`.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from canonical.frames import ENTRIES, MATCHES, STATEMENTS, checked
from canonical.money import amount_text
from reconciliation._aging import NO_CURRENCY, aged
from reconciliation._attribution import said
from reconciliation.fees import is_fee
from reconciliation.frames import OPEN, STATES

_BOOKING: Final = ("account", "currency", "amount_minor", "credit_debit", "reversal", "servicer_reference")
"""What two bookings of one movement share."""
_PLACE: Final = ("statement_id", "position")
_NAMES: Final = ("instruction_id", "transaction_id", "servicer_reference", "end_to_end_id")
_OWN_NAMES: Final = ("reference", "payment_id", "end_to_end_id")


def entry_breaks(
    entries: pl.DataFrame, matches: pl.DataFrame, ambiguous: pl.DataFrame, states: pl.DataFrame, day: dt.date
) -> pl.DataFrame:
    """BREAKS of kind unknown_entry, ambiguous, duplicate_entry and amount_difference.

    Args:
        entries: ENTRIES still to be explained, and those that may have been booked twice.
        matches: MATCHES of all runs.
        ambiguous: of `ladder.Matched`.
        states: STATES of the payments that entries may name (`named`).
        day: the day the ages are counted to.
    """
    left = _left(checked(entries, ENTRIES), checked(matches, MATCHES))
    back = pl.col("return_reason").is_not_null() | pl.col("reversal")
    unknown = (
        pl.when(back)
        .then(pl.lit("a return or reversal of no payment that we know as settled"))
        .otherwise(pl.lit("booked by the bank, and no payment of ours answers to it"))
    )
    causes = (
        ambiguous.select("entry_id", "note", kind=pl.lit("ambiguous")),
        _twice(left, entries, matches),
        _other_amount(left.filter(~back), states),
    )
    known = pl.concat(causes, how="diagonal").unique("entry_id", keep="first", maintain_order=True)
    rows = left.join(known, on="entry_id", how="left").select(
        "account", "amount_minor", "currency", "credit_debit",
        kind=pl.coalesce("kind", pl.lit("unknown_entry")),
        side=pl.lit("bank"),
        subject="entry_id",
        since=pl.coalesce("value_date", "booking_date", pl.lit(day)),
        note=pl.coalesce("note", unknown),
    )  # fmt: skip
    return aged(rows, day)


def names(entries: pl.DataFrame, matches: pl.DataFrame) -> pl.Series:
    """What the ENTRIES that no match explains name payments by."""
    left = _left(entries, matches).select(_NAMES)
    return pl.concat(left[name].drop_nulls().str.strip_chars().alias("name") for name in _NAMES).unique()


def named(states: pl.DataFrame, by: pl.Series) -> pl.DataFrame:
    """STATES of the payments that one of these names may mean. `by`: of `names`."""
    if by.is_empty():
        return states.clear()
    return states.filter(pl.any_horizontal(pl.col(name).str.strip_chars().is_in(by.implode()) for name in _OWN_NAMES))


def _left(entries: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    return entries.filter(pl.col("booked") & ~is_fee()).join(matches, on="entry_id", how="anti", maintain_order="left")


def _twice(left: pl.DataFrame, entries: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """entry_id, kind and note of entries that repeat one which is matched, or which stands before them."""
    order = ("booking_date", *_PLACE)
    ours = left.filter(said("servicer_reference")).select("entry_id", *_BOOKING, *_PLACE)
    alike = entries.filter(pl.col("booked") & said("servicer_reference")).join(ours, on=_BOOKING, how="semi")
    booked = alike.with_columns(matched=pl.col("entry_id").is_in(matches["entry_id"].implode()))
    firsts = booked.sort(*order).unique([*_BOOKING, *_PLACE], keep="first", maintain_order=True)
    ranked = firsts.select(*_BOOKING, *_PLACE, "matched", rank=pl.int_range(pl.len()))
    ours = ours.join(ranked.select(*_BOOKING, *_PLACE, "rank"), on=[*_BOOKING, *_PLACE])
    pairs = ours.join(ranked, on=_BOOKING, suffix="_other").filter(pl.col("rank") != pl.col("rank_other"))
    before = pairs.filter(pl.col("matched") | (pl.col("rank_other") < pl.col("rank"))).sort("rank_other")
    return before.unique("entry_id", keep="first", maintain_order=True).select(
        "entry_id",
        note=pl.format("the bank booked {} with the same amount in statement {} as well: ask it which one holds",
                       "servicer_reference", "statement_id_other"),
        kind=pl.lit("duplicate_entry"),
    )  # fmt: skip


def _other_amount(left: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """entry_id, kind and note of entries that name one open payment by a reference, and have another amount."""
    same = ["account", "currency", "credit_debit", "key"]
    on_account = pl.when(pl.col("credit_debit") == "CRDT").then(pl.lit("DBIT")).otherwise(pl.lit("CRDT"))
    book = states.filter(pl.col("state").is_in(OPEN)).with_columns(credit_debit=on_account)
    named = pl.concat(
        left.filter(said(name)).select("entry_id", *same[:3], "amount_minor", key=pl.col(name).str.strip_chars())
        for name in _NAMES
    )
    known = pl.concat(
        book.filter(said(name)).select("payment_id", *same[:3], paid="amount_minor", key=pl.col(name).str.strip_chars())
        for name in _OWN_NAMES
    )
    pairs = named.join(known, on=same).unique(["entry_id", "payment_id"])
    single = pairs.filter((pl.len().over("entry_id") == 1) & (pl.col("amount_minor") != pl.col("paid")))
    apart = (pl.col("amount_minor") - pl.col("paid")).abs()
    word = pl.when(pl.col("amount_minor") > pl.col("paid")).then(pl.lit("more")).otherwise(pl.lit("less"))
    return single.select(
        "entry_id",
        note=pl.format("names payment {} of {}, and {} {} was booked", "payment_id",
                       amount_text(pl.col("paid"), pl.col("currency")), amount_text(apart, pl.col("currency")), word),
        kind=pl.lit("amount_difference"),
    )  # fmt: skip


def payment_breaks(states: pl.DataFrame, statements: pl.DataFrame, day: dt.date, weekdays_max: int) -> pl.DataFrame:
    """BREAKS of kind unmatched_payment: sent, and no final word more than `weekdays_max` weekdays after it was due.

    Before that, of kind overdue where a statement of a later day than its own is here. Payments of amount zero (NACHA
    prenotifications) move no money and never come in a statement: they are not listed.
    """
    checked(states, STATES)
    covered = checked(statements, STATEMENTS).group_by("account").agg(covered=pl.col("to_date").max())
    due = pl.coalesce("execution_date", "submitted_on", pl.lit(day))
    late = due.dt.add_business_days(weekdays_max, roll="forward") < day
    overdue = (due < pl.col("covered")) & (due < day)
    is_open = pl.col("state").is_in(OPEN) & (pl.col("amount_minor") > 0)
    rows = states.filter(is_open).join(covered, on="account", how="left").filter(late | overdue).select(
        "amount_minor", "currency", "credit_debit",
        account=pl.coalesce("account", "provider"),
        kind=pl.when(late).then(pl.lit("unmatched_payment")).otherwise(pl.lit("overdue")),
        side=pl.lit("book"),
        subject="payment_id",
        since=pl.coalesce("submitted_on", due),
        note=pl.when(pl.col("state") == "submitted_unknown")
        .then(pl.lit("it is not known whether the provider has it: ask before sending anything again"))
        .otherwise(pl.format("sent in {}, due {}, and no statement shows it", "submission_id", due)),
    )  # fmt: skip
    return aged(rows, day)


def contradiction_breaks(contradicted: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind contradiction, from `states.contradicted`."""
    rows = contradicted.select(
        "credit_debit", "note",
        amount_minor=pl.col("amount_minor").fill_null(0),
        currency=pl.col("currency").fill_null(NO_CURRENCY),
        account=pl.coalesce("account", "provider"),
        kind=pl.lit("contradiction"),
        side=pl.lit("book"),
        subject="payment_id",
        since=pl.coalesce("value_date", "submitted_on", "execution_date", pl.lit(day)),
    )  # fmt: skip
    return aged(rows, day)
