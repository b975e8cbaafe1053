"""The daily digest: what came in, where the money is, what is late or unknown, what waits for a person. One page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.contracts import Report, Sheet
from reconciliation import _tables, charts
from reconciliation.client_report import COLUMNS, FATES, in_known_currency
from reconciliation.frames import OPEN

NAME: Final = "digest"
ROWS_MAX: Final = 6
"""Of one table. The digest is one page; what is not on it is counted, and stands in the reports."""
NOBODY: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a digest is made of, as known when it is made.

    files: file_id, client, file (its name), state, received_on. states: STATES of every file up to that day. breaks: the open ones, with
    `owner`; None where the day does not tie, then `untied` says why. alerts: kind, subject, message, raised_at. days: day,
    state (closes that nobody has reviewed).
    """

    day: dt.date
    files: pl.DataFrame
    states: pl.DataFrame
    breaks: pl.DataFrame | None
    alerts: pl.DataFrame
    days: pl.DataFrame
    untied: str = ""


def digest(standing: Standing) -> Report:
    """Sheets: Files, Money, Late and unknown, Breaks by owner, Alerts, Closes to review; each of a few rows."""
    today = standing.states.join(standing.files.filter(pl.col("received_on") == standing.day), on="file_id", how="semi")
    late = late_and_unknown(standing)
    breaks = standing.breaks
    wanted: tuple[tuple[str, pl.DataFrame | None, str, dict[str, str]], ...] = (
        ("Files", files_in(standing), "Files that came in", {"payments": "number", "refused": "number"}),
        ("Money", money(today), "Their money by currency", {"payments": "number"} | dict.fromkeys(("amount", *COLUMNS), "balance")),
        ("Late and unknown", late, "Sent and without a last word", {"payments": "number", "amount": "balance", "since": "date"}),
        ("Breaks", None if breaks is None else by_owner(breaks), "Open breaks by owner and age", dict.fromkeys(_AGES, "number")),
        ("Alerts", standing.alerts, "Alerts that stand", {}),
        ("Closes", standing.days, "Closes that nobody has reviewed", {}),
    )  # fmt: skip
    sheets = tuple(_short(name, frame, title, kinds) for name, frame, title, kinds in wanted if frame is not None)
    facts = (
        ("Files in", f"{standing.files.filter(pl.col('received_on') == standing.day).height:,}"),
        ("Payments in", f"{today.height:,}"), ("Ties out", standing.untied or "yes"),
        ("Late", _count(late, "late")), ("Unknown", _count(late, "unknown")),
        ("Open breaks", "not known: the day does not tie" if breaks is None else f"{breaks.height:,}"),
        ("Alerts", f"{standing.alerts.height:,}"), ("Closes to review", f"{standing.days.height:,}"),
    )  # fmt: skip
    drawn = () if breaks is None else (charts.breaks_by_age(_tables.by_age(breaks)),)
    return Report(NAME, "Daily digest", standing.day, "all", facts, sheets, charts=(charts.by_state(today), *drawn))


def files_in(standing: Standing) -> pl.DataFrame:
    """The day's files: payments, and how many of them were refused; most payments first."""
    counted = standing.states.group_by("file_id").agg(
        pl.len().cast(pl.Int64).alias("payments"), refused=(pl.col("state") == "rejected").sum().cast(pl.Int64)
    )
    of_day = standing.files.filter(pl.col("received_on") == standing.day)
    rows = of_day.join(counted, on="file_id", how="left").with_columns(pl.col("payments", "refused").fill_null(0))
    return rows.sort(-pl.col("payments"), "file_id").select("client", "file", "state", "payments", "refused")


def money(states: pl.DataFrame) -> pl.DataFrame:
    """A row a currency: payments, their amount, and what became of it; most payments first."""
    column = pl.col("state").replace_strict({state: fate for state, (fate, _) in FATES.items()})
    amount = pl.col("amount_minor").fill_null(0)
    rows = states.group_by("currency").agg(
        pl.len().cast(pl.Int64).alias("payments"), amount.sum().alias("amount"),
        *(amount.filter(column == name).sum().alias(name) for name in COLUMNS),
    )  # fmt: skip
    return rows.sort(-pl.col("payments"), "currency").with_columns(in_known_currency("amount", *COLUMNS))


def late_and_unknown(standing: Standing) -> pl.DataFrame:
    """Payments that a provider has and that are past their day, or of which nobody knows whether it has them."""
    is_unknown = pl.col("state") == "submitted_unknown"
    is_late = pl.col("execution_date") < standing.day
    rows = standing.states.filter(pl.col("state").is_in(OPEN) & (is_unknown | is_late))
    told = rows.with_columns(what=pl.when(is_unknown).then(pl.lit("unknown")).otherwise(pl.lit("late")))
    table = told.group_by("what", "provider", "currency").agg(
        payments=pl.len().cast(pl.Int64), amount=pl.col("amount_minor").sum(), since=pl.col("execution_date").min()
    )
    return table.sort("what", "provider", "currency", descending=[True, False, False])


_AGES: Final = (*(name for _, name in _tables.AGES), _tables.OLDEST)


def by_owner(breaks: pl.DataFrame) -> pl.DataFrame:
    """Breaks counted by owner, a column an age; those of nobody first, then who has the oldest."""
    owner = pl.when(pl.col("owner").fill_null("") == "").then(pl.lit(NOBODY)).otherwise("owner")
    aged = breaks.select(owner.alias("owner"), age=_tables.bucket(), age_days="age_days")
    rows = aged.group_by("owner").agg(
        *((pl.col("age") == name).sum().cast(pl.Int64).alias(name) for name in _AGES), oldest=pl.col("age_days").max()
    )
    return rows.sort(pl.col("owner") != NOBODY, -pl.col("oldest"), "owner").drop("oldest")


def _count(table: pl.DataFrame, what: str) -> str:
    return f"{table.filter(pl.col('what') == what)['payments'].sum():,}"


def _short(name: str, frame: pl.DataFrame, title: str, kinds: dict[str, str]) -> Sheet:
    more = frame.height - ROWS_MAX
    told = f"{title} (the first {ROWS_MAX} of {frame.height})" if more > 0 else title
    return Sheet(name, frame.head(ROWS_MAX), kinds, told)
