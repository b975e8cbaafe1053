"""Balances: the ledger's accounts, and our bank accounts against the bank's own balances."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.frames import ENTRIES, STATEMENTS, checked
from reconciliation.events import BOOKS, with_subject

_PARTS = ("settled", "returned", "corrected", "funded", "fees", "suspense")


MOVED: Final = {"account": pl.String, "currency": pl.String, "debits": pl.Int64, "credits": pl.Int64}
"""Schema of `moved`. Minor units, both positive."""


def moved(posted: pl.DataFrame) -> pl.DataFrame:
    """MOVED: what POSTINGS put on each account and currency. Those of parts of the postings add up (`added`)."""
    sides = [
        posted.group_by("currency", account=f"{side}_account").agg(amount=_sum(pl.col("amount_minor")))
        for side in ("debit", "credit")
    ]
    both = sides[0].rename({"amount": "debits"}).join(
        sides[1].rename({"amount": "credits"}), on=["account", "currency"], how="full", coalesce=True
    )  # fmt: skip
    return both.select(pl.col(name).fill_null(0) if dtype == pl.Int64 else name for name, dtype in MOVED.items())


def added(parts: pl.DataFrame) -> pl.DataFrame:
    """MOVED of several parts as one row an account and currency."""
    return parts.group_by("account", "currency").agg(_sum(pl.col(name)) for name in ("debits", "credits"))


def trial_balance(earlier: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Per account and currency: opening, debits, credits, closing (minor units, debit positive).

    The opening is what was posted before this period, whatever its value date, so that prior close = this opening. The
    closings of one currency add up to zero.

    Args:
        earlier: MOVED by all periods before.
        new: MOVED by this period.
    """
    opened = added(earlier).select("account", "currency", opening=pl.col("debits") - pl.col("credits"))
    both = opened.join(added(new), on=["account", "currency"], how="full", coalesce=True)
    whole = both.with_columns(pl.col("opening", "debits", "credits").fill_null(0))
    return whole.select(
        "account", "currency", "opening", "debits", "credits",
        closing=pl.col("opening") + pl.col("debits") - pl.col("credits"),
    ).sort("currency", "account")  # fmt: skip


def _sum(minor: pl.Expr) -> pl.Expr:
    # Int128 cannot wrap here; what is beyond Int64 fails the cast.
    return minor.cast(pl.Int128).sum().cast(pl.Int64)


def book_to_bank(statements: pl.DataFrame, on_books: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Our bank accounts against the bank's balances, a row a statement, and the entries that make the difference.

    First frame: account, currency, statement_id, to_date, opening, settled, returned, corrected, funded, fees, suspense (signed, minor
    units), closing (book), bank (its closing balance), difference (bank − closing), explained (the part of it that the
    second frame lists). Second frame: entry_id, account, currency, statement_id, amount (signed), posted, difference.

    Args:
        statements: STATEMENTS.
        on_books: of `entries_posted`, of their ENTRIES.
    """
    by_statement = on_books.group_by("account", "currency", "statement_id").agg(
        pl.sum(*_PARTS, "posted"), explained=pl.sum("difference")
    )
    balances = checked(statements, STATEMENTS).join(
        by_statement, on=["account", "currency", "statement_id"], how="left"
    )  # fmt: skip
    filled = balances.with_columns(pl.col(*_PARTS, "posted", "explained").fill_null(0)).with_columns(
        closing=pl.col("opening_minor") + pl.col("posted")
    )
    result = filled.select(
        "account", "currency", "statement_id", "to_date", opening="opening_minor", settled="settled",
        returned="returned", corrected="corrected", funded="funded", fees="fees", suspense="suspense", closing="closing", bank="closing_minor",
        difference=pl.col("closing_minor") - pl.col("closing"), explained="explained",
    )  # fmt: skip
    items = on_books.filter(pl.col("difference") != 0).select(
        "entry_id", "account", "currency", "statement_id", "amount", "posted", "difference"
    )  # fmt: skip
    return result.sort("account", "currency", "to_date", "statement_id", nulls_last=True), items.sort("entry_id")


def entries_posted(entries: pl.DataFrame, matches: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """Booked ENTRIES with what the ledger holds of each.

    entry_id, account, currency, statement_id, amount (signed), settled, returned, corrected, funded, fees, suspense, posted (their
    sum), difference (amount less posted).

    Args:
        entries: ENTRIES.
        matches: MATCHES of all runs on them.
        posted: POSTINGS on them, of all runs.
    """
    signed = pl.when(pl.col("credit_debit") == "CRDT").then("amount_minor").otherwise(-pl.col("amount_minor"))
    return (
        checked(entries, ENTRIES)
        .filter("booked")
        .select("entry_id", "account", "currency", "statement_id", amount=signed)
        .join(_bank_side(posted, matches), on=["entry_id", "account", "currency"], how="left")
        .with_columns(pl.col(_PARTS).fill_null(0))
        .with_columns(posted=pl.sum_horizontal(_PARTS))
        .with_columns(difference=pl.col("amount") - pl.col("posted"))
    )


def _bank_side(posted: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Per entry, account and currency: what was posted to the bank account, signed, by the kind of event."""
    debit = pl.col("debit_account").str.starts_with("bank:")
    credit = pl.col("credit_account").str.starts_with("bank:")
    on_bank = posted.filter(debit | credit).select(
        "event", "subject", "currency",
        account=pl.when(debit).then("debit_account").otherwise("credit_account").str.strip_prefix("bank:"),
        minor=pl.when(debit).then("amount_minor").otherwise(-pl.col("amount_minor")),
    )  # fmt: skip
    of_claims = with_subject(matches).filter(pl.col("kind").is_in(BOOKS)).select("subject", "entry_id")
    settled = pl.col("event") == "settled"
    by_claim = on_bank.filter(settled).join(of_claims, on="subject", how="inner")
    by_entry = on_bank.filter(~settled).with_columns(entry_id="subject")
    every = pl.concat([by_claim, by_entry], how="diagonal")
    kinds = {
        "settled": "settled",
        "returned": "returned",
        "corrected": "corrected",
        "funded": "funded",
        "fees": "fee",
        "suspense": "unknown",
    }
    parts = (pl.when(pl.col("event") == event).then("minor").otherwise(0).alias(name) for name, event in kinds.items())
    return every.select("entry_id", "account", "currency", *parts).group_by("entry_id", "account", "currency").sum()
