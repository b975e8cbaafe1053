"""Rung fx: another currency was booked, by a rate or amount that the entry tells."""

from __future__ import annotations

import polars as pl
from reconciliation_world import entry, payment
from rung_world import BACK, NAMED, PAID, golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("fx")


def test_fx_comes_back():
    paid = PAID.with_columns(currency=pl.lit("USD"))
    line = entry(
        1, **{**BACK, "amount_minor": 92, "instructed_amount_text": "1.00", "instructed_currency": "USD"}, **NAMED
    )
    found = run([payment(1, currency="USD")], [line], paid)
    assert numbers(found) == [(1, 1, "return_fx")]
    assert found.matches.select("currency", "entry_currency", "difference_account").rows() == [("USD", "EUR", "fx")]
    assert run([payment(1, currency="USD")], [{**line, "instructed_amount_text": "1.01"}], paid).matches.is_empty()
