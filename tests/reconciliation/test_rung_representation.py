"""Rung representation: a payment that came back is booked again."""

from __future__ import annotations

import polars as pl
from reconciliation_world import book, claimed, entry, payment, states
from rung_world import NAMED, PAID, golden, run


def test_golden_and_what_it_must_not_match():
    golden("representation")


def test_a_payment_that_came_back_is_booked_again():
    earlier = claimed(("N0", "file-0001", "settlement", 100), ("N00", "file-0001", "return", 100))
    found = run([payment(1)], [entry(1, **NAMED)], earlier)
    assert found.matches.select("rung", "kind").rows() == [("representation", "representation")]
    now = states(book(payment(1)), matches=pl.concat([earlier, found.matches]))
    assert now["state"].to_list() == ["settled"]
    assert run([payment(1)], [entry(1, **NAMED)], PAID).matches.is_empty(), "booked twice and never taken back"
