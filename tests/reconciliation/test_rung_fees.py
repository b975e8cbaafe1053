"""Rung fees: the bank took or added its charge, which the entry tells."""

from __future__ import annotations

import pytest
from reconciliation_world import entry, payment
from rung_world import BACK, NAMED, PAID, golden, numbers, run


def test_golden_and_what_it_must_not_match():
    golden("fees")


@pytest.mark.parametrize(
    ("rung", "lines"),
    [
        ("return", [entry(1, **BACK, **NAMED)]),
        ("return_less_charges", [entry(1, **{**BACK, "amount_minor": 97, "charges_minor": 3}, **NAMED)]),
    ],
)
def test_what_comes_back_is_tied_to_its_original(rung, lines):
    found = run([payment(1)], lines, PAID)
    assert numbers(found) == [(1, 1, rung)]
    assert found.matches["kind"].to_list() == ["return"]
    assert run([payment(1)], lines).matches.is_empty(), "nothing was settled that could come back"


def test_a_return_less_charges_names_the_account_of_the_difference():
    found = run([payment(1)], [entry(1, **{**BACK, "amount_minor": 97, "charges_minor": 3}, **NAMED)], PAID).matches
    assert found.select("amount_minor", "entry_minor", "difference_account").rows() == [(100, 97, "fees:bank")]
