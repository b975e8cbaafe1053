"""Digest: the day on one page, of what registry and lake know at this moment. It is written whatever is wrong with the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from canonical.contracts import Report
from canonical.counts import count_of
from canonical.errors import NotTied
from gateway.books.book import states_of
from gateway.books.closes import day_of
from gateway.books.settle import position_of_everything
from gateway.breaks.breaks import breaks_of, open_breaks
from gateway.composition import Gateway
from gateway.feedback.alerts import open_alerts
from gateway.registry import tables as t
from gateway.reports.report_files import write_reports
from reconciliation.digest import Standing, digest


def daily_digest(gateway: Gateway, day: str) -> Report:
    """The digest of a day. Raises ConfigError: not a day."""
    until = day_of(day)
    rows = gateway.registry.rows(t.FILES, t.FILES.c.received_on <= until.isoformat(), order=t.FILES.c.received_at)
    breaks, untied = _breaks(gateway, until)
    return digest(Standing(
        day=until, files=_files(rows), states=states_of(gateway, [row["file_id"] for row in rows]), breaks=breaks,
        alerts=_alerts(gateway), days=_days(gateway, until), untied=untied,
    ))  # fmt: skip


def write_digest(gateway: Gateway, day: str) -> list[str]:
    """Write it in every report format below `reports/`; the keys."""
    return write_reports(gateway, daily_digest(gateway, day))


def _breaks(gateway: Gateway, until: dt.date) -> tuple[pl.DataFrame | None, str]:
    """WORKED, the open breaks with their owner; none, and why, where the day does not tie: that is what a digest is there to tell."""
    try:
        found = position_of_everything(gateway, until)
    except NotTied as fault:
        return None, f"NO: {count_of(len(fault.rows), 'row')} out; `bulkrail settle {until}` names them"
    return open_breaks(gateway, breaks_of(gateway, found, until), found, until), ""


def _files(rows: list[Mapping[str, Any]]) -> pl.DataFrame:
    schema = dict.fromkeys(("file_id", "client", "file", "state", "received_on"), pl.String)
    names = {"client": "client_id", "file": "name"}
    known = [{name: row[names.get(name, name)] for name in schema} for row in rows]
    return pl.DataFrame(known, schema=schema).with_columns(pl.col("received_on").str.to_date("%Y-%m-%d"))


def _alerts(gateway: Gateway) -> pl.DataFrame:
    schema = dict.fromkeys(("kind", "subject", "message", "raised_at"), pl.String)
    rows = [{name: row[name] for name in schema} for row in open_alerts(gateway)]
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col("raised_at").str.head(16))


def _days(gateway: Gateway, until: dt.date) -> pl.DataFrame:
    """Days that were prepared, up to this one, and that nobody has reviewed."""
    schema = dict.fromkeys(("day", "state", "prepared_by", "reason"), pl.String)
    waiting = t.DAYS.c.state.in_(["open", "prepared"])
    rows = gateway.registry.rows(t.DAYS, t.DAYS.c.day <= until.isoformat(), waiting)
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)
