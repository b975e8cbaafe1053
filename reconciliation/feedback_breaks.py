"""Breaks that stand on what a provider sent as a whole: feedback that counts for nothing, its findings, missing statements."""

from __future__ import annotations

import datetime as dt

import polars as pl

from canonical.counts import count_said
from canonical.limits import ENTRY_MINOR_MAX
from canonical.money import amount_text
from reconciliation._aging import NO_CURRENCY, aged
from reconciliation.chain import links


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
    return aged(rows, day)


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
    return aged(rows, day)


def chain_breaks(statements: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind statement_chain: closing of one ≠ opening of the next, or a statement that does not add up.

    The order is that of `chain.links`. The amount is the size of the gap; CRDT where money appeared that no statement
    shows.
    """
    ordered = links(statements)
    inside = pl.col("closing_minor") - (pl.col("opening_minor") + pl.col("credits_minor") - pl.col("debits_minor"))
    again = pl.when(pl.col("repeats")).then(pl.lit("has its number and day, and ")).otherwise(pl.lit(""))
    between = ordered.with_columns(
        gap="gap_minor", note=pl.format("{}opens with another balance than {} closed with", again, "before_id")
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
        amount_minor=pl.col("gap").abs().clip(upper_bound=ENTRY_MINOR_MAX),
        credit_debit=pl.when(pl.col("gap") > 0).then(pl.lit("CRDT")).otherwise(pl.lit("DBIT")),
        since=pl.coalesce("from_date", "to_date", pl.lit(day)),
        note=pl.format(
            "statement {} {}: {}", "statement_id", "note", amount_text(pl.col("gap").abs(), pl.col("currency"))
        ),
    )  # fmt: skip
    return aged(rows, day)


def gap_breaks(statements: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind statement_missing: numbers are left out between two statements, and the balances follow on.

    Where they do not follow on, `chain_breaks` has the gap.
    """
    ordered = links(statements)
    chained = (pl.col("gap_minor") == 0).fill_null(value=True)
    rows = ordered.filter((pl.col("missing") > 0) & ~pl.col("repeats") & chained).select(
        "account", "currency",
        kind=pl.lit("statement_missing"),
        side=pl.lit("bank"),
        subject=pl.format("{}/before", "statement_id"),
        amount_minor=pl.lit(0, dtype=pl.Int64),
        credit_debit=pl.lit("CRDT"),
        since=pl.coalesce("from_date", "to_date", pl.lit(day)),
        note=pl.format(
            "{} missing between {} and {}: ask the provider for what is missing", count_said("missing", "statement"), "before_id", "statement_id"
        ),
    )  # fmt: skip
    return aged(rows, day)


def missing_breaks(due: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind statement_missing: a statement is not here by the time agreed.

    Args:
        due: account, currency and day (Date) of each statement that should be here and is not.
        day: the day the ages are counted to.
    """
    rows = due.select(
        "account", "currency",
        kind=pl.lit("statement_missing"),
        side=pl.lit("bank"),
        subject=pl.format("{}/{}", "account", "day"),
        amount_minor=pl.lit(0, dtype=pl.Int64),
        credit_debit=pl.lit("CRDT"),
        since="day",
        note=pl.format("the statement of {} is not here, and it is time: ask the provider for it", "day"),
    )  # fmt: skip
    return aged(rows, day)
