"""Rung text: a word of free text is the reference, or what a pattern of the profile pulls out."""

from __future__ import annotations

from reconciliation_world import book, entries, entry, payment, states
from rung_world import golden, run

from canonical.frames import MATCHES, empty
from canonical.matching import ReconciliationRules, RungRule
from reconciliation.ladder import Terms, match


def test_golden_and_what_it_must_not_match():
    golden("text")


def test_rules_order_rungs_read_fields_and_patterns_by_account():
    pattern = RungRule(rung="text", id="kid", fields=("additional",), patterns=(r"KID:(\w+)",))
    line = entry(1, additional="paid KID:REF1X yesterday")
    one = payment(1, reference="REF1X")
    assert run([one], [line], None, RungRule(rung="reference")).matches.is_empty()
    assert run([one], [line], None, pattern).matches.select("rung", "rule").rows() == [("text", "kid")]
    assert run([one], [{**line, "additional": "KID:REF1"}], None, pattern).matches.is_empty()
    own = ReconciliationRules.model_validate({"accounts": {one["account"]: {"rungs": [{"rung": "batch"}]}}})
    frame = book(one)
    assert match(states(frame), entries(line), empty(MATCHES), Terms(rules={"bank": own})).matches.is_empty()
