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
from reconciliation.breaks import (
    chain_breaks,
    contradiction_breaks,
    entry_breaks,
    feedback_breaks,
    finding_breaks,
    payment_breaks,
)
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
    # The closes are read before what is closed: a run that slept over another's close loses at the commit.
    closes = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == until.isoformat())
    positions = _positions(gateway, until)
    scopes = {**positions, EVERYTHING: _together(gateway, positions, until)}
    for scope, found in scopes.items():
        _close(gateway, until, scope, found, [row for row in closes if row["provider_id"] == scope])
    return [key for scope in scopes for key in _publish(gateway, until, scope)]


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


def _close(gateway: Gateway, day: dt.date, scope: str, found: Position, closes: list[Any]) -> None:
    digests = _digests(found)
    inputs = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    if closes and closes[-1]["inputs_sha256"] == inputs:
        return
    opening, earlier = _before(gateway, day, scope)
    require_tied(found.states, ["provider", "account"], opening=opening)
    new = postings(found.states, found.entries, found.matches, earlier, _owners(gateway), day)
    period = Period(
        day=day, scope=scope, states=found.states, opening=opening, entries=found.entries, statements=found.statements,
        matches=found.matches, breaks=breaks_of(gateway, found, day), earlier=earlier, new=new,
        providers=_owners(gateway), digests=digests,
    )  # fmt: skip
    _commit(gateway, period, len(closes) + 1, inputs)


def breaks_of(gateway: Gateway, found: Position, day: dt.date) -> pl.DataFrame:
    """BREAKS of a position, their ages counted to `day`."""
    opposed = contradicted(found.states, found.attribution.attributed)
    parts = [
        entry_breaks(found.entries, found.matches, found.matched.ambiguous, day),
        payment_breaks(found.states, day, gateway.settings.unmatched_after_days),
        contradiction_breaks(opposed, day),
        feedback_breaks(found.attribution.unknown, day),
        finding_breaks(found.findings, day),
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


def _write(gateway: Gateway, period: Period, folder: str) -> dict[str, str]:
    """Report key → object that holds its bytes. They are published under the key when the close is committed."""
    exports = [item for item in discover("exporters", "EXPORT").values() if item.kind == "report"]
    objects = {}
    for report in (reconciliation_report(period), settlement_report(period)):
        for export in exports:
            name = f"{report.name}-{period.scope}{export.suffix}"
            gateway.store.put(f"{folder}/{name}", _bytes(export, report), create=True)
            objects[f"reports/{period.day}/{name}"] = f"{folder}/{name}"
    return objects


def _publish(gateway: Gateway, day: dt.date, scope: str) -> list[str]:
    """Put the reports of the last committed revision where finance looks; a repeat changes nothing."""
    rows = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day.isoformat(), t.CLOSES.c.provider_id == scope)
    objects: dict[str, str] = json.loads(rows[-1]["reports"])
    for key, held in objects.items():
        data = gateway.store.get(held)
        if gateway.store.head(key) is None or gateway.store.get(key) != data:
            gateway.store.put(key, data)
    return list(objects)


def _bytes(export: Any, report: Report) -> bytes:
    out = io.BytesIO()
    export.write(report, out)
    return out.getvalue()


def _commit(gateway: Gateway, period: Period, revision: int, inputs: str) -> None:
    draft = gateway.lake.draft(_subject(period.scope, period.day, revision), "settle")
    draft.write("states", period.states)
    draft.write("postings", period.new)
    draft.write("breaks", period.breaks)
    reports = _write(gateway, period, f"closes/{draft.subject}/{draft.attempt}")
    row = {
        "day": period.day.isoformat(), "provider_id": period.scope, "revision": revision, "inputs_sha256": inputs,
        "closed_at": gateway.registry.now(), "reports": json.dumps(reports, sort_keys=True),
    }  # fmt: skip

    def mark(connection: Connection) -> None:
        connection.execute(t.CLOSES.insert().values(row))
        gateway.registry.audit(connection, "gateway", "closed", period.scope, day=row["day"], revision=revision)

    # Where another run closed this revision first, its reports count and ours are litter.
    draft.commit({"inputs": inputs}, mark)


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
        ("statements", found.statements), ("matches", found.matches), ("findings", found.findings),
    )  # fmt: skip
    return tuple((name, _digest(frame)) for name, frame in frames)


def _digest(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv(datetime_format="%+").encode()).hexdigest()
