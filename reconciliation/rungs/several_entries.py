"""Rung several_entries: a payment booked in parts. Every entry that names it is taken, and together they are its amount."""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._meet import Claims
from reconciliation._naming import named_payments
from reconciliation._rung import Case, Rung
from reconciliation._side import beside
from reconciliation._sides import NAMES


def _find(case: Case) -> Claims:
    named = named_payments(case.bank, case.book.filter("is_open"), case.words, case.rule.fields or NAMES)
    sides = beside(named, case.bank, case.book, ("amount_minor", "currency"), ("amount_minor", "currency"))
    same = (pl.col("currency") == pl.col("currency_p")).all()
    whole = pl.col("amount_minor").sum() == pl.col("amount_minor_p").first()
    parts = sides.filter(((pl.len() > 1) & same & whole & (pl.col("amount_minor") > 0).all()).over("p"))
    return Claims.of(parts.select("e", "p", amount_minor="amount_minor", entry_minor="amount_minor"))


RUNG: Final = Rung("several_entries", 60, _find)
