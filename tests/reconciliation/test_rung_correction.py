"""Rung correction: the bank undoes what it booked, and moves nothing or books it anew."""

from __future__ import annotations

from reconciliation_world import book, entry, payment, states
from rung_world import BACK, NAMED, golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("correction")


def test_a_booking_taken_back_and_made_again_is_tied_to_its_payment():
    lines = [entry(1, **NAMED), entry(2, amount_minor=100, **BACK, **NAMED), entry(3, amount_minor=100, **NAMED)]
    found = run([payment(1)], lines)
    assert found.matches.select("entry_id", "kind", "rung").rows() == [
        ("N0001", "settlement", "correction"), ("N0002", "return", "correction"), ("N0003", "representation", "correction"),
    ]  # fmt: skip
    assert states(book(payment(1)), matches=found.matches)["state"].to_list() == ["settled"]
    twice = run([payment(1)], [*lines, entry(4, amount_minor=100, **NAMED)])
    assert twice.matches.is_empty()


def test_a_booking_of_a_wrong_amount_and_its_reversal_move_nothing():
    wrong = [
        entry(1, amount_minor=150, **NAMED),
        entry(2, amount_minor=150, credit_debit="CRDT", reversal=True, **NAMED),
    ]
    found = run([payment(1)], [*wrong, entry(3, amount_minor=100, **NAMED)])
    kinds = found.matches.select("entry_id", "kind").rows()
    assert kinds == [("N0001", "correction"), ("N0002", "correction"), ("N0003", "settlement")]
    assert run([payment(1)], [wrong[0], {**wrong[1], "amount_minor": 151}]).matches.is_empty()


def test_a_booking_that_names_another_payment_is_not_drawn_in_by_an_id_they_share():
    same = {"amount_minor": 100, "end_to_end_id": "RENT"}
    payments = [payment(1, **same), payment(2, **same)]
    lines = [entry(1, **same, **NAMED), entry(2, **same, **BACK, **NAMED), entry(3, **same, instruction_id="REF-2")]
    assert numbers(run(payments, lines)) == [(1, 1, "reference"), (2, 1, "return"), (3, 2, "reference")]
