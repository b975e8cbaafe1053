"""ABA check digits against python-stdnum."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from stdnum.us import rtn

from validators.aba import RULE, sums_right
from validators.sort_code import RULE as SORT_CODE


@given(st.lists(st.from_regex(r"\A[0-9]{9}\Z"), min_size=1))
def test_they_agree_with_stdnum(numbers):
    frame = pl.DataFrame({"number": numbers}, schema={"number": pl.String})
    ours = frame.select(sums_right(pl.col("number"))).to_series().to_list()
    assert ours == [rtn.is_valid(number) for number in numbers]


def test_what_is_no_nine_digits_is_not_judged():
    frame = pl.DataFrame({"number": ["02100002", "0210000210", "O21000021", "", None]})
    assert frame.select(sums_right(pl.col("number"))).to_series().to_list() == [None] * 5


def test_only_dollars_outside_nacha(payments, context):
    frame = payments({"creditor_agent": "021000012", "currency": "USD"}, {"creditor_agent": "021000012"})
    assert RULE.findings(frame, context("pain.001"))["row"].to_list() == [1]


def test_zeros_are_no_bank(payments, context):
    frame = payments(
        {"creditor_agent": "000000000", "currency": "USD"},
        {"creditor_agent": "021000021", "currency": "USD"},
        {"creditor_agent": "000000000", "currency": "EUR"},
    )
    for format_ in ("nacha", "pain.001"):
        found = RULE.findings(frame, context(format_))
        assert found["row"].to_list()[0] == 1
        assert "no bank has it" in found["message"][0]
    assert found.height == 1


def test_zeros_are_no_sort_code(payments, context):
    frame = payments(
        {"creditor_agent": "000000", "creditor_account": "12345678", "currency": "GBP"},
        {"creditor_agent": "200000", "creditor_account": "55779911", "currency": "GBP"},
    )
    found = SORT_CODE.findings(frame, context("csv")).filter(field="creditor_agent")
    assert found["row"].to_list() == [1]
    assert "no bank has it" in found["message"][0]
