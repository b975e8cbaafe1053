"""The ledger of a scope (a provider, or all) as registry and lake hold it: journals there, payment by payment here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.errors import FrameBroken
from canonical.frames import POSTINGS, empty
from canonical.limits import MAPPED_ROWS
from gateway.composition import Gateway
from gateway.listed import listed
from gateway.registry import tables as t
from reconciliation.balances import MOVED, added, moved
from reconciliation.frames import JOURNALS
from reconciliation.journals import balances, unlike

EVERYTHING: Final = "all"
"""Scope of the books over all providers, and over the payments that went to none."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """POSTINGS of a scope by the day they were closed on: before a day, on it, and after it.

    `run`: the number of the next run. `last_before`: that of the last run for a day before, None where there was none.
    """

    before: pl.DataFrame
    today: pl.DataFrame
    later: pl.DataFrame
    run: int
    last_before: int | None

    @property
    def whole(self) -> pl.DataFrame:
        """All postings that were ever made."""
        return pl.concat([self.before, self.today, self.later])


def close_subject(scope: str, day: str, revision: int) -> str:
    """Under which a close stands in the lake."""
    return f"close-{scope}-{day}-{revision}"


def runs(gateway: Gateway, scope: str) -> list[Mapping[str, Any]]:
    """The closes that count in the ledger of a scope, in their order."""
    c = t.CLOSES.c
    return gateway.registry.rows(t.CLOSES, c.provider_id == scope, c.run.is_not(None), order=c.run)


def ledger(gateway: Gateway, scope: str, day: dt.date) -> Ledger:
    """The ledger as seen from a day.

    Raises:
        FrameBroken: the postings of the lake do not add up to the journals of the registry.
    """
    counted, today = runs(gateway, scope), day.isoformat()
    subjects = {row["run"]: close_subject(scope, row["day"], row["revision"]) for row in counted}
    of_closes = listed(gateway.lake, subjects.values(), "postings")

    def posted(days: list[Mapping[str, Any]]) -> pl.DataFrame:
        parts = (of_closes.whole(subjects[row["run"]], "postings") for row in days)
        return pl.concat([empty(POSTINGS), *parts])

    found = Ledger(
        before=posted([row for row in counted if row["day"] < today]),
        today=posted([row for row in counted if row["day"] == today]),
        later=posted([row for row in counted if row["day"] > today]),
        run=max((row["run"] for row in counted), default=0) + 1,
        last_before=max((row["run"] for row in counted if row["day"] < today), default=None),
    )
    _require_alike(scope, moved_by(found.whole), held(gateway, scope))
    return found


def moved_by(posted: pl.DataFrame) -> pl.DataFrame:
    """MOVED by long POSTINGS, some of them at a time."""
    return added(pl.concat([pl.DataFrame(schema=MOVED), *(moved(part) for part in posted.iter_slices(MAPPED_ROWS))]))


def _require_alike(scope: str, of_lake: pl.DataFrame, in_short: pl.DataFrame) -> None:
    names = ["account", "currency"]
    lake = of_lake.select(*names, closing=pl.col("debits") - pl.col("credits")).sort(names)
    if not lake.equals(balances(in_short).select(*names, "closing").sort(names)):
        raise FrameBroken(f"the postings of {scope} do not add up to its journals")


def note(connection: Connection, scope: str, of_run: pl.DataFrame) -> None:
    """Write the JOURNALS of a run, in the transaction that makes its postings count."""
    rows = of_run.with_columns(pl.col("day").cast(pl.String), scope=pl.lit(scope)).to_dicts()
    if rows:
        connection.execute(t.JOURNALS.insert(), rows)


def held(gateway: Gateway, scope: str = EVERYTHING) -> pl.DataFrame:
    """JOURNALS of a scope, of all its runs."""
    rows = gateway.registry.rows(t.JOURNALS, t.JOURNALS.c.scope == scope, order=(t.JOURNALS.c.run,))
    schema = {name: column.dtype.type for name, column in JOURNALS.columns.items()}
    text = pl.DataFrame(rows, schema={**schema, "scope": pl.String, "day": pl.String})
    return text.with_columns(pl.col("day").str.to_date("%Y-%m-%d")).select(schema.keys())


def disagreements(gateway: Gateway, scope: str = EVERYTHING) -> pl.DataFrame:
    """JOURNALS that the postings of the lake do not bear out, by count, sum and digest; none where all agree."""
    in_short = held(gateway, scope)
    found = [
        unlike(in_short, gateway.lake.whole(close_subject(scope, row["day"], row["revision"]), "postings"), row["run"])
        for row in runs(gateway, scope)
    ]
    return pl.concat([in_short.clear(), *found])
