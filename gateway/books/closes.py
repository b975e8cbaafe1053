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
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select

from canonical.contracts import SignOff
from canonical.errors import ConfigError, Conflict, NotFound
from gateway.books import journals
from gateway.books.by_payment import ByPayment, ranges
from gateway.books.close_run import Made
from gateway.books.journals import EVERYTHING, close_subject
from gateway.composition import Gateway
from gateway.feedback.late import late_statements
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, take_numbers
from gateway.reports.held_reports import held_report, publish, write
from reconciliation.ledger import taken_back
from reconciliation.reports import REPORTS, signed

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
    close = _scopes(gateway, day).get(scope)
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


def _in_turn(connection: Connection) -> None:
    """Nobody else prepares, reviews or opens a day until this transaction ends: what it looks at stays so."""
    take_numbers(connection, "closes")


def hold_open(connection: Connection, day: str) -> None:
    """Begin to prepare a day, in the transaction of one of its closes. Raises Conflict: it or a later one was reviewed meanwhile."""
    _in_turn(connection)
    if _days(connection, t.DAYS.c.day > day, CLOSED):
        raise Conflict(f"a day after {day} was reviewed meanwhile; nothing of {day} was changed")
    insert_new(connection, t.DAYS, day=day, state="open", revision=0, reason="")
    if not move(connection, t.DAYS, {"day": day, "state": UNDECIDED}, state="open"):
        raise Conflict(f"{day} was reviewed meanwhile; nothing of it was changed")


def _days(connection: Connection, which: Any, states: tuple[str, ...]) -> bool:
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


def review(gateway: Gateway, day: str, *, by: str, revision: int | None = None) -> list[str]:
    """Sign a prepared day: its reports become final. The keys of these. `revision`: the one that was read, if it is still that.

    Raises:
        NotFound: the day was never prepared.
        Conflict: by whom it was prepared, out of order, not prepared, or something came in that it does not hold.
    """
    row = known_day(gateway, day)
    if row["state"] == "closed" or (row["state"] == "reviewed" and row["reviewed_by"] != by):
        raise Conflict(f"{day} is {row['state']}: {row['reviewed_by']} reviewed it at {minute(row['reviewed_at'])}")
    if row["state"] == "open":
        raise Conflict(f"{day} is open: prepare it first (`bulkrail settle {day}`)")
    if row["state"] == "prepared":
        _require_reviewable(gateway, row, by, revision)
        now = gateway.registry.now()
        sign_off = SignOff(row["prepared_by"], minute(row["prepared_at"]), by, minute(now))
        moved = {"state": "reviewed", "reviewed_by": by, "reviewed_at": now}
        _sign(gateway, row, sign_off, moved, by=by, action="close_reviewed")
    keys = [key for scope in _scopes(gateway, day) for key in publish(gateway, day, scope)]
    finish(gateway, dt.date.fromisoformat(day))
    return keys


def _require_reviewable(gateway: Gateway, row: Mapping[str, Any], by: str, revision: int | None) -> None:
    day = row["day"]
    if row["prepared_by"] == by:
        raise Conflict(f"{by} prepared {day}; another person must review it")
    if revision is not None and revision != row["revision"]:
        raise Conflict(f"{day} was prepared again since: revision {row['revision']} stands, not {revision}")
    before = gateway.registry.rows(t.DAYS, t.DAYS.c.day < day, t.DAYS.c.state.in_(UNDECIDED))
    if before:
        raise Conflict(f"{before[0]['day']} is {before[0]['state']}: days are reviewed in their order")
    if any(close["run"] is None for close in _scopes(gateway, day).values()):
        raise Conflict(f"{day} was prepared by a version that kept no journals; prepare it again")
    late = late_statements(gateway, day, row["prepared_at"])
    if late:
        raise Conflict(
            f"statement {late[0]['statement_id']} of {late[0]['account']} came after {day} was prepared; prepare it again"
        )


