"""Rung amount_date: amount and date alone, where a rule says so, and only once."""

from __future__ import annotations

import pytest
from reconciliation_world import book, entries, entry, payment, states
from rung_world import golden, numbers, run

from canonical.frames import MATCHES, empty
from canonical.matching import ReconciliationRules, RungRule
from reconciliation.ladder import Terms, match


def test_golden_and_what_it_must_not_match():
    golden("amount_date")


def test_amount_and_date_alone_only_by_rule_and_only_once():
    by_rule = RungRule(rung="amount_date", minor_max=5, account="differences")
    line = entry(1, amount_minor=98)
    assert run([payment(1)], [line]).matches.is_empty()
    assert numbers(run([payment(1)], [line], None, by_rule)) == [(1, 1, "amount_date")]
    assert run([payment(1), payment(2, amount_minor=101)], [line], None, by_rule).matches.is_empty()
    assert run([payment(1)], [line, entry(2, amount_minor=101)], None, by_rule).matches.is_empty()


@pytest.mark.parametrize(
    ("named", "expected"), [(None, [(1, 1, "amount_date")]), ("S1", [(1, 1, "amount_date")]), ("S2", [])]
)
def test_an_entry_that_names_a_submission_of_an_account_under_other_rules_is_none_of_this_ones(named, expected):
    """Accounts are matched apart where their rules differ; what the entry names is looked up among all submissions all the same."""
    other = "DE02120300000000202051"
    payments = [payment(1), payment(2, amount_minor=100, account=other, submission_id="S2")]
    rules = {
        "accounts": {
            payments[0]["account"]: {"rungs": [{"rung": "amount_date"}]},
            other: {"rungs": [{"rung": "reference"}]},
        }
    }
    terms = Terms(rules={"bank": ReconciliationRules.model_validate(rules)})
    frame = book(*payments)
    found = match(states(frame), entries(entry(1, batch_id=named)), empty(MATCHES), terms)
    assert numbers(found) == expected
