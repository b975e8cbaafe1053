"""The requested execution date is a date, not in the past and not too far in the future.

A past date is moved to the next business day with a warning, or rejected, as the client's profile says. A NACHA batch may
leave its effective entry date empty: the operator then settles on the next banking day.
"""

from __future__ import annotations

import datetime as dt

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, blank, day_said

_TEXT = "requested_execution_date_text"


def _past(context: Context) -> Check:
    rolls = context.client.execution_dates.past == "roll"
    told = "; the payment will be executed on the next business day" if rolls else ""
    return Check(
        _TEXT,
        pl.col("requested_execution_date") < context.today,
        day_said() + pl.lit(f" is before {context.today}, the day of receipt{told}"),
        "CH04",
        Severity.WARNING if rolls else Severity.ERROR,
        "Nothing, if that day is right; else recall the payment." if rolls else None,
    )


def _plainly(context: Context) -> str:
    """How a day is written in the file's format."""
    tomorrow = context.today + dt.timedelta(days=1)
    return (
        f"Give a day from today on; {tomorrow:%-d %B %Y} is written “{tomorrow.strftime(context.facts.date_format)}”."
    )


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    last = context.today + dt.timedelta(days=context.client.execution_dates.future_days_max)
    return payments.filter(~pl.col("requested_execution_date").is_between(context.today, last).fill_null(value=False))


def _checks(context: Context) -> tuple[Check, ...]:
    day = pl.col("requested_execution_date")
    last = context.today + dt.timedelta(days=context.client.execution_dates.future_days_max)
    date = day_said()
    missing = Check(_TEXT, blank(_TEXT), "Execution date is missing", "CH21", remedy=_plainly(context))
    needed = (missing,) if _TEXT in context.facts.required else ()
    return (
        *needed,
        Check(_TEXT, ~blank(_TEXT) & day.is_null(), date + pl.lit(" is not a date"), remedy=_plainly(context)),
        _past(context),
        Check(_TEXT, day > last, date + pl.lit(f" is after {last}, the last day that is taken"), "CH03"),
    )


RULE = ChecksRule(
    id="execution_date",
    reason="DT01",
    severity=Severity.ERROR,
    remedy="Give a day from today on that is not too far ahead.",
    sources=(
        "ISO 20022 PmtInf/ReqdExctnDt",
        "Nacha Operating Rules, Appendix Three: effective entry date",
        "the client's profile: execution_dates",
    ),
    checks=_checks,
    suspects=_suspects,
)
