"""Parts: the submissions of single files that stand in a merged one, and follow it (see `gateway.delivery.merging`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, or_, select

from canonical.errors import Conflict
from gateway.composition import Gateway
from gateway.planning.reserves import give_back
from gateway.registry import tables as t
from gateway.registry.engine import move, row_of

_C: Final = t.SUBMISSIONS.c
DELIVERED_ITSELF: Final = or_(_C.merged_into.is_(None), _C.merged_into == _C.submission_id)
"""Condition: a submission that is delivered as a file of its own, merged or not; a part is not."""
OF_ONE_FILE: Final = or_(_C.merged_into.is_(None), _C.merged_into != _C.submission_id)
"""Condition: a submission of one client's file, on its own or a part; a merged one is not."""
_UNRELEASED: Final = ["PREPARED", "UPLOADING", "UPLOADED"]
_FOLLOWED: Final = ("state", "attempt", "detail", "changed_at", "delivered_at")


def is_merged(row: Mapping[str, Any]) -> bool:
    """True of a submission that is made of parts."""
    return bool(row.get("merged_into") == row["submission_id"])


def delivered_as(row: Mapping[str, Any]) -> str:
    """Id of the submission whose file holds the payments: the merged one, or its own."""
    return str(row["merged_into"] or row["submission_id"])


def parts_of(connection: Connection, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a merged submission in the order of its file; the submission itself where it is not merged."""
    if not is_merged(row):
        return [row]
    where = (_C.merged_into == row["submission_id"], _C.submission_id != row["submission_id"])
    query = select(t.SUBMISSIONS).where(*where).order_by(_C.sequence_first, _C.submission_id)
    return [dict(part) for part in connection.execute(query).mappings()]


def files_of(connection: Connection, submission_id: str) -> list[str]:
    """Ids of the client files whose payments stand in one file with those of a submission."""
    row = row_of(connection, t.SUBMISSIONS, submission_id=submission_id)
    if row is None:
        return []
    whole = row_of(connection, t.SUBMISSIONS, submission_id=delivered_as(row))
    return sorted({part["file_id"] for part in parts_of(connection, whole or row)})


def carry_along(connection: Connection, submission_id: str) -> None:
    """After a move of a submission: its parts stand where it stands. What void parts had reserved is given back.

    The files of what is void are due to be planned: whoever voided it may die before it plans them.
    """
    whole = row_of(connection, t.SUBMISSIONS, submission_id=submission_id)
    if whole is None:
        return
    if whole["state"] == "VOIDED" and whole["kind"] == "payment":
        files = t.FILES.update().where(
            t.FILES.c.file_id.in_(files_of(connection, submission_id)), t.FILES.c.state == "routed"
        )
        connection.execute(files.values(due_at=whole["changed_at"]))
    if not is_merged(whole):
        return
    parts = t.SUBMISSIONS.update().where(_C.merged_into == submission_id, _C.submission_id != submission_id)
    connection.execute(parts.values(**{name: whole[name] for name in _FOLLOWED}))
    if whole["state"] == "VOIDED":
        for part in parts_of(connection, whole):
            give_back(connection, part["submission_id"])


def dissolve(gateway: Gateway, connection: Connection, submission_id: str, why: str) -> None:
    """Void an unreleased merged submission, and set its parts free to be merged anew. Raises Conflict: it is being released."""
    now = gateway.registry.now()
    where = {"submission_id": submission_id, "merged_into": submission_id, "state": _UNRELEASED}
    if not move(connection, t.SUBMISSIONS, where, state="VOIDED", detail=why, changed_at=now):
        raise Conflict("the submission is being released", submission_id=submission_id)
    parts = t.SUBMISSIONS.update().where(_C.merged_into == submission_id, _C.submission_id != submission_id)
    freed = {
        "merged_into": None,
        "state": "PREPARED",
        "attempt": 0,
        "detail": why,
        "name": _C.submission_id,
        "changed_at": now,
    }
    connection.execute(parts.values(**freed))
    gateway.registry.audit(connection, "gateway", "dissolved", submission_id, reason=why)
