"""Rule mandate_use: however the file is cut, and by whom a mandate is used."""

from __future__ import annotations

import pytest

from validators.mandate_use import RULE

USE = {"credit_debit": "DBIT", "sequence_type": "OOFF", "mandate_id": "M-1", "creditor_scheme_id": "DE98ZZZ09999999999"}


@pytest.mark.parametrize("at", range(4))
def test_a_second_use_is_found_in_any_window(at, payments, context, window):
    frame, here = payments(USE, {**USE, "sequence_type": "RCUR"}, USE), context("pain.008")
    parts = [RULE.update(RULE.start(here), window(part), here) for part in (frame[:at], frame[at:])]
    told = RULE.finish(RULE.merge(*parts), here)
    assert told.select("row", "severity").rows() == [(3, "warning")]


@pytest.mark.parametrize("other", [{"mandate_id": "M-2"}, {"mandate_id": None}, {"creditor_scheme_id": "FR72ZZZ123456"},
                                   {"sequence_type": "RCUR"}, {"credit_debit": "CRDT"}])  # fmt: skip
def test_another_mandate_or_use_is_none(other, payments, context, window):
    here = context("pain.008")
    state = RULE.update(RULE.start(here), window(payments(USE, {**USE, **other})), here)
    assert RULE.finish(state, here).is_empty()
