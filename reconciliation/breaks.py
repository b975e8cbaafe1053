"""Breaks: what does not explain itself and needs a person, with its age. A break's id comes from what it stands on.

| kind | side | subject | when |
|---|---|---|---|
| unknown_entry | bank | entry_id | a BOOK entry that books no payment of ours and is no bank charge |
| ambiguous | bank | entry_id | an entry to which more than one payment answers, or the other way round |
| unmatched_payment | book | payment_id | no final word `weekdays_max` weekdays after the execution date |
| contradiction | book | payment_id | provider and bank say opposite things |
| unknown_feedback | bank | feedback_id/position | a status or return that counts for no payment |
| feedback_finding | bank | feedback_id/rule | a feedback file cannot be read, or something in it is wrong |
| statement_chain | bank | statement_id | a statement is missing, or does not add up |
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl
import polars_hash as plh

from canonical.frames import BREAKS, ENTRIES, MATCHES, checked, conform
from canonical.limits import AMOUNT_MINOR_MAX
from canonical.money import amount_text
from reconciliation.chain import links
from reconciliation.fees import is_fee
from reconciliation.frames import OPEN, STATES

NO_CURRENCY: Final = "XXX"
"""ISO 4217: no currency is involved. Stands on feedback that names no amount."""
_ID_DIGITS: Final = 19


def entry_breaks(entries: pl.DataFrame, matches: pl.DataFrame, ambiguous: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind unknown_entry and ambiguous.

    Args:
        entries: ENTRIES still to be explained.
        matches: MATCHES of all runs.
        ambiguous: of `ladder.Matched`.
        day: the day the ages are counted to.
    """
    checked(entries, ENTRIES)
    left = entries.filter(pl.col("booked") & ~is_fee()).join(checked(matches, MATCHES), on="entry_id", how="anti")
    noted = left.join(ambiguous, on="entry_id", how="left")
    back = pl.col("return_reason").is_not_null() | pl.col("reversal")
    unknown = (
        pl.when(back)
        .then(pl.lit("a return or reversal of no payment that we know as settled"))
        .otherwise(pl.lit("booked by the bank, and no payment of ours answers to it"))
    )
    rows = noted.select(
        "account", "amount_minor", "currency", "credit_debit",
        kind=pl.when(pl.col("note").is_null()).then(pl.lit("unknown_entry")).otherwise(pl.lit("ambiguous")),
        side=pl.lit("bank"),
        subject="entry_id",
        since=pl.coalesce("value_date", "booking_date", pl.lit(day)),
        note=pl.coalesce("note", unknown),
    )  # fmt: skip
    return _aged(rows, day)


def payment_breaks(states: pl.DataFrame, day: dt.date, weekdays_max: int) -> pl.DataFrame:
    """BREAKS of kind unmatched_payment: sent, and no final word more than `weekdays_max` weekdays after it was due.

    Payments of amount zero (NACHA prenotifications) move no money and never come in a statement: they are not listed.
    """
    checked(states, STATES)
    due = pl.coalesce("execution_date", "submitted_on", pl.lit(day))
    late = due.dt.add_business_days(weekdays_max, roll="forward") < day
    rows = states.filter(pl.col("state").is_in(OPEN) & late & (pl.col("amount_minor") > 0)).select(
        "amount_minor", "currency", "credit_debit",
        account=pl.coalesce("account", "provider"),
        kind=pl.lit("unmatched_payment"),
        side=pl.lit("book"),
        subject="payment_id",
        since=pl.coalesce("submitted_on", due),
        note=pl.when(pl.col("state") == "submitted_unknown")
        .then(pl.lit("it is not known whether the provider has it: ask before sending anything again"))
        .otherwise(pl.format("sent in {}, due {}, and no statement shows it", "submission_id", due)),
    )  # fmt: skip
    return _aged(rows, day)


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
    return _aged(rows, day)


