"""Two people at a close: the reviewer signs what another prepared; a signed day is opened again for a reason.

The moves are those of `gateway.books.closes`; each writes the held reports anew under what then stands on them.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from canonical.contracts import SignOff
from canonical.errors import Conflict
from gateway.books.closes import CLOSED, UNDECIDED, any_day, closes_of, finish, in_turn, known_day, minute
from gateway.books.journals import close_subject
from gateway.composition import Gateway
from gateway.feedback.late import late_statements
from gateway.registry import tables as t
from gateway.registry.engine import move
from gateway.reports.held_reports import held_report, publish, write
from reconciliation.reports import REPORTS, signed


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
    keys = [key for scope in closes_of(gateway, day) for key in publish(gateway, day, scope)]
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
    if any(close["run"] is None for close in closes_of(gateway, day).values()):
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
    for scope in closes_of(gateway, day):
        publish(gateway, day, scope)


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
    for scope, close in closes_of(gateway, day).items():
        subject = close_subject(scope, day, close["revision"])
        stage = gateway.registry.one(t.STAGES, subject=subject, stage="settle")
        assert stage is not None
        held = [held_report(gateway, f"closes/{subject}/{stage['attempt']}", name) for name in REPORTS]
        reports = tuple(signed(report, sign_off, reopened) for report in held)
        objects[scope, close["revision"]] = write(gateway, f"closes/{subject}/{place}", reports)
    with gateway.registry.transaction() as connection:
        in_turn(connection)
        # What was looked at before may have been prepared, or reviewed, since.
        if any_day(connection, t.DAYS.c.day < day, UNDECIDED) or any_day(connection, t.DAYS.c.day > day, CLOSED):
            raise Conflict(f"another day was decided on meanwhile; look again (`bulkrail close show {day}`)")
        as_read = {"day": day, "state": row["state"], "revision": row["revision"]}
        if not move(connection, t.DAYS, as_read, **moved):
            raise Conflict(f"somebody else decided on {day} meanwhile; look again (`bulkrail close show {day}`)")
        for (scope, revision), reports_of in objects.items():
            key = {"day": day, "provider_id": scope, "revision": revision}
            move(connection, t.CLOSES, key, reports=json.dumps(reports_of, sort_keys=True))
        gateway.registry.audit(connection, by, action, day, revision=row["revision"], **detail)
