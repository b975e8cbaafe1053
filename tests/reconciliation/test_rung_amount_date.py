"""Rung amount_date: amount and date alone, where a rule says so, and only once."""

from __future__ import annotations

from reconciliation_world import entry, payment
from rung_world import golden, numbers, run

from canonical.matching import RungRule


def test_golden_and_what_it_must_not_match():
    golden("amount_date")


def test_amount_and_date_alone_only_by_rule_and_only_once():
    by_rule = RungRule(rung="amount_date", minor_max=5, account="differences")
    line = entry(1, amount_minor=98)
    assert run([payment(1)], [line]).matches.is_empty()
    assert numbers(run([payment(1)], [line], None, by_rule)) == [(1, 1, "amount_date")]
    assert run([payment(1), payment(2, amount_minor=101)], [line], None, by_rule).matches.is_empty()
    assert run([payment(1)], [line, entry(2, amount_minor=101)], None, by_rule).matches.is_empty()
