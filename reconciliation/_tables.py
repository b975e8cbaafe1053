"""The tables of the reports, as frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from canonical.counts import count_said
from reconciliation.balances import book_to_bank
from reconciliation.conservation import equations
from reconciliation.fees import is_fee

AGES: Final = ((1, "0–1"), (5, "2–5"), (30, "6–30"), (60, "31–60"), (90, "61–90"))
OLDEST: Final = "90+"
TERMS: Final = {
    "parsed": ("1 intake", "+", "parsed"),
    "rejected": ("1 intake", "−", "rejected by us"),
    "cancelled": ("1 intake", "−", "cancelled"),
    "waiting": ("1 intake", "−", "waiting"),
    "submitted": ("1 intake", "−", "submitted"),
    "intake_difference": ("1 intake", "=", "difference"),
    "opening": ("2 outstanding", "+", "outstanding at the opening"),
    "newly_submitted": ("2 outstanding", "+", "submitted in this period"),
    "reinstated": ("2 outstanding", "+", "refused by the provider, booked by the bank"),
    "undone": ("2 outstanding", "+", "matches taken apart"),
    "newly_settled": ("2 outstanding", "−", "settled in this period"),
    "newly_refused": ("2 outstanding", "−", "refused by the provider in this period"),
    "closing": ("2 outstanding", "−", "outstanding at the close"),
    "outstanding_difference": ("2 outstanding", "=", "difference"),
    "settled_before": ("3 settled", "+", "settled at the opening"),
    "newly_settled_again": ("3 settled", "+", "settled in this period"),
    "represented": ("3 settled", "+", "booked again after it came back"),
    "settled_still": ("3 settled", "−", "settled at the close"),
    "newly_returned": ("3 settled", "−", "returned in this period"),
    "unsettled": ("3 settled", "−", "matches taken apart"),
    "settled_difference": ("3 settled", "=", "difference"),
}
"""Column of `conservation.equations` → equation, side and name of the term."""
_IDS_IN_WORDS_MAX: Final = 5


def summary(terms: pl.DataFrame) -> pl.DataFrame:
    """What was sent, by provider, account, currency, direction and value date; each row ties in itself. `terms`: of `totals`.

    A payment's value date is its entry's where it is settled, else the execution date.
    """
    tied = equations(terms, ["provider", "account", "value_on"])
    return tied.filter((pl.col("measure") == "sum") & pl.col("provider").is_not_null()).select(
        "provider", "account", "currency", "credit_debit", value_date="value_on", opening="opening",
        submitted="newly_submitted", reinstated="reinstated", rejected="newly_refused", settled="newly_settled",
        outstanding="closing", difference="outstanding_difference", returned="newly_returned",
    )  # fmt: skip


def bank_accounts(statements: pl.DataFrame, on_books: pl.DataFrame, providers: Mapping[str, str]) -> pl.DataFrame:
    """`balances.book_to_bank` with the provider, and what explains each difference in words."""
    balances, items = book_to_bank(statements, on_books)
    in_words = (
        items.sort("entry_id")
        .group_by("account", "currency", "statement_id")
        .agg(ids=pl.col("entry_id").head(_IDS_IN_WORDS_MAX).str.join(", "), items=pl.len())
    )
    explanation = (
        pl.when(pl.col("difference").is_null())
        .then(pl.lit("the statement gives no balance"))
        .when(pl.col("difference") == 0)
        .then(pl.lit(""))
        .when(pl.col("difference") == pl.col("explained"))
        .then(pl.format("not posted in full: {}: {}", count_said("items", "entry"), "ids"))
        .otherwise(pl.lit("the statement does not add up: its entries do not lead to its closing balance"))
    )
    joined = balances.join(in_words, on=["account", "currency", "statement_id"], how="left")
    return joined.select(
        pl.col("account").replace(dict(providers)).alias("provider"),
        *balances.columns,
        explanation.fill_null("").alias("what_explains_it"),
    ).sort("provider", "account", "currency", "to_date", "statement_id", nulls_last=True)


GROUP: Final = ("file_id", "provider", "account", "currency", "credit_debit")
"""What the equations of the tie-out are about, each."""


def tie_out_terms(terms: pl.DataFrame) -> pl.DataFrame:
    """The equations term by term, by file, provider, account, currency and direction: count and sum beside each other.

    `side` is + for what comes in, − for what it becomes, and = for the difference, which must be zero. Other terms of zero
    payments and zero amount are left out.
    """
    scope = list(GROUP)
    wide = equations(terms, scope).with_columns(newly_settled_again="newly_settled")
    order = [(name, *place) for name, place in TERMS.items()]
    places = pl.DataFrame(order, schema=["column", "equation", "side", "term"], orient="row").with_row_index("ordinal")
    long = wide.unpivot(list(TERMS), index=[*scope, "measure", "tied"], variable_name="column", value_name="value")
    both = long.group_by(*scope, "column", "tied", maintain_order=True).agg(
        payments=pl.col("value").filter(pl.col("measure") == "count").first(),
        amount=pl.col("value").filter(pl.col("measure") == "sum").first(),
    )
    placed = both.join(places, on="column", how="left").sort(*scope, "ordinal", nulls_last=True)
    tied = pl.when(pl.col("tied")).then(pl.lit("yes")).otherwise(pl.lit("NO"))
    # A term of nothing adds nothing: left out, the few that count can be read.
    counts = (pl.col("payments") != 0) | (pl.col("amount") != 0) | (pl.col("side") == "=")
    return placed.filter(counts).select(
        *scope, "equation", "side", "term", "payments", "amount", tied.alias("group_ties")
    )


def matched_by_rung(entries: pl.DataFrame, matches: pl.DataFrame, fundings: pl.DataFrame) -> pl.DataFrame:
    """Booked entries by the rung that matched them, bank charges, clients' funding and what is left, with the share of those in its currency."""
    rungs = matches.group_by("entry_id").agg(pl.col("rung").first(), payments=pl.len().cast(pl.Int64))
    paid_in = pl.col("entry_id").is_in(fundings["entry_id"].implode())
    rung = (
        pl.when(is_fee())
        .then(pl.lit("bank charge"))
        .when(paid_in)
        .then(pl.lit("client funding"))
        .otherwise(pl.coalesce("rung", pl.lit("not matched")))
    )
    rows = (
        entries.filter("booked")
        .join(rungs, on="entry_id", how="left")
        .group_by("currency", rung.alias("rung"))
        .agg(entries=pl.len().cast(pl.Int64), payments=pl.col("payments").sum(), amount=pl.col("amount_minor").sum())
    )
    of_currency = pl.col("entries").sum().over("currency")
    tenths = (pl.col("entries") * 2000 + of_currency) // (of_currency * 2)  # half up, as finance rounds
    return rows.select("currency", "rung", "entries", "payments", "amount", share=tenths).sort("currency", "rung")