def reopen(gateway: Gateway, day: str, *, by: str, reason: str) -> None:
    """Open a reviewed or closed day again: it can be prepared anew. Its reports say that they are withdrawn.

    Raises:
        NotFound: the day was never prepared.
        Conflict: no reason, it is not closed, or a later day is.
    """
    row = known_day(gateway, day)
    if not reason.strip():
        raise Conflict(f"{day} is opened again only for a reason")
    if row["state"] not in CLOSED:
        raise Conflict(f"{day} is {row['state']}: only what was reviewed is opened again")
    later = gateway.registry.rows(t.DAYS, t.DAYS.c.day > day, t.DAYS.c.state.in_(CLOSED))
    if later:
        raise Conflict(f"{later[-1]['day']} opens with the close of {day}; open that day again first")
    sign_off = SignOff(
        row["prepared_by"], minute(row["prepared_at"]), row["reviewed_by"], minute(row["reviewed_at"]), withdrawn=True
    )
    why = f"{reason} ({by}, {minute(gateway.registry.now())})"
    moved = {"state": "open", "reason": why}
    _sign(gateway, row, sign_off, moved, by=by, action="close_opened_again", reason=reason)
    for scope in _scopes(gateway, day):
        publish(gateway, day, scope)


def finish(gateway: Gateway, day: dt.date) -> None:
    """The final reports of a reviewed day were published: it is closed."""
    with gateway.registry.transaction() as connection:
        if move(connection, t.DAYS, {"day": day.isoformat(), "state": "reviewed"}, state="closed"):
            gateway.registry.audit(connection, "gateway", "closed", day.isoformat())


def _sign(
    gateway: Gateway,
    row: Mapping[str, Any],
    sign_off: SignOff,
    moved: dict[str, Any],
    *,
    by: str,
    action: str,
    **detail: str,
) -> None:
    """Write the held reports of a day anew under a sign-off, and commit them with the move of the day."""
    day, place, reopened = row["day"], uuid.uuid4().hex[:12], moved.get("reason", row["reason"])
    objects = {}
    for scope, close in _scopes(gateway, day).items():
        subject = close_subject(scope, day, close["revision"])
        stage = gateway.registry.one(t.STAGES, subject=subject, stage="settle")
        assert stage is not None
        held = [held_report(gateway, f"closes/{subject}/{stage['attempt']}", name) for name in REPORTS]
        reports = tuple(signed(report, sign_off, reopened) for report in held)
        objects[scope, close["revision"]] = write(gateway, f"closes/{subject}/{place}", reports)
    with gateway.registry.transaction() as connection:
        _in_turn(connection)
        # What was looked at before may have been prepared, or reviewed, since.
        if _days(connection, t.DAYS.c.day < day, UNDECIDED) or _days(connection, t.DAYS.c.day > day, CLOSED):
            raise Conflict(f"another day was decided on meanwhile; look again (`bulkrail close show {day}`)")
        as_read = {"day": day, "state": row["state"], "revision": row["revision"]}
        if not move(connection, t.DAYS, as_read, **moved):
            raise Conflict(f"somebody else decided on {day} meanwhile; look again (`bulkrail close show {day}`)")
        for (scope, revision), reports_of in objects.items():
            key = {"day": day, "provider_id": scope, "revision": revision}
            move(connection, t.CLOSES, key, reports=json.dumps(reports_of, sort_keys=True))
        gateway.registry.audit(connection, by, action, day, revision=row["revision"], **detail)


def _scopes(gateway: Gateway, day: str) -> dict[str, Mapping[str, Any]]:
    """Scope → its last close of the day, the whole last."""
    closes = gateway.registry.rows(t.CLOSES, t.CLOSES.c.day == day)
    last = {row["provider_id"]: row for row in closes}
    return dict(sorted(last.items(), key=lambda item: (item[0] == EVERYTHING, item[0])))


def minute(at: str) -> str:
    """A time of the registry as people read it."""
    return f"{at[:16].replace('T', ' ')} UTC"
