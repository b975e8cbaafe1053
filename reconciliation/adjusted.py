"""Book to bank: the bank's balance and ours, each adjusted for what the other side does not show yet, must meet.

    balance of the bank's last statement            balance of our books
    + collections in transit                        + bank entries that are not in our books yet
    − payments in transit                           ± bank entries not posted in full
    ± statements missing, or that do not add up
    = adjusted balance of the bank                  = adjusted balance of our books

Our books count an order when it is handed over: opening balance of the first statement, plus what is posted for payments,
returns and charges, plus what is in transit. What stands between both sides is itemised, entry by entry and submission by
submission; what no item explains is `unexplained`, and none of it may be. Each item is in transit, or a break that people
know of: what is neither is a fault of these books, and no day closes with it (`require_met`).
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import polars as pl

from canonical.errors import NotTied
from canonical.money import format_minor
from reconciliation.chain import links
from reconciliation.frames import OPEN

ITEMS: Final = {
    "account": pl.String, "currency": pl.String, "item": pl.String, "subject": pl.String, "on": pl.Date, "amount": pl.Int64,
    "what_it_is": pl.String,
}  # fmt: skip
"""Schema of the items, amounts signed on our account: what each adds to the side that lacks it.

`subject`: of the break that names it; of what is in transit the submission.
"""
_OF_BOOK: Final = ("entry not in our books", "entry not posted in full")
_IN_TRANSIT: Final = ("collection in transit", "payment in transit")
_KEYS: Final = ("account", "currency")
_SENT: Final = (*_KEYS, "credit_debit", "submission_id", "execution_date")
_ROWS_IN_MESSAGE_MAX: Final = 10


def items(
    statements: pl.DataFrame, entries: pl.DataFrame, on_books: pl.DataFrame, transit: pl.DataFrame, day: dt.date
) -> pl.DataFrame:
    """ITEMS of every account that has a statement with balances.

    Args:
        statements: STATEMENTS up to the day.
        entries: their ENTRIES.
        on_books: of `balances.entries_posted`, of these entries.
        transit: of `in_transit`, of one part of the payments of these accounts or of several.
        day: the day of the close.
    """
    rows = _covered(statements, on_books)
    odd = rows.filter((pl.col("suspense") != 0) | (pl.col("difference") != 0))
    dated = odd.join(entries.select("entry_id", on="value_date"), on="entry_id", how="left")
    unknown = dated.filter(pl.col("suspense") != 0).select(
        *_KEYS, subject="entry_id", on="on", amount="suspense", item=pl.lit(_OF_BOOK[0]),
        what_it_is=pl.lit("booked by the bank, explained by no payment of ours; it stands on suspense"),
    )  # fmt: skip
    partly = dated.filter(pl.col("difference") != 0).select(
        *_KEYS, subject="entry_id", on="on", amount="difference", item=pl.lit(_OF_BOOK[1]),
        what_it_is=pl.lit("the ledger does not hold the whole of this entry"),
    )  # fmt: skip
    parts = [unknown, partly, _transit_items(transit, day), *_statements(statements, rows)]
    every = pl.concat([pl.DataFrame(schema=ITEMS), *[part.select(ITEMS.keys()) for part in parts]])
    known = links(statements).filter(pl.col("closing_minor").is_not_null()).select(_KEYS).unique()
    return every.join(known, on=_KEYS, how="semi").sort(*_KEYS, "item", "on", "subject", nulls_last=True)


def adjusted_balances(statements: pl.DataFrame, on_books: pl.DataFrame, listed: pl.DataFrame) -> pl.DataFrame:
    """One row an account and currency with both sides and `unexplained` (bank less book, zero where they meet).

    `on_books`: of `balances.entries_posted`. `listed`: of `items`. Balances in minor units, signed.
    """
    chain = links(statements).filter(pl.col("opening_minor").is_not_null() & pl.col("closing_minor").is_not_null())
    ends = chain.group_by(_KEYS).agg(
        opening=pl.col("opening_minor").first(), bank=pl.col("closing_minor").last(), statement=pl.col("statement_id").last(),
        to_date=pl.col("to_date").last(),
    )  # fmt: skip
    within = _covered(statements, on_books)
    moved = within.group_by(_KEYS).agg(ours=(pl.col("posted") - pl.col("suspense")).sum())
    sums = listed.group_by(_KEYS).agg(
        *(_sum_of([name]).alias(name.replace(" ", "_")) for name in (*_IN_TRANSIT, *_OF_BOOK)),
        statements_at_fault=_sum_of(["statement missing", "statement does not add up"]),
    )  # fmt: skip
    sides = ends.join(moved, on=_KEYS, how="left").join(sums, on=_KEYS, how="left")
    filled = sides.with_columns(pl.exclude(*_KEYS, "opening", "bank", "statement", "to_date").fill_null(0))
    transit = pl.col("collection_in_transit") + pl.col("payment_in_transit")
    entered = pl.col("entry_not_in_our_books") + pl.col("entry_not_posted_in_full")
    both = filled.with_columns(book=pl.col("opening") + pl.col("ours") + transit).with_columns(
        adjusted_bank=pl.col("bank") + transit - pl.col("statements_at_fault"), adjusted_book=pl.col("book") + entered
    )
    return both.select(
        *_KEYS, "statement", "to_date", "bank", "collection_in_transit", "payment_in_transit", "statements_at_fault",
        "adjusted_bank", "book", "entry_not_in_our_books", "entry_not_posted_in_full", "adjusted_book",
        unexplained=pl.col("adjusted_bank") - pl.col("adjusted_book"),
    ).sort(_KEYS)  # fmt: skip


def require_met(balances: pl.DataFrame, listed: pl.DataFrame, breaks: pl.DataFrame) -> None:
    """Raises NotTied: balances that do not meet, or items that are neither in transit nor a break of that amount.

    Args:
        balances: of `adjusted_balances`.
        listed: of `items`.
        breaks: BREAKS, those that persons closed included.
    """
    own = listed.filter(~pl.col("item").is_in(_IN_TRANSIT)).with_columns(amount_minor=pl.col("amount").abs())
    nameless = own.join(breaks, on=[*_KEYS, "subject", "amount_minor"], how="anti")
    apart = balances.filter(pl.col("unexplained") != 0)
    if apart.is_empty() and nameless.is_empty():
        return
    rows = [f"{row['account']} {row['currency']}: {_gap(row, listed)}" for row in apart.iter_rows(named=True)]
    rows += [
        f"{row['account']} {row['currency']}: {row['item']}, {row['subject']}, "
        f"{format_minor(row['amount'], row['currency'])}: {row['what_it_is']}; no break names it"
        for row in nameless.iter_rows(named=True)
    ]
    raise NotTied(f"book and bank do not meet: {'; '.join(rows[:_ROWS_IN_MESSAGE_MAX])}", tuple(rows))


def _gap(row: dict[str, Any], listed: pl.DataFrame) -> str:
    """Both adjusted balances of an account, what is between them, and what is itemised, in words."""
    shown = {
        name: format_minor(row[name], row["currency"]) for name in ("adjusted_bank", "adjusted_book", "unexplained")
    }
    of_account = listed.filter(pl.col("account") == row["account"], pl.col("currency") == row["currency"])
    sums = of_account.group_by("item").agg(pl.sum("amount"), rows=pl.len()).sort("item")
    told = [f"{item} {format_minor(amount, row['currency'])} ({rows})" for item, amount, rows in sums.iter_rows()]
    return (
        f"adjusted balance of the bank {shown['adjusted_bank']}, of our books {shown['adjusted_book']}, "
        f"unexplained {shown['unexplained']}; itemised: {', '.join(told) or 'nothing'}"
    )


def _covered(statements: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The entries between the first and the last balance that we know of an account; what was before no balance tells."""
    has_both = pl.col("opening_minor").is_not_null() & pl.col("closing_minor").is_not_null()
    place = pl.int_range(pl.len()).over(_KEYS)
    placed = links(statements).with_columns(place=place)
    first, last = (edge(pl.col("place").filter(has_both)).over(_KEYS) for edge in (pl.Expr.min, pl.Expr.max))
    within = placed.filter(pl.col("place").is_between(first, last))
    return rows.join(within, on=[*_KEYS, "statement_id"], how="semi")


