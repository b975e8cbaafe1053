"""Closes: how far the close of a day is, who prepared it, who reviewed it, and how it is opened again.

    open → prepared → reviewed → closed
     ↑________|___________|________|     prepared anew; opened again, with a reason

`open`: being prepared, or to be prepared again. `prepared`: it ties, and its reports are preliminary. `reviewed`: another
person than its preparer has signed it. `closed`: the final reports stand where finance looks. Days are prepared and reviewed
in their order, and opened again the last one first. Each move is one conditional UPDATE in the transaction that commits
what it stands for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select

from canonical.errors import ConfigError, Conflict, NotFound
from gateway.books import journals
from gateway.books.by_payment import ByPayment, ranges
from gateway.books.close_run import Made
from gateway.books.journals import EVERYTHING, close_subject
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, take_numbers
from reconciliation.ledger import taken_back

CLOSED: Final = ("reviewed", "closed")
UNDECIDED: Final = ("open", "prepared")


@dataclass(frozen=True, slots=True)
class Shown:
    """A day: its row, its inputs (scope, name, SHA-256), and in words which of them are others now."""

    row: Mapping[str, Any]
    inputs: tuple[tuple[str, str, str], ...]
    changed: tuple[str, ...]


def day_of(day: str) -> dt.date:
    """Raises ConfigError: not a day."""
    try:
        return dt.date.fromisoformat(day)
    except ValueError as fault:
        raise ConfigError(f"{day!r} is not a day (YYYY-MM-DD)") from fault


def day_row(gateway: Gateway, day: str) -> Mapping[str, Any] | None:
    """The registry's row of a day, None where it was never prepared."""
    return gateway.registry.one(t.DAYS, day=day)


def known_day(gateway: Gateway, day: str) -> Mapping[str, Any]:
    """Raises NotFound: the day was never prepared."""
    row = day_row(gateway, day_of(day).isoformat())
    if row is None:
        raise NotFound(f"{day} was never prepared (`bulkrail settle {day}`)")
    return row


def closed_on(gateway: Gateway, scope: str, day: str) -> dict[str, str]:
    """Input → SHA-256, as the last close of a day and scope has them."""
    close = closes_of(gateway, day).get(scope)
    detail = gateway.lake.committed(close_subject(scope, day, close["revision"]), "settle") if close else None
    return dict(detail.get("digests", {})) if detail else {}


def state_of(gateway: Gateway, day: dt.date) -> str:
    """open, prepared, reviewed or closed."""
    row = day_row(gateway, day.isoformat())
    return str(row["state"]) if row else "open"


def require_in_order(gateway: Gateway, day: dt.date) -> None:
    """Raises Conflict: an earlier day is open again, or a later one is closed: this opening would not be the prior close."""
    name = day.isoformat()
    open_before = gateway.registry.rows(t.DAYS, t.DAYS.c.day < name, t.DAYS.c.state == "open")
    if open_before:
        first = open_before[0]["day"]
        raise Conflict(
            f"{first} is open: it must be prepared (`bulkrail settle {first}`) before {name} can open with its close"
        )
    closed_after = gateway.registry.rows(t.DAYS, t.DAYS.c.day > name, t.DAYS.c.state.in_(CLOSED))
    if closed_after and state_of(gateway, day) not in CLOSED:
        last = closed_after[-1]["day"]
        raise Conflict(
            f"{last} is closed and opens with what stood before it: {name} can be prepared only when {last} is opened again"
        )


def in_turn(connection: Connection) -> None:
    """Nobody else prepares, reviews or opens a day until this transaction ends: what it looks at stays so."""
    take_numbers(connection, "closes")


def hold_open(connection: Connection, day: str) -> None:
    """Begin to prepare a day, in the transaction of one of its closes. Raises Conflict: it or a later one was reviewed meanwhile."""
    in_turn(connection)
    if any_day(connection, t.DAYS.c.day > day, CLOSED):
        raise Conflict(f"a day after {day} was reviewed meanwhile; nothing of {day} was changed")
    insert_new(connection, t.DAYS, day=day, state="open", revision=0, reason="")
    if not move(connection, t.DAYS, {"day": day, "state": UNDECIDED}, state="open"):
        raise Conflict(f"{day} was reviewed meanwhile; nothing of it was changed")


