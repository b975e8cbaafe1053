"""The requested execution date is a business day of its currency's calendar; on any other day the payment moves to the next.

Euro by TARGET, dollars by the Federal Reserve, pounds by the bank holidays of England, francs by SIC. Instant payments move on
every day. A warning: nothing is lost but the day, which is told.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Final

import polars as pl

from canonical.calendars import is_business_day, next_business_day
from canonical.codes import Severity
from canonical.contracts import Context
from validators._matrix import constant
from validators._row import Check, ChecksRule, day_said

_TEXT: Final = "requested_execution_date_text"
_DAY: Final = "requested_execution_date"
CALENDARS: Final = {"EUR": "target", "USD": "fed", "GBP": "uk", "CHF": "swiss"}
"""Currency → calendar of `canonical.calendars`."""
_NAMES: Final = {"EUR": "TARGET", "USD": "Federal Reserve", "GBP": "UK", "CHF": "SIC"}


@lru_cache(maxsize=1024)
def _closed(day: dt.date) -> tuple[tuple[str, dt.date, dt.date], ...]:
    """Currency, day, and the next open one, for the calendars that the day closes."""
    return tuple(
        (currency, day, next_business_day(calendar, day))
        for currency, calendar in CALENDARS.items()
        if not is_business_day(calendar, day)
    )


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    held = payments[_DAY]
    days = held[:1] if constant(held) else held.drop_nulls().unique().sort()
    rows = [row for day in days if day >= context.today for row in _closed(day)]
    if not rows:
        return payments.clear()
    closed = pl.DataFrame(rows, {"currency": pl.String, _DAY: pl.Date, "open_day": pl.Date}, orient="row")
    return payments.join(closed, on=["currency", _DAY], how="inner", maintain_order="left")


def _checks(_: Context) -> tuple[Check, ...]:
    instant = pl.col("local_instrument").eq_missing("INST") | pl.col("service_level").eq_missing("INST")
    calendar = pl.col("currency").replace_strict(_NAMES, default=None, return_dtype=pl.String)
    moved = pl.format(
        "{} is no {} business day for {}; it moves to {}", day_said(), calendar, pl.col("currency"), pl.col("open_day")
    )
    return (Check(_TEXT, ~instant, moved),)


RULE = ChecksRule(
    id="business_day",
    reason="DT01",
    severity=Severity.WARNING,
    remedy="Nothing, if that day is right; else give the business day before.",
    sources=(
        "ECB, TARGET closing days",
        "Federal Reserve Bank holiday schedule",
        "Banking and Financial Dealings Act 1971, and proclamations of single years",
        "SIX Interbank Clearing, SIC holiday calendar",
    ),
    checks=_checks,
    suspects=_suspects,
)
