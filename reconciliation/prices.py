"""The bank's charges against its price list: what was agreed, what it took, and the difference.

What the list says is counted from payments that were booked (value date), submissions whose first payment was, and payments
that came back, in the time that the list is charged for. What the bank took is what stands on its fees account for that time:
charges booked as entries, and fees that it took from amounts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.money import format_minor
from canonical.profiles import Price, Prices
from reconciliation._aging import aged
from reconciliation.frames import BOOKED

_WHOLE: Final = 10_000
POSITIONS: Final = {
    "provider": pl.String, "currency": pl.String, "position": pl.String, "from_day": pl.Date, "to_day": pl.Date,
    "quantity": pl.Int64, "price": pl.String, "expected": pl.Int64,
}  # fmt: skip
"""Schema of `expected_fees`: one row a position of a price list."""
CHECKED: Final = {
    "provider": pl.String, "currency": pl.String, "from_day": pl.Date, "to_day": pl.Date, "expected": pl.Int64,
    "charged": pl.Int64, "difference": pl.Int64, "tolerance": pl.Int64, "verdict": pl.String,
}  # fmt: skip
"""Schema of `fee_check`: one row a provider and currency. Minor units; difference is charged less expected."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is counted and what is charged, each from one day to another, both included."""

    counted: tuple[dt.date, dt.date]
    charged: tuple[dt.date, dt.date]

    @classmethod
    def of(cls, prices: Prices, day: dt.date, last_close: dt.date | None) -> Terms:
        """Of a price list on the close of a day. Without a close before, a list of the day begins with that day."""
        first = day.replace(day=1)
        if prices.charged == "month":
            return cls((first, day), (first, day))
        if prices.charged == "next_month":
            last = first - dt.timedelta(days=1)
            return cls((last.replace(day=1), last), (first, day))
        since = day if last_close is None else last_close + dt.timedelta(days=1)
        return cls((since, day), (since, day))


def expected_fees(
    states: pl.DataFrame, prices: Mapping[str, Prices], day: dt.date, last_close: dt.date | None
) -> pl.DataFrame:
    """POSITIONS of every price list: how often each was called for, and what it comes to (rounded half up).

    Args:
        states: STATES.
        prices: provider_id → its price list.
        day: business date of the close.
        last_close: day of the close before, None where there was none.
    """
    rows = []
    for provider, agreed in sorted(prices.items()):
        terms = Terms.of(agreed, day, last_close)
        own = states.filter((pl.col("provider") == provider) & pl.col("state").is_in(BOOKED))
        for price in agreed.positions:
            quantity, minor = _quantity(own.filter(pl.col("currency") == price.currency), price, *terms.counted)
            rows.append((provider, price.currency, price.name, *terms.counted, quantity, price.in_words, minor))
    return pl.DataFrame(rows, schema=POSITIONS, orient="row")


def fee_check(
    positions: pl.DataFrame,
    posted: pl.DataFrame,
    prices: Mapping[str, Prices],
    day: dt.date,
    last_close: dt.date | None,
) -> pl.DataFrame:
    """CHECKED: what the positions come to against what stands on the fees account of each provider for the same time.

    Args:
        positions: of `expected_fees`.
        posted: POSTINGS on the fees accounts.
        prices: as there.
        day: as there.
        last_close: as there.
    """
    summed = positions.group_by("provider", "currency").agg(pl.sum("expected"))
    wanted = {(provider, currency): minor for provider, currency, minor in summed.iter_rows()}
    rows = []
    for provider, agreed in sorted(prices.items()):
        start, end = Terms.of(agreed, day, last_close).charged
        taken = _charged(posted, provider, start, end)
        for currency in sorted({*taken, *(key[1] for key in wanted if key[0] == provider)}):
            expected, charged = wanted.get((provider, currency), 0), taken.get(currency, 0)
            tolerance = agreed.tolerance_minor.get(currency, 0)
            verdict = _verdict(charged - expected, tolerance)
            rows.append((provider, currency, start, end, expected, charged, charged - expected, tolerance, verdict))
    return pl.DataFrame(rows, schema=CHECKED, orient="row")


def fee_breaks(fees: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """BREAKS of kind fee_above_price, of `fee_check`: one a provider, currency and time that is charged for.

    Its side is the bank, its subject provider/currency/first day, its amount what was charged above the list.
    """
    above = fees.filter(pl.col("verdict") == "above price")
    rows = above.select(
        "currency",
        account="provider",
        kind=pl.lit("fee_above_price"),
        side=pl.lit("bank"),
        subject=pl.format("{}/{}/{}", "provider", "currency", "from_day"),
        amount_minor="difference",
        credit_debit=pl.lit("DBIT"),
        since=pl.min_horizontal("to_day", pl.lit(day)),
        note=pl.Series([_in_words(row) for row in above.iter_rows(named=True)], dtype=pl.String),
    )
    return aged(rows, day)


def _in_words(row: Mapping[str, object]) -> str:
    currency = str(row["currency"])
    charged, expected = (format_minor(int(str(row[name])), currency) for name in ("charged", "expected"))
    return f"{row['provider']} charged {charged} {currency} from {row['from_day']} to {row['to_day']}, by its price list {expected}"


def _quantity(booked: pl.DataFrame, price: Price, start: dt.date, end: dt.date) -> tuple[int, int]:
    """How often a position was called for, and what that costs in minor units."""
    in_time = booked.filter(pl.col("value_date").is_between(start, end))
    if price.per == "amount":
        moved = int(in_time.select(pl.col("amount_minor").cast(pl.Int128).sum()).item())
        charge, quantity = (moved * price.basis_points + _WHOLE // 2) // _WHOLE, in_time.height
    else:
        quantity = {
            "payment": in_time.height,
            "file": booked.group_by("submission_id").agg(pl.min("value_date")).filter(
                pl.col("value_date").is_between(start, end)
            ).height,
            "return": booked.filter((pl.col("state") == "returned") & pl.col("returned_on").is_between(start, end)).height,
            "month": 1,
        }[price.per]  # fmt: skip
        charge = quantity * price.amount_minor
    return quantity, max(charge, price.minimum_minor if quantity else 0)


def _charged(posted: pl.DataFrame, provider: str, start: dt.date, end: dt.date) -> dict[str, int]:
    """Currency → what the fees account of a provider took in those days."""
    account = f"fees:{provider}"
    signed = pl.when(pl.col("debit_account") == account).then("amount_minor").otherwise(-pl.col("amount_minor"))
    rows = posted.filter(
        ((pl.col("debit_account") == account) | (pl.col("credit_account") == account))
        & pl.col("day").is_between(start, end)
    )
    return dict(rows.group_by("currency").agg(signed.sum()).iter_rows())


def _verdict(difference: int, tolerance: int) -> str:
    if abs(difference) <= tolerance:
        return "as agreed"
    return "above price" if difference > 0 else "below price"
