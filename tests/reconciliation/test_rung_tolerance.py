"""Rung tolerance: a small difference, to the account that a rule names, after a wait."""

from __future__ import annotations

import datetime as dt

from reconciliation_world import DAY, entry, payment
from rung_world import NAMED, golden, run

from canonical.matching import RungRule

TOLERANT = RungRule(rung="tolerance", id="small-change", minor_max=2, account="differences", wait_days=2)


def test_golden_and_what_it_must_not_match():
    golden("tolerance")


def test_tolerance_posts_to_the_account_that_the_rule_names_and_waits():
    line = entry(1, amount_minor=98, **NAMED)
    assert run([payment(1)], [line]).matches.is_empty(), "no tolerance unless a rule gives one"
    found = run([payment(1)], [line], None, TOLERANT)
    assert found.matches.select("rung", "rule", "difference_account").rows() == [
        ("tolerance", "small-change", "differences")
    ]
    assert run([payment(1)], [entry(1, amount_minor=97, **NAMED)], None, TOLERANT).matches.is_empty()
    late = entry(1, amount_minor=98, value_date=DAY + dt.timedelta(9), **NAMED)
    assert run([payment(1)], [late], None, TOLERANT).matches.is_empty()
    assert run([payment(1)], [line], None, TOLERANT, day=DAY + dt.timedelta(1)).matches.is_empty()
    assert run([payment(1)], [line], None, TOLERANT, day=DAY + dt.timedelta(2)).matches.height == 1
