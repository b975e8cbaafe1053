"""Return rates by client: what is counted, over which days, and that a rate above the bound is never rounded down to it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from reconciliation_world import DAY, book, payment, states

from canonical.profiles import ReturnRate
from reconciliation.return_rates import return_rates

UNAUTHORIZED = ReturnRate(name="unauthorized", reasons=("R10", "R29"), basis_points_max=50)
OVERALL = ReturnRate(name="overall", basis_points_max=1500)


def debit(number: int, **given: object) -> dict[str, object]:
    return payment(number, credit_debit="DBIT", **given)


def told(*rows: tuple[int, str, int]) -> pl.DataFrame:
    """Returns from (payment, reason, days before DAY)."""
    schema = {"payment_id": pl.String, "reason": pl.String, "received_on": pl.Date}
    named = [(f"file-{number:04d}", reason, DAY - dt.timedelta(days=days)) for number, reason, days in rows]
    return pl.DataFrame(named, schema=schema, orient="row")


def test_only_collections_count_by_client_and_reason() -> None:
    known = states(book(debit(1), debit(2), debit(3), payment(4), debit(5, client="other")))
    returns = told((1, "R10", 0), (2, "R01", 0), (4, "R10", 0))
    assert return_rates(known, returns, UNAUTHORIZED, DAY).rows() == [("acme", 3, 1, 3334), ("other", 1, 0, 0)]
    assert return_rates(known, returns, OVERALL, DAY).rows() == [("acme", 3, 2, 6667), ("other", 1, 0, 0)]


def test_what_lies_before_the_days_does_not_count() -> None:
    old = DAY - dt.timedelta(days=61)
    known = states(book(debit(1), debit(2, submitted_on=old)))
    assert return_rates(known, told((1, "R10", 61)), OVERALL, DAY).rows() == [("acme", 1, 0, 0)]
    # One of an earlier time that comes back now counts among the returns.
    assert return_rates(known, told((2, "R10", 3)), OVERALL, DAY).rows() == [("acme", 1, 1, 10_000)]


def test_a_payment_comes_back_once() -> None:
    known = states(book(debit(1), debit(2)))
    assert return_rates(known, told((1, "R10", 0), (1, "R10", 1)), OVERALL, DAY).rows() == [("acme", 2, 1, 5000)]


def test_nothing_sent_has_no_rate() -> None:
    assert return_rates(states(book(payment(1))), told(), OVERALL, DAY).is_empty()


@given(st.integers(1, 300), st.data())
def test_a_rate_above_a_bound_shows_above_it(sent: int, data: st.DataObject) -> None:
    back = data.draw(st.integers(0, sent))
    known = states(book(*(debit(number) for number in range(1, sent + 1))))
    [(_, _, _, points)] = return_rates(known, told(*((n, "R10", 0) for n in range(1, back + 1))), OVERALL, DAY).rows()
    exact = Fraction(back * 10_000, sent)
    assert exact <= points < exact + 1
