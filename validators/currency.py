"""The currency is one of ISO 4217, still in use on the execution date, and one the client agreed to pay in."""

from __future__ import annotations

from functools import lru_cache

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.currencies import CURRENCIES
from validators._row import Check, ChecksRule, Suspects, blank, quoted, where_values


def _last_day(code: pl.Expr) -> pl.Expr:
    retired = {item.code: item.until for item in CURRENCIES.values() if item.until is not None}
    return code.replace_strict(list(retired), list(retired.values()), default=None, return_dtype=pl.Date)


@lru_cache(maxsize=64)
def _odd(agreed: tuple[str, ...]) -> Suspects:
    in_use = {item.code for item in CURRENCIES.values() if item.until is None}
    taken = in_use & set(agreed) if agreed else in_use
    return where_values("currency", broken=lambda code: ~code.is_in(taken))


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    return _odd(context.client.currencies)(payments, context)


def _checks(context: Context) -> tuple[Check, ...]:
    code = pl.col("currency")
    known = code.is_in(list(CURRENCIES))
    day = pl.max_horizontal(pl.lit(context.today), pl.col("requested_execution_date"))
    last_day = _last_day(code)
    name = pl.lit("Currency ") + quoted("currency")
    unknown = Check(
        "currency", ~blank("currency") & ~known, name + pl.lit(" is no currency of ISO 4217 that can be paid in")
    )
    retired = Check(
        "currency", last_day < day, name + pl.lit(" is no longer in use; its last day was ") + last_day.cast(pl.String)
    )
    if not context.client.currencies:
        return unknown, retired
    agreed = sorted(context.client.currencies)
    refused = Check(
        "currency",
        known & ~code.is_in(agreed),
        name + pl.lit(" is not agreed for this client"),
        "AM03",
        remedy=f"Pay in {', '.join(agreed)}, or have the agreement extended.",
    )
    return unknown, retired, refused


RULE = ChecksRule(
    id="currency",
    reason="AM11",
    severity=Severity.ERROR,
    remedy="Give the three-letter code of a currency in use, in capitals, such as EUR or USD.",
    sources=(
        "ISO 4217, list one and list three",
        "ISO 20022 ActiveOrHistoricCurrencyCode",
        "the client's profile: currencies",
    ),
    checks=_checks,
    suspects=_suspects,
)