def any_day(connection: Connection, which: Any, states: tuple[str, ...]) -> bool:
    """Whether there are days in one of these states."""
    return (
        connection.execute(select(t.DAYS.c.day).where(which, t.DAYS.c.state.in_(states)).limit(1)).first() is not None
    )


def mark_prepared(connection: Connection, day: str, revision: int, *, by: str, at: str) -> None:
    """The last close of the day is committed: it is prepared."""
    values = {"revision": revision, "prepared_by": by, "prepared_at": at, "reviewed_by": None, "reviewed_at": None}
    move(connection, t.DAYS, {"day": day, "state": "open"}, state="prepared", **values)


def note_run(
    gateway: Gateway, connection: Connection, row: dict[str, Any], of_run: pl.DataFrame, *, by: str, action: str
) -> None:
    """Write a close with its JOURNALS. Raises Conflict: another close came between, and the ledger is not as it was read."""
    if not insert_new(connection, t.CLOSES, **row):
        raise Conflict(f"another close of {row['provider_id']} was committed meanwhile; settle {row['day']} again")
    journals.note(connection, row["provider_id"], of_run)
    detail = {"day": row["day"], "revision": row["revision"]}
    gateway.registry.audit(connection, by, action, row["provider_id"], **detail)


def take_back_later(gateway: Gateway, day: dt.date) -> list[str]:
    """Take back what later days posted that nobody has reviewed, the last one first; these days, to be prepared again."""
    later = gateway.registry.rows(t.DAYS, t.DAYS.c.day > day.isoformat())
    prepared = [row["day"] for row in later if row["state"] == "prepared"]
    for row in reversed(later):
        scopes = {run["provider_id"] for run in gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == row["day"])}
        for scope in sorted(scopes):
            _take_back(gateway, row["day"], scope)
    return prepared


def _take_back(gateway: Gateway, day: str, scope: str) -> None:
    date = dt.date.fromisoformat(day)
    found = journals.ledger(gateway, scope, date)
    closes = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day, t.CLOSES.c.provider_id == scope)
    if closes[-1]["inputs_sha256"] == "" or found.today.is_empty():
        return
    draft = gateway.lake.draft(close_subject(scope, day, closes[-1]["revision"] + 1), "settle")
    made = Made(draft)
    before, later = (ByPayment.of(side, "subject") for side in (found.before, pl.concat([found.today, found.later])))
    for span in ranges([found.before, found.today, found.later], "subject"):
        made.take(taken_back(before.between(span), later.between(span), date))
    row = {
        "day": day, "provider_id": scope, "revision": closes[-1]["revision"] + 1, "inputs_sha256": "",
        "closed_at": gateway.registry.now(), "reports": "{}", "run": found.run,
    }  # fmt: skip

    def mark(connection: Connection) -> None:
        hold_open(connection, day)
        note_run(gateway, connection, row, made.journal.rows(found.run), by="gateway", action="close_taken_back")

    draft.commit({"inputs": ""}, mark)


def finish(gateway: Gateway, day: dt.date) -> None:
    """The final reports of a reviewed day were published: it is closed."""
    with gateway.registry.transaction() as connection:
        if move(connection, t.DAYS, {"day": day.isoformat(), "state": "reviewed"}, state="closed"):
            gateway.registry.audit(connection, "gateway", "closed", day.isoformat())


def closes_of(gateway: Gateway, day: str) -> dict[str, Mapping[str, Any]]:
    """Scope → its last close of the day, the whole last."""
    closes = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day)
    last = {row["provider_id"]: row for row in closes}
    return dict(sorted(last.items(), key=lambda item: (item[0] == EVERYTHING, item[0])))


def minute(at: str) -> str:
    """A time of the registry as people read it."""
    return f"{at[:16].replace('T', ' ')} UTC"
