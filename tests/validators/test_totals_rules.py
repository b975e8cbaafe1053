"""Control totals: what a difference proves, and what it does not."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.contracts import Fallen
from canonical.frames import FINDINGS, TOTALS, conform, empty
from canonical.plugins import discover
from validators._totals import notation
from validators.control_sum import RULE as SUM
from validators.transaction_count import RULE as COUNT

COUNTED = {"field": "GrpHdr/NbOfTxs", "measure": "count"}
SUMMED = {"field": "GrpHdr/CtrlSum", "measure": "sum"}


def test_a_sum_over_unreadable_amounts_is_only_doubted(payments, totals, context, window):
    declared = totals({**SUMMED, "declared_text": "30.00", "declared": 3_000_000})
    state = SUM.update(SUM.start(context()), window(payments({}, {"amount_text": "2O.00"}), declared), context())
    told = SUM.finish(state, context())
    assert told["severity"].to_list() == ["warning"]
    assert "could not be checked: 1 of its amounts could not be read" in told["message"][0]


def test_unreadable_rows_count_for_the_file(payments, totals, context, window):
    declared = totals(
        {**COUNTED, "declared_text": "3", "declared": 3},
        {**SUMMED, "declared_text": "30.00", "declared": 3_000_000},
    )
    here = window(payments({}, {}), declared, unreadable=1)
    assert COUNT.finish(COUNT.update(COUNT.start(context()), here, context()), context()).is_empty()
    told = SUM.finish(SUM.update(SUM.start(context()), here, context()), context())
    assert told["severity"].to_list() == ["warning"]


def test_a_file_that_broke_off_proves_nothing(payments, totals, context, window):
    declared = totals({**COUNTED, "declared_text": "9", "declared": 9})
    fatal = {"rule": "x", "reason": "FF02", "severity": "fatal", "level": "file", "message": "m", "remedy": "r"}
    here = window(payments({}), declared)
    here = type(here)(None, here.payments, here.totals, conform(pl.DataFrame([fatal]), FINDINGS))
    told = COUNT.finish(COUNT.update(COUNT.start(context()), here, context()), context())
    assert told["severity"].to_list() == ["warning"]
    assert "not be read to its end" in told["message"][0]


def test_sums_do_not_wrap(payments, totals, context, window):
    largest = payments(*[{"amount_text": "1000000000000", "currency": "JPY"}] * 200)
    declared = totals({**SUMMED, "declared_text": "1", "declared": 100_000})
    told = SUM.finish(SUM.update(SUM.start(context()), window(largest, declared), context()), context())
    assert "the file has 200000000000000 " in told["message"][0]


@pytest.mark.parametrize(
    ("number", "text", "measure", "expected"),
    [
        (1_150_000, "10.00", "sum", "11.50"),
        (1_150_000, "10", "sum", "11.5"),
        (1_100_000, "10", "sum", "11"),
        (1_123_456, "10,0", "sum", "11,23456"),
        (1150, "000000001000", "debit_sum", "11.50 USD"),
        (7, "6", "count", "7"),
    ],
)
def test_figures_are_shown_as_the_client_writes_them(number, text, measure, expected):
    assert notation(number, {"declared_text": text, "measure": measure}, "USD") == expected


def test_sums_in_minor_units_are_told_as_amounts(payments, totals, context, window):
    at = {"field": "file control: total credit amount", "measure": "credit_sum"}
    declared = totals({**at, "declared_text": "000000001050", "declared": 1050, "found": 1000})
    state = SUM.update(SUM.start(context("nacha")), window(payments({}), declared), context("nacha"))
    told = SUM.finish(state, context("nacha")).row(0, named=True)
    assert told["message"] == (
        "file control: total credit amount says 10.50 USD, the file has 10.00 USD (0.50 USD less)"
    )
    assert told["value"] == "000000001050"


ROW = st.tuples(
    st.integers(1, 3), st.sampled_from(["EUR", "JPY", "TND", "XXX"]), st.sampled_from(["1", "2.5", "x", "70"])
)


@pytest.mark.parametrize("name", [name for name, rule in discover("validators", "RULE").items() if rule.kind != "row"])
@given(rows=st.lists(ROW, min_size=1, max_size=12), cut=st.integers(0, 12), declared=st.integers(0, 12))
def test_parts_that_are_merged_are_the_whole(  # noqa: PLR0917  fixtures
    name, rows, cut, declared, payments, totals, context, window
):
    rule, told = discover("validators", "RULE")[name], context()
    frame = payments(
        *[{"batch": b, "currency": c, "amount_text": a, "end_to_end_id": a + c} for b, c, a in sorted(rows)]
    )
    total = totals(
        {**COUNTED, "declared_text": str(declared), "declared": declared},
        {**SUMMED, "declared_text": str(declared), "declared": declared * 100_000},
    )
    last = (Fallen(),) if rule.kind == "last" else ()
    whole = rule.finish(rule.update(rule.start(told), window(frame, total), told), told, *last)
    left = rule.update(rule.start(told), window(frame[:cut]), told)
    right = rule.update(rule.start(told), window(frame[cut:], total), told)
    assert rule.finish(rule.merge(left, right), told, *last).equals(whole)
    one_after_the_other = rule.update(left, window(frame[cut:], total), told)
    assert rule.finish(one_after_the_other, told, *last).equals(whole)


def test_nothing_declared_is_nothing_found(payments, context, window):
    assert empty(TOTALS).is_empty()
    assert COUNT.finish(COUNT.update(COUNT.start(context()), window(payments({})), context()), context()).is_empty()
