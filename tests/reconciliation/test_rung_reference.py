"""Rung reference: the entry bears our reference."""

from __future__ import annotations

from reconciliation_world import entry, payment
from rung_world import golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("reference")


def test_each_field_may_bear_our_reference_or_the_payments_id():
    named = [
        (name, own)
        for name in ("instruction_id", "transaction_id", "servicer_reference")
        for own in ("REF-{}", "file-{:04d}")
    ]
    lines = [entry(n, **{name: own.format(n)}) for n, (name, own) in enumerate(named, 1)]
    found = run([payment(n) for n in range(1, 7)], lines)
    assert numbers(found) == [(n, n, "reference") for n in range(1, 7)]
