"""ABA check digits against python-stdnum."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from stdnum.us import rtn

from validators.aba import RULE, sums_right


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
