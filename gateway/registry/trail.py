"""The audit trail: each row carries the digest of itself and of the row before it, so that a changed row is found.

Rows are appended at the end of their transaction, behind the lock of the one row that holds the trail's end: they are
numbered without gaps and in the order in which they were committed. Who can write to the database could also write the
whole trail anew; an end that was noted elsewhere (`bulkrail audit verify` prints it) shows that as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from gateway.registry import tables as t

TRAIL: Final = "audit"
GENESIS: Final = "0" * 64
"""Stands for the row before the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which subject. `detail` is JSON."""

    at: str
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class End:
    """The last row of a trail: its number, and its digest."""

    sequence: int
    digest: str


def digest_of(previous: str, sequence: int, entry: Entry) -> str:
    """SHA-256 of a row and of the digest before it."""
    told = json.dumps([previous, sequence, *asdict(entry).values()], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add rows to the trail; nobody else can until the transaction ends."""
    if not entries:
        return
    end = t.AUDIT_END.update().where(t.AUDIT_END.c.trail == TRAIL)
    taken = end.values(sequence=t.AUDIT_END.c.sequence + len(entries))
    last, digest = connection.execute(taken.returning(t.AUDIT_END.c.sequence, t.AUDIT_END.c.digest)).one()
    rows = chained(End(last - len(entries), digest), entries)
    connection.execute(t.AUDIT.insert(), rows)
    connection.execute(end.values(digest=rows[-1]["digest"]))


def chained(end: End, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Rows of the audit table that follow an end."""
    rows, digest = [], end.digest
    for sequence, entry in enumerate(entries, end.sequence + 1):
        digest = digest_of(digest, sequence, entry)
        rows.append({"sequence": sequence, **asdict(entry), "digest": digest})
    return rows


def verify(connection: Connection, noted: End | None = None) -> tuple[End, str | None]:
    """The end of the trail, and the first fault in it, None where every row is as it was written.

    `noted`: an end seen earlier, which must still be part of the trail.
    """
    query = select(t.AUDIT).order_by(t.AUDIT.c.sequence).execution_options(yield_per=1000)
    found, fault = End(0, GENESIS), None
    for row in connection.execute(query).mappings():
        fault = fault or _fault(found, dict(row), noted)
        found = End(row["sequence"], row["digest"])
    last = connection.execute(select(t.AUDIT_END).where(t.AUDIT_END.c.trail == TRAIL)).mappings().one()
    if fault is None and (found.sequence, found.digest) != (last["sequence"], last["digest"]):
        fault = f"the trail should end with row {last['sequence']} and ends with row {found.sequence}"
    if fault is None and noted is not None and noted.sequence > found.sequence:
        fault = f"row {noted.sequence}, which was noted, is not there any more"
    return found, fault


def _fault(before: End, row: Mapping[str, Any], noted: End | None) -> str | None:
    sequence = row["sequence"]
    if sequence != before.sequence + 1:
        return f"between row {before.sequence} and row {sequence} rows are missing"
    entry = Entry(**{name: row[name] for name in Entry.__slots__})
    if row["digest"] != digest_of(before.digest, sequence, entry):
        return f"row {sequence} was changed: {entry.at} {entry.actor} {entry.action} {entry.subject}"
    if noted is not None and noted.sequence == sequence and noted.digest != row["digest"]:
        return f"row {sequence} is not the one that was noted: the trail was written anew up to it"
    return None
