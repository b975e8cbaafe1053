"""The registry's side of requests to a provider's API: begun before they are sent, their replies kept before they count."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select

from canonical.contracts import Reply, RequestBlock, Sent
from canonical.errors import Conflict
from canonical.identifiers import make_id
from canonical.limits import ASKED_DAYS, CLOCKS_APART_S
from canonical.requests import reply_json
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move

REPLIES_SUFFIX = ".replies.json"
_NEVER_RECEIVED = "NARR"
"""ISO ExternalStatusReason1Code: told in words; no code says that a request got lost."""


def has_open_requests(connection: Connection, submission_id: str) -> bool:
    """True while a request of the submission has no reply: its payments are not all with the provider, or may not be."""
    condition = (t.REQUESTS.c.submission_id == submission_id) & (t.REQUESTS.c.open > 0)
    return connection.execute(select(t.REQUESTS.c.first).where(condition).limit(1)).first() is not None


def has_replies(connection: Connection, submission_id: str) -> bool:
    """True where the provider answered any request of the submission."""
    condition = (t.REQUESTS.c.submission_id == submission_id) & t.REQUESTS.c.replies.is_not(None)
    return connection.execute(select(t.REQUESTS.c.first).where(condition).limit(1)).first() is not None


def refuse_begun(connection: Connection, submission_id: str) -> None:
    """Raise Conflict where a request was begun: somebody sends, and nothing may be taken back."""
    condition = (t.REQUESTS.c.submission_id == submission_id) & (t.REQUESTS.c.attempt > 0)
    if connection.execute(select(t.REQUESTS.c.first).where(condition).limit(1)).first() is not None:
        raise Conflict("another worker has begun to send", submission_id=submission_id)


@dataclass(frozen=True, slots=True)
class Looked:
    """How far the audit trail was read: up to which row (None: none yet), the time it tells, and whether the clock ran on until there."""

    sequence: int | None = None
    at: dt.datetime | None = None
    ran_on: bool = True


def clock_ran_on(gateway: Gateway, submission_id: str, before: Looked) -> tuple[bool, Looked]:
    """False where the audit trail shows that the clock was set back since the first request of a submission was begun.

    Its rows stand in the order in which they were committed, so that what was read `before` has not to be read again. What clocks of
    several machines differ by is no setting back.
    """
    c = t.AUDIT.c
    begun = select(func.min(c.sequence)).where(c.subject == submission_id, c.action == "requests_begun")
    new = c.sequence >= begun.scalar_subquery() if before.sequence is None else c.sequence > before.sequence
    with gateway.registry.transaction() as connection:
        told = connection.execute(select(c.sequence, c.at).where(new).order_by(c.sequence)).all()
        now = gateway.clock()
    moments = [*([before.at] if before.at else []), *(dt.datetime.fromisoformat(at) for _, at in told)]
    ran_on = before.ran_on and _in_order(moments)
    looked = Looked(told[-1][0], moments[-1], ran_on) if told else before
    return ran_on and _in_order([*moments[-1:], now]), looked


def _in_order(moments: list[dt.datetime]) -> bool:
    apart = dt.timedelta(seconds=CLOCKS_APART_S)
    return all(after >= before - apart for before, after in pairwise(moments))


def plan_requests(gateway: Gateway, submission_id: str, count: int, block: int) -> tuple[RequestBlock, ...]:
    """The blocks of a submission: those that are planned, or new ones of at most `block` requests."""
    registry = gateway.registry
    with registry.transaction() as connection:
        known = connection.execute(
            select(t.REQUESTS.c.first).where(t.REQUESTS.c.submission_id == submission_id).limit(1)
        )
        if known.first() is None:
            for first in range(0, count, block):
                last = min(first + block, count) - 1
                insert_new(
                    connection, t.REQUESTS, submission_id=submission_id, first=first, last=last, attempt=0, note="",
                    open=last - first + 1,
                )  # fmt: skip
    rows = registry.rows(t.REQUESTS, t.REQUESTS.c.submission_id == submission_id)
    return tuple(_block(gateway, row) for row in rows)


def begin_requests(
    gateway: Gateway, submission_id: str, block: RequestBlock, note: str, also: Callable[[Connection], None] | None
) -> RequestBlock:
    """Write down that a block is about to be sent; `also` looks in the same transaction whether it may be.

    Raises: Conflict where somebody else began it, or resolved it; what `also` raises.
    """
    registry = gateway.registry
    now = gateway.clock()
    with registry.transaction() as connection:
        where = {"submission_id": submission_id, "first": block.first, "attempt": block.attempt}
        values = {
            "attempt": block.attempt + 1, "begun_at": registry.now(), "note": note or block.note, "absent_at": None,
        }  # fmt: skip
        if block.first_at is None:
            values["first_at"] = registry.now()
        _releasing(connection, submission_id)
        if not move(connection, t.REQUESTS, where, **values):
            raise Conflict("another worker sends these requests", submission_id=submission_id)
        if also is not None:
            also(connection)
        numbers = {"first": block.first, "last": block.last, "attempt": block.attempt + 1}
        registry.audit(connection, "gateway", "requests_begun", submission_id, **numbers)
    return RequestBlock(
        block.first, block.last, block.attempt + 1, block.first_at or now, now, note or block.note, block.replies
    )


def keep_replies(
    gateway: Gateway, submission_id: str, block: RequestBlock, replies: tuple[Reply, ...], *, certain: bool = False
) -> RequestBlock:
    """Keep the replies that came, beside those that were known. Raises Conflict where somebody else began the block anew."""
    known = {reply.number for reply in block.replies}
    every = (*block.replies, *(reply for reply in replies if reply.number not in known))
    begun_at = None if certain else block.begun_at
    told = RequestBlock(
        block.first, block.last, block.attempt, block.first_at, begun_at, block.note,
        tuple(sorted(every, key=lambda reply: reply.number)), block.absent_at,
    )  # fmt: skip
    data = json.dumps([asdict(reply) for reply in told.replies], sort_keys=True).encode()
    key = f"replies/{submission_id}-{block.first}-{hashlib.sha256(data).hexdigest()[:16]}"
    gateway.store.put(key, data)
    registry = gateway.registry
    with registry.transaction() as connection:
        where = {
            "submission_id": submission_id, "first": block.first, "attempt": block.attempt, "open": len(block.open),
        }  # fmt: skip
        values = {"replies": key, "open": len(told.open)} | ({"begun_at": None} if certain else {})
        if not move(connection, t.REQUESTS, where, **values):
            raise Conflict("another worker sent these requests again", submission_id=submission_id)
        numbers = {"first": block.first, "last": block.last, "open": len(told.open)}
        registry.audit(connection, "gateway", "requests_answered", submission_id, **numbers)
    return told


def answered_numbers(gateway: Gateway, submission_id: str) -> set[int]:
    """The requests of a submission that have their reply."""
    rows = gateway.registry.rows(t.REQUESTS, t.REQUESTS.c.submission_id == submission_id)
    return {reply.number for row in rows for reply in _block(gateway, row).replies}


def tell_undelivered(gateway: Gateway, submission_id: str, references: Mapping[int, str], words: str) -> None:
    """Reply to the requests that have no reply: the provider never received them. Raises Conflict: it answered meanwhile."""
    for row in gateway.registry.rows(t.REQUESTS, t.REQUESTS.c.submission_id == submission_id, t.REQUESTS.c.open > 0):
        block = _block(gateway, row)
        told = (
            Reply(number, "not_sent", references[number], "RJCT", reason=_NEVER_RECEIVED, reason_text=words)
            for number in block.open
        )
        keep_replies(gateway, submission_id, block, tuple(told))


def note_absence(gateway: Gateway, submission_id: str, block: RequestBlock, at: dt.datetime) -> RequestBlock:
    """Keep when, by its own clock, the provider was first asked and did not show all of a block. Raises Conflict."""
    text = at.isoformat(timespec="microseconds")
    with gateway.registry.transaction() as connection:
        where = {
            "submission_id": submission_id, "first": block.first, "attempt": block.attempt, "open": len(block.open),
        }  # fmt: skip
        if not move(connection, t.REQUESTS, where, absent_at=text):
            raise Conflict("another worker sent these requests again", submission_id=submission_id)
    return replace(block, absent_at=at)


def archive_replies(gateway: Gateway, submission_id: str) -> str | None:
    """Make the replies of a submission a feedback file of its provider, so that following needs nothing of its own.

    Its id; None where there are no replies. A repeat with the same replies changes nothing.
    """
    lines = list(_reply_lines(gateway, submission_id))
    row = gateway.registry.one(t.SUBMISSIONS, submission_id=submission_id)
    if not lines or row is None:
        return None
    data = b'{"items": [\n' + b",\n".join(lines) + b"\n]}\n"
    sha256 = hashlib.sha256(data).hexdigest()
    feedback_id = make_id("B", row["destination"], sha256)
    gateway.store.put(f"feedback/{feedback_id}", data)
    registry = gateway.registry
    with registry.transaction() as connection:
        is_new = insert_new(
            connection, t.FEEDBACK, feedback_id=feedback_id, provider_id=row["destination"],
            name=f"{row['submission_id']}{REPLIES_SUFFIX}", sha256=sha256, size_bytes=len(data), format="http-json",
            received_at=registry.now(), state="archived", note="",
        )  # fmt: skip
        if is_new:
            registry.audit(connection, row["destination"], "replies_kept", feedback_id, submission=row["submission_id"])
    return feedback_id


def waiting(gateway: Gateway, provider_id: str) -> tuple[Sent, ...]:
    """Submissions of the last days that went to a provider's API, with its reference for those that were one request."""
    joined = t.REQUESTS.join(t.SUBMISSIONS, t.REQUESTS.c.submission_id == t.SUBMISSIONS.c.submission_id)
    since = (gateway.clock() - dt.timedelta(days=ASKED_DAYS)).isoformat(timespec="microseconds")
    query = (
        select(t.REQUESTS)
        .select_from(joined)
        .where(
            t.SUBMISSIONS.c.destination == provider_id, t.REQUESTS.c.attempt > 0, t.REQUESTS.c.first == 0,
            t.SUBMISSIONS.c.state.in_(["DELIVERED", "ACKNOWLEDGED", "UNKNOWN"]), t.SUBMISSIONS.c.changed_at >= since,
        )
        .order_by(t.REQUESTS.c.submission_id)
    )  # fmt: skip
    with gateway.registry.transaction() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
    return tuple(Sent(row["submission_id"], _trace(gateway, row)) for row in rows)


