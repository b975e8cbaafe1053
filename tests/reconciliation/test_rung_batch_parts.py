"""Rung batch_parts: several entries book one submission."""

from __future__ import annotations

from reconciliation_world import entry, payment
from rung_world import golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("batch_parts")


def test_parts_of_single_payments_are_theirs_although_all_name_the_submission():
    named = [("REF-1", 60), ("REF-1", 40), ("REF-2", 150), ("REF-2", 50)]
    lines = [
        entry(n, batch_id="S1", instruction_id=reference, amount_minor=amount)
        for n, (reference, amount) in enumerate(reversed(named), 1)
    ]
    found = numbers(run([payment(1), payment(2)], lines))
    assert found == [(n, p, "several_entries") for n, p in ((1, 2), (2, 2), (3, 1), (4, 1))]
