"""Rung batch: one entry books a whole submission, or brings it back."""

from __future__ import annotations

from reconciliation_world import claimed, entry, payment
from rung_world import golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("batch")


def test_a_whole_batch_that_is_reversed():
    earlier = claimed(("N0", "file-0001", "settlement", 100), ("N0", "file-0002", "settlement", 200))
    line = entry(9, amount_minor=300, credit_debit="CRDT", reversal=True, batch_id="S1")
    found = run([payment(1), payment(2)], [line], earlier)
    assert numbers(found) == [(9, 1, "return_batch"), (9, 2, "return_batch")]
    assert run([payment(1), payment(2)], [{**line, "amount_minor": 299}], earlier).matches.is_empty()


def test_the_message_may_name_the_submission_and_tell_how_many_it_books():
    payments = [*(payment(n) for n in (1, 2, 3)), payment(4, submission_id="S2")]
    found = run(payments, [entry(9, amount_minor=600, batch_count=3, message_id="S1")])
    assert numbers(found) == [(9, n, "batch") for n in (1, 2, 3)]