def aged(breaks: pl.DataFrame) -> pl.DataFrame:
    """WORKED with the age bucket, and in words what may answer to each."""
    suggestion = pl.format("{} ({} of 100: {})", "suggested", "score", "reasons")
    return breaks.select(
        "break_id", "kind", "side", "subject", "account", "currency", "credit_debit", "amount_minor", "since",
        "age_days", bucket().alias("age"), "note", "state", "owner", "comment", suggestion.alias("suggestion"),
    )  # fmt: skip


def by_age(breaks: pl.DataFrame) -> pl.DataFrame:
    """Breaks counted and summed by kind, currency and age bucket, youngest first."""
    order = [name for _, name in AGES] + [OLDEST]
    rows = breaks.group_by("kind", "currency", bucket().alias("age")).agg(
        breaks=pl.len().cast(pl.Int64), amount=pl.col("amount_minor").sum()
    )
    rank = pl.col("age").replace_strict(order, list(range(len(order))), return_dtype=pl.Int64)
    return rows.sort("kind", "currency", rank)


def bucket() -> pl.Expr:
    """Age bucket of a break, from `age_days`."""
    buckets = [pl.when(pl.col("age_days") <= days_max).then(pl.lit(name)) for days_max, name in AGES]
    return pl.coalesce(*buckets, pl.lit(OLDEST))
