"""Rung correction: bookings of one payment that the bank took back, and booked again.

| bookings and take-backs that name one payment | becomes |
|---|---|
| of its amount, and one booking or none stands in the end | settlement, return, representation: each tied to the payment |
| of another amount, one each of the same amount | correction: both tied to the payment, nothing of it moves |

What does not come out even is left to the other rungs. A booking made twice that nobody took back is for a person.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._keys import hash_of, keys
from reconciliation._meet import Claims
from reconciliation._naming import named_payments
from reconciliation._rung import Case, Rung
from reconciliation._side import Side, beside
from reconciliation._sides import NAMES, opposite

_BANK: Final = ("amount_minor", "currency", "back", "value_date", "entry_id")
_BOOK: Final = ("amount_minor", "currency", "booked", "gone")


def _find(case: Case) -> Claims:
    backs = _as_booked(case.bank.filter("back"))
    told = named_payments(backs, case.book, case.words)
    if told.is_empty():
        return Claims.of()
    # Among all payments: an entry may share a client's repeated id with one that came back, and name another by its reference.
    kin = named_payments(_kin(case.bank.filter(~pl.col("back")), backs), case.book, case.words)
    forward = kin.join(told, on="p", how="semi")
    rows = beside(pl.concat([told, forward]), case.bank, case.book, _BANK, _BOOK).filter(
        pl.col("currency") == pl.col("currency_p")
    )
    own = pl.col("amount_minor") == pl.col("amount_minor_p")
    return Claims.of(pl.concat([_again(rows.filter(own)), _undone(rows.filter(~own))]))


def _again(rows: pl.DataFrame) -> pl.DataFrame:
    """Bookings of the payment's own amount, in order: what stood before counts as the first."""
    before, back_before = pl.col("booked_p") | pl.col("gone_p"), pl.col("gone_p")
    bookings = (~pl.col("back")).sum().over("p").cast(pl.Int64)
    backs = pl.col("back").sum().over("p").cast(pl.Int64)
    net = bookings + before.cast(pl.Int64) - backs - back_before.cast(pl.Int64)
    even = (bookings > 0) & (backs > 0) & (bookings + before.cast(pl.Int64) > 1) & net.is_in([0, 1])
    taken = rows.filter(even).sort("p", "back", "value_date", "entry_id", nulls_last=True)
    first = (pl.int_range(pl.len()).over("p", "back") == 0) & ~pl.col("back") & ~before
    kind = (
        pl.when("back")
        .then(pl.lit("return"))
        .when(first)
        .then(pl.lit("settlement"))
        .otherwise(pl.lit("representation"))
    )
    return taken.select("e", "p", amount_minor="amount_minor", entry_minor="amount_minor", kind=kind)


def _undone(rows: pl.DataFrame) -> pl.DataFrame:
    """A booking of another amount and its take-back, alone with that amount."""
    group = ["p", "amount_minor"]
    one_each = ((pl.col("back").sum() == 1) & ((~pl.col("back")).sum() == 1)).over(group)
    return rows.filter(one_each).select(
        "e", "p", amount_minor="amount_minor", entry_minor="amount_minor", kind=pl.lit("correction")
    )


def _kin(bank: Side, backs: Side) -> Side:
    """Entries that share a reference with one of those that bring money back."""
    shared = keys(backs, NAMES)["h"].unique().implode()
    told = [pl.col(hash_of(name)).is_in(shared).fill_null(value=False) for name in NAMES if bank.says(name)]
    return bank.filter(pl.any_horizontal(pl.lit(value=False), *told))


def _as_booked(backs: Side) -> Side:
    """On the side on which the payment was booked."""
    return backs.with_columns(credit_debit=opposite())


RUNG: Final = Rung("correction", 5, _find, stage="correction")
