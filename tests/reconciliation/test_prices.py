"""The bank's charges against its price list."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from pydantic import ValidationError
from reconciliation_world import ACCOUNT, DAY, book, claimed, entries, entry, payment, states

from canonical.frames import POSTINGS, empty
from canonical.profiles import Price, Prices
from reconciliation.ledger import postings
from reconciliation.prices import Terms, expected_fees, fee_breaks, fee_check

LIST = Prices.model_validate(
    {
        "tolerance_minor": {"EUR": 1},
        "positions": [
            {"name": "transfers", "currency": "EUR", "per": "payment", "amount_minor": 5},
            {"name": "files", "currency": "EUR", "per": "file", "amount_minor": 20},
            {"name": "returns", "currency": "EUR", "per": "return", "amount_minor": 150},
            {"name": "turnover", "currency": "EUR", "per": "amount", "basis_points": 25, "minimum_minor": 3},
        ],
    }
)


def checked_against(prices: Prices, *fees: int, last_close: dt.date | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Three payments in two files are booked, one of them comes back, and the bank charges `fees`."""
    frame = book(payment(1), payment(2), payment(3, submission_id="S2"), payment(4, submission_id="S3"))
    matches = claimed(
        ("N0001", "file-0001", "settlement", 100), ("N0002", "file-0002", "settlement", 200),
        ("N0003", "file-0003", "settlement", 300), ("N0009", "file-0001", "return", 100),
    )  # fmt: skip
    bank = entries(
        entry(1), entry(2), entry(3), entry(9, amount_minor=100, credit_debit="CRDT"),
        *(entry(10 + n, amount_minor=fee, sub_family="CHRG") for n, fee in enumerate(fees)),
    )  # fmt: skip
    now = states(frame, matches=matches)
    posted = postings(now, bank, matches, empty(POSTINGS), {ACCOUNT: "bank"}, DAY)
    positions = expected_fees(now, {"bank": prices}, DAY, last_close)
    return positions, fee_check(positions, posted, {"bank": prices}, DAY, last_close)


def test_golden_positions_and_what_the_bank_took():
    positions, found = checked_against(LIST, 200, 9)
    assert positions.select("position", "quantity", "price", "expected").rows() == [
        ("transfers", 3, "0.05 EUR a payment", 15), ("files", 2, "0.20 EUR a file", 40),
        ("returns", 1, "1.50 EUR a return", 150), ("turnover", 3, "25 basis points of the amount, at least 0.03", 3),
    ]  # fmt: skip
    assert found.rows() == [("bank", "EUR", DAY, DAY, 208, 209, 1, 1, "as agreed")]
    assert fee_breaks(found, DAY).is_empty()


@pytest.mark.parametrize(("charged", "verdict", "amount"), [(500, "above price", 292), (100, "below price", None)])
def test_only_what_is_above_the_price_is_a_break(charged, verdict, amount):
    _, found = checked_against(LIST, charged)
    assert found["verdict"].to_list() == [verdict]
    told = fee_breaks(found, DAY + dt.timedelta(days=3))
    assert told["amount_minor"].to_list() == ([amount] if amount else [])
    if amount:
        assert told.select("kind", "account", "age_days", "note").row(0) == (
            "fee_above_price", "bank", 3, "bank charged 5.00 EUR from 2026-03-10 to 2026-03-10, by its price list 2.08",
        )  # fmt: skip


def test_time_that_a_list_is_charged_for():
    monthly = {"positions": [{"name": "account", "currency": "EUR", "per": "month", "amount_minor": 900}]}
    month, after = (Prices.model_validate({**monthly, "charged": charged}) for charged in ("month", "next_month"))
    first, february = DAY.replace(day=1), dt.date(2026, 2, 1)
    assert Terms.of(month, DAY, None) == Terms((first, DAY), (first, DAY))
    assert Terms.of(after, DAY, None) == Terms((february, dt.date(2026, 2, 28)), (first, DAY))
    friday = DAY - dt.timedelta(days=4)
    assert Terms.of(LIST, DAY, friday).counted == (friday + dt.timedelta(days=1), DAY)
    _, found = checked_against(after, 900)
    assert found["verdict"].to_list() == ["as agreed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"positions": [{"name": "x", "currency": "EUR", "per": "amount"}]},
        {"positions": [{"name": "x", "currency": "EUR", "per": "payment", "basis_points": 3}]},
        {"positions": [{"name": "x", "currency": "EUR", "per": "month", "amount_minor": 3}]},
        {"positions": [{"name": "x", "currency": "EUR", "per": "payment", "amount_minor": 0.5}]},
        {"positions": []},
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        Prices.model_validate(wrong)


@settings(max_examples=examples(25))
@given(st.integers(1, 10**12), st.integers(1, 10_000), st.integers(0, 10**6))
def test_basis_points_are_whole_numbers_rounded_half_up(amount, points, least):
    price = Price(name="turnover", currency="EUR", per="amount", basis_points=points, minimum_minor=least)
    frame = book(payment(1, amount_minor=amount))
    now = states(frame, matches=claimed(("N0001", "file-0001", "settlement", amount)))
    found = expected_fees(now, {"bank": Prices(positions=(price,))}, DAY, None)["expected"].item()
    assert found == max(least, (2 * amount * points + 10_000) // 20_000)


def test_nothing_agreed_is_nothing_checked():
    positions = expected_fees(states(book()), {}, DAY, None)
    assert positions.is_empty()
    assert fee_check(positions, empty(POSTINGS), {}, DAY, None).is_empty()
