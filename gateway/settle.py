"""Settle: close a day. Its payments are tied out, its postings made, its reports written, for each provider and for all.

A day that does not tie is refused, with the rows named. Closing again with the same inputs gives the same reports; with
new inputs (a late statement) it is a further revision of the day, measured against the same opening: the last day before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from collections.abc import Iterable
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.contracts import Report
from canonical.errors import ConfigError
from canonical.frames import BREAKS, POSTINGS, empty
from canonical.plugins import discover
from gateway.book import all_book
from gateway.composition import Gateway
from gateway.reconcile import Position, position
from gateway.registry import tables as t
from gateway.status import parsed_counts, read_counts
from reconciliation.breaks import chain_breaks, contradiction_breaks, entry_breaks, feedback_breaks, payment_breaks
from reconciliation.conservation import require_tied
from reconciliation.ledger import postings
from reconciliation.reports import Period, reconciliation_report, settlement_report
from reconciliation.states import contradicted

EVERYTHING: Final = "all"
"""Scope of the reports over all providers, and over the payments that went to none."""


def settle(gateway: Gateway, day: str) -> list[str]:
    """Close a day (YYYY-MM-DD); the keys of its reports.

    Raises:
        NotTied: the equations do not hold; names the rows. Nothing is written.
        ConfigError: not a day.
    """
    try:
        until = dt.date.fromisoformat(day)
    except ValueError as fault:
        raise ConfigError(f"{day!r} is not a day (YYYY-MM-DD)") from fault
    positions = _positions(gateway, until)
    scopes = {**positions, EVERYTHING: _together(gateway, positions, until)}
    return [key for scope, found in scopes.items() for key in _close(gateway, until, scope, found)]


def position_of_everything(gateway: Gateway, until: dt.date) -> Position:
    """All providers as one, with the payments that went to none, as known by that day. Raises NotTied."""
    return _together(gateway, _positions(gateway, until), until)


def _positions(gateway: Gateway, until: dt.date) -> dict[str, Position]:
    return {provider: position(gateway, provider, until) for provider in sorted(gateway.profiles.providers)}


def _together(gateway: Gateway, positions: dict[str, Position], until: dt.date) -> Position:
    """Every file is tied out against what was read of it on the way."""
    book = all_book(gateway, until)
    whole = Position.joined(book, list(positions.values()))
    file_ids = book["file_id"].unique().sort().to_list()
    require_tied(
        whole.states, ["file_id", "client"],
        parsed=parsed_counts(gateway, file_ids), counts=read_counts(gateway, file_ids),
    )  # fmt: skip
    return whole


def _close(gateway: Gateway, day: dt.date, scope: str, found: Position) -> list[str]:
    digests = _digests(found)
    inputs = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    rows = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day.isoformat(), t.CLOSES.c.provider_id == scope)
    if rows and rows[-1]["inputs_sha256"] == inputs:
        return list(json.loads(rows[-1]["keys"]))
    opening, earlier = _before(gateway, day, scope)
    require_tied(found.states, ["provider", "account"], opening=opening)
    new = postings(found.states, found.entries, found.matches, earlier, _owners(gateway), day)
    period = Period(
        day=day, scope=scope, states=found.states, opening=opening, entries=found.entries, statements=found.statements,
        matches=found.matches, breaks=breaks_of(gateway, found, day), earlier=earlier, new=new,
        providers=_owners(gateway), digests=digests,
    )  # fmt: skip
    keys = _write(gateway, period)
    _commit(gateway, period, len(rows) + 1, inputs, keys)
    return keys


def breaks_of(gateway: Gateway, found: Position, day: dt.date) -> pl.DataFrame:
    """BREAKS of a position, their ages counted to `day`."""
    opposed = contradicted(found.states, found.attribution.attributed)
    parts = [
        entry_breaks(found.entries, found.matches, found.matched.ambiguous, day),
        payment_breaks(found.states, day, gateway.settings.unmatched_after_days),
        contradiction_breaks(opposed, day),
        feedback_breaks(found.attribution.unknown, day),
        chain_breaks(found.statements, day),
    ]
    return pl.concat([empty(BREAKS), *parts])


def _before(gateway: Gateway, day: dt.date, scope: str) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """What the last day before was closed on, and all postings up to then: of each day its last revision counts."""
    rows = gateway.registry.rows(
        t.CLOSES, t.CLOSES.c.provider_id == scope, t.CLOSES.c.day < day.isoformat(),
        order=(t.CLOSES.c.day, t.CLOSES.c.revision),
    )  # fmt: skip
    last = {row["day"]: row["revision"] for row in rows}
    subjects = [_subject(scope, dt.date.fromisoformat(name), revision) for name, revision in last.items()]
    posted = pl.concat([empty(POSTINGS), *[gateway.lake.whole(subject, "postings") for subject in subjects]])
    opening = gateway.lake.whole(subjects[-1], "states") if subjects else None
    return opening, posted


def _write(gateway: Gateway, period: Period) -> list[str]:
    exports = [item for item in discover("exporters", "EXPORT").values() if item.kind == "report"]
    keys = []
    for report in (reconciliation_report(period), settlement_report(period)):
        for export in exports:
            key = f"reports/{period.day}/{report.name}-{period.scope}{export.suffix}"
            gateway.store.put(key, _bytes(export, report))
            keys.append(key)
    return keys


def _bytes(export: Any, report: Report) -> bytes:
    out = io.BytesIO()
    export.write(report, out)
    return out.getvalue()


def _commit(gateway: Gateway, period: Period, revision: int, inputs: str, keys: list[str]) -> None:
    draft = gateway.lake.draft(_subject(period.scope, period.day, revision), "settle")
    draft.write("states", period.states)
    draft.write("postings", period.new)
    draft.write("breaks", period.breaks)
    now = gateway.registry.now()

    def mark(connection: Connection) -> None:
        connection.execute(
            t.CLOSES.insert().values(
                day=period.day.isoformat(), provider_id=period.scope, revision=revision, inputs_sha256=inputs,
                closed_at=now, keys=json.dumps(keys),
            )
        )  # fmt: skip
        gateway.registry.audit(
            connection, "gateway", "closed", period.scope, day=period.day.isoformat(), revision=revision
        )

    if not draft.commit({"inputs": inputs, "reports": keys}, mark):
        return  # another run closed this revision from the same registry; the reports are the same


def _subject(scope: str, day: dt.date, revision: int) -> str:
    return f"close-{scope}-{day}-{revision}"


def _owners(gateway: Gateway) -> dict[str, str]:
    return {
        account.account: provider.provider_id
        for provider in gateway.profiles.providers.values()
        for account in provider.accounts
    }


def _digests(found: Position) -> tuple[tuple[str, str], ...]:
    frames: Iterable[tuple[str, pl.DataFrame]] = (
        ("payment states", found.states), ("feedback", found.attribution.attributed), ("entries", found.entries),
        ("statements", found.statements), ("matches", found.matches),
    )  # fmt: skip
    return tuple((name, _digest(frame)) for name, frame in frames)


def _digest(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv(datetime_format="%+").encode()).hexdigest()