def feedback_breaks(unknown: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind unknown_feedback, from `Attribution.unknown`. `since` is its column received_on (Date), else `day`."""
    received = pl.col("received_on") if "received_on" in unknown.columns else pl.lit(None, dtype=pl.Date)
    rows = unknown.select(
        kind=pl.lit("unknown_feedback"),
        side=pl.lit("bank"),
        subject=pl.format("{}/{}", "feedback_id", "position"),
        account=pl.lit(None, dtype=pl.String),
        amount_minor=pl.col("amount_minor").fill_null(0),
        currency=pl.col("currency").fill_null(NO_CURRENCY),
        credit_debit=pl.col("credit_debit").fill_null("CRDT"),
        since=pl.coalesce(received, pl.lit(day)),
        note=pl.format(
            "{} {} for message {}, instruction {}, end-to-end id {}: {}",
            "kind", *(pl.col(name).fill_null("-") for name in (
                "status", "original_message_id", "original_instruction_id", "original_end_to_end_id",
            )), "note",
        ),
    )  # fmt: skip
    return _aged(rows, day)


def finding_breaks(findings: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind feedback_finding, one for each feedback file and rule.

    Args:
        findings: FINDINGS of feedback files, with `feedback_id` and `received_on` (Date).
        day: the day the ages are counted to.
    """
    first = findings.group_by("feedback_id", "rule", maintain_order=True).agg(
        pl.first("severity", "message", "remedy", "line", "received_on"), times=pl.len()
    )
    where = pl.when(pl.col("line").is_not_null()).then(pl.format(", line {}", "line")).otherwise(pl.lit(""))
    more = pl.when(pl.col("times") > 1).then(pl.format(" ({} such findings)", "times")).otherwise(pl.lit(""))
    rows = first.select(
        kind=pl.lit("feedback_finding"),
        side=pl.lit("bank"),
        subject=pl.format("{}/{}", "feedback_id", "rule"),
        account=pl.lit(None, dtype=pl.String),
        amount_minor=pl.lit(0, dtype=pl.Int64),
        currency=pl.lit(NO_CURRENCY),
        credit_debit=pl.lit("CRDT"),
        since=pl.coalesce("received_on", pl.lit(day)),
        note=pl.concat_str(pl.col("severity"), where, pl.lit(": "), "message", pl.lit(" "), "remedy", more),
    )
    return _aged(rows, day)


def chain_breaks(statements: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind statement_chain: closing of one ≠ opening of the next, or a statement that does not add up.

    The order is that of `chain.links`. The amount is the size of the gap; CRDT where money appeared that no statement
    shows.
    """
    ordered = links(statements)
    gap = pl.when(~pl.col("repeats")).then("gap_minor")
    inside = pl.col("closing_minor") - (pl.col("opening_minor") + pl.col("credits_minor") - pl.col("debits_minor"))
    between = ordered.with_columns(
        gap=gap, note=pl.format("opens with another balance than {} closed with", "before_id")
    )
    within = ordered.with_columns(
        gap=inside, note=pl.lit("its entries do not lead from its opening to its closing balance")
    )
    found = pl.concat([between.with_columns(part=pl.lit("opening")), within.with_columns(part=pl.lit("inside"))])
    rows = found.filter(pl.col("gap") != 0).select(
        "account", "currency",
        kind=pl.lit("statement_chain"),
        side=pl.lit("bank"),
        subject=pl.format("{}/{}", "statement_id", "part"),
        amount_minor=pl.col("gap").abs().clip(upper_bound=AMOUNT_MINOR_MAX),
        credit_debit=pl.when(pl.col("gap") > 0).then(pl.lit("CRDT")).otherwise(pl.lit("DBIT")),
        since=pl.coalesce("from_date", "to_date", pl.lit(day)),
        note=pl.format(
            "statement {} {}: {}", "statement_id", "note", amount_text(pl.col("gap").abs(), pl.col("currency"))
        ),
    )  # fmt: skip
    return _aged(rows, day)


def _aged(rows: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    digest = plh.concat_str(
        "kind", pl.coalesce(pl.col("account"), pl.lit("")), "subject", separator="\x1f"
    ).chash.sha2_256()
    age = (pl.lit(day) - pl.col("since")).dt.total_days().clip(0)
    named = rows.with_columns(break_id=pl.lit("X") + digest.str.slice(0, _ID_DIGITS), age_days=age)
    return conform(named.sort("kind", "since", "subject"), BREAKS)