def _sum_of(names: list[str]) -> pl.Expr:
    return pl.col("amount").filter(pl.col("item").is_in(names)).sum()


def in_transit(states: pl.DataFrame, matches: pl.DataFrame) -> pl.DataFrame:
    """Handed over and not booked, by account, currency, direction, submission and execution date: payments, amount (minor units).

    Those of parts of the payments add up. Of a payment that is booked in part the rest counts.

    Args:
        states: STATES.
        matches: MATCHES that claim them.
    """
    booked = matches.filter(pl.col("kind") == "settlement").group_by("payment_id").agg(booked=pl.sum("amount_minor"))
    sent = states.filter(pl.col("state").is_in(OPEN)).select("payment_id", "amount_minor", *_SENT)
    left = pl.col("amount_minor") - pl.col("booked").fill_null(0)
    joined = sent.join(booked, on="payment_id", how="left")
    return joined.group_by(_SENT).agg(payments=pl.len().cast(pl.Int64), amount=left.sum())


def _transit_items(transit: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """In time, or overdue."""
    sign = pl.when(pl.col("credit_debit") == "CRDT").then(-1).otherwise(1)
    due = pl.col("execution_date")
    when = (
        pl.when(due < day)
        .then(pl.format("overdue: due {}; payments: {}", due, "payments"))
        .otherwise(pl.format("timing: due {}; payments: {}", due, "payments"))
    )
    is_payment = pl.col("credit_debit") == "CRDT"
    grouped = transit.group_by(_SENT).agg(pl.sum("payments", "amount"))
    return grouped.filter(pl.col("amount") != 0).select(
        *_KEYS, subject="submission_id", on="execution_date", amount=sign * pl.col("amount"),
        item=pl.when(is_payment).then(pl.lit(_IN_TRANSIT[1])).otherwise(pl.lit(_IN_TRANSIT[0])),
        what_it_is=pl.coalesce(when, pl.format("without a date; payments: {}", "payments")),
    )  # fmt: skip


def _statements(statements: pl.DataFrame, rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Gaps between the statements of an account, and statements whose entries do not lead to their closing balance."""
    chain = links(statements)
    gaps = chain.filter(pl.col("gap_minor") != 0).select(
        *_KEYS, subject=pl.format("{}/opening", "statement_id"), on="from_date", amount="gap_minor",
        item=pl.lit("statement missing"), what_it_is=pl.format("opens with another balance than {} closed with", "before_id"),
    )  # fmt: skip
    moved = rows.group_by(*_KEYS, "statement_id").agg(pl.sum("amount"))
    told = chain.join(moved, on=[*_KEYS, "statement_id"], how="left")
    off = pl.col("closing_minor") - pl.col("opening_minor") - pl.col("amount").fill_null(0)
    broken = told.with_columns(off=off).filter(pl.col("off") != 0).select(
        *_KEYS, subject=pl.format("{}/inside", "statement_id"), on="to_date", amount="off",
        item=pl.lit("statement does not add up"),
        what_it_is=pl.lit("its entries do not lead from its opening to its closing balance"),
    )  # fmt: skip
    return [gaps, broken]
