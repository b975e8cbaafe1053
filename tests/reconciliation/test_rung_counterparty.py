"""Rung counterparty: the other side and the amount, where nobody else is meant."""

from __future__ import annotations

from reconciliation_world import entry, payment
from rung_world import BACK, NAMED, golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("counterparty")


def test_two_equal_payments_and_two_equal_entries_are_never_guessed():
    same = {"amount_minor": 100, "counterparty_name": "Alder and Sons"}
    payments = [payment(1, **same), payment(2, **same, end_to_end_id="E2E-2")]
    found = run(payments, [entry(1, **same), entry(2, **same)])
    assert found.matches.is_empty()
    assert found.suggestions.height == 2
    # One of them named: what is left of two equal ones is not thereby the other's.
    assert numbers(run(payments, [entry(1, **same, **NAMED), entry(2, **same)])) == [(1, 1, "reference")]


def test_what_comes_back_without_a_name_is_not_given_to_the_one_whose_booking_was_found():
    same = {"amount_minor": 100, "counterparty_name": "Alder and Sons"}
    payments = [payment(1, **same), payment(2, **same, end_to_end_id="E2E-2")]
    back = entry(2, **same, **BACK)
    assert numbers(run(payments, [entry(1, **same, **NAMED), back])) == [(1, 1, "reference")]
    assert numbers(run(payments[:1], [entry(1, **same, **NAMED), back])) == [(1, 1, "reference"), (2, 1, "return")]