def _trace(gateway: Gateway, row: Mapping[str, Any]) -> str | None:
    replies = _block(gateway, row).replies
    return replies[0].trace if replies and row["last"] == 0 else None


def _reply_lines(gateway: Gateway, submission_id: str) -> Iterator[bytes]:
    for row in gateway.registry.rows(t.REQUESTS, t.REQUESTS.c.submission_id == submission_id):
        for reply in _block(gateway, row).replies:
            yield json.dumps(reply_json(reply, submission_id), sort_keys=True).encode()


def _releasing(connection: Connection, submission_id: str) -> None:
    # Locks the row on PostgreSQL, so that nobody resolves the submission in the same moment.
    where = {"submission_id": submission_id, "state": "RELEASING"}
    if not move(connection, t.SUBMISSIONS, where, state="RELEASING"):
        raise Conflict("the submission is not being released any more", submission_id=submission_id)


def _block(gateway: Gateway, row: Mapping[str, Any]) -> RequestBlock:
    replies = json.loads(gateway.store.get(row["replies"])) if row["replies"] else []
    return RequestBlock(
        row["first"], row["last"], row["attempt"], _time(row["first_at"]), _time(row["begun_at"]), row["note"],
        tuple(Reply(**reply) for reply in replies), _time(row["absent_at"]),
    )  # fmt: skip


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
