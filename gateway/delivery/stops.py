"""The kill switch: releases stop at once, by provider, by client, or all of them.

Every release reads the stops in the very transaction that commits it, under a lock it shares with other releases; who stops
takes that lock alone. So once `stop` has returned, no release is committed any more; those before it are told by `resolve`
and `status` like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from sqlalchemy import Connection, and_, or_, select

from canonical.errors import Conflict
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move

Scope = Literal["all", "provider", "client"]
EVERYTHING: Final = ""
"""Subject of the scope "all"."""


def stop(gateway: Gateway, scope: Scope, subject: str, *, by: str, reason: str) -> None:
    """Stop releases to a provider, of a client, or all. Raises NotFound; Conflict where it is stopped already."""
    _check_known(gateway, scope, subject)
    with gateway.registry.transaction() as connection:
        _lock(connection)
        insert_new(
            connection, t.STOPS,
            scope=scope, subject=subject, stopped=0, reason="", changed_by=by, changed_at=gateway.registry.now(),
        )  # fmt: skip
        _turn(gateway, connection, scope, subject, stopped=1, by=by, reason=reason)


def resume(gateway: Gateway, scope: Scope, subject: str, *, by: str, reason: str) -> None:
    """Let releases go on. Raises NotFound; Conflict where nothing is stopped."""
    _check_known(gateway, scope, subject)
    with gateway.registry.transaction() as connection:
        _lock(connection)
        _turn(gateway, connection, scope, subject, stopped=0, by=by, reason=reason)


def stops(gateway: Gateway) -> list[Mapping[str, Any]]:
    """The stops that stand: scope, subject, reason, changed_by, changed_at."""
    return gateway.registry.rows(t.STOPS, t.STOPS.c.stopped == 1)


def stopped_because(connection: Connection, provider_id: str, clients: Iterable[str]) -> list[str]:
    """Why a release to a provider of these clients' payments is stopped, in words; nothing where it is not.

    Takes the lock that releases share: what is read here stands until the transaction ends.
    """
    c = t.STOPS.c
    share = select(c.scope).where(c.scope == "all").with_for_update(read=True)
    connection.execute(share)
    concerned = or_(
        c.scope == "all",
        and_(c.scope == "provider", c.subject == provider_id),
        and_(c.scope == "client", c.subject.in_(sorted(clients))),
    )
    rows = connection.execute(select(t.STOPS).where(c.stopped == 1, concerned).order_by(c.scope, c.subject)).mappings()
    return [_words(row) for row in rows]


def _words(row: Mapping[Any, Any]) -> str:
    what = "all releases are" if row["scope"] == "all" else f"{row['scope']} {row['subject']} is"
    return f"{what} stopped by {row['changed_by']} since {row['changed_at'][:16]} UTC: {row['reason']}"


def _lock(connection: Connection) -> None:
    """Wait for the releases that are being committed, and keep others out (SQLite has one writer at a time anyway)."""
    connection.execute(select(t.STOPS.c.scope).where(t.STOPS.c.scope == "all").with_for_update())


def _turn(
    gateway: Gateway, connection: Connection, scope: Scope, subject: str, *, stopped: int, by: str, reason: str
) -> None:
    registry = gateway.registry
    where = {"scope": scope, "subject": subject, "stopped": 1 - stopped}
    if not move(connection, t.STOPS, where, stopped=stopped, reason=reason, changed_by=by, changed_at=registry.now()):
        raise Conflict(f"{scope} {subject}".strip() + (" is stopped already" if stopped else " is not stopped"))
    registry.audit(connection, by, "stopped" if stopped else "resumed", subject or "all", scope=scope, reason=reason)


def _check_known(gateway: Gateway, scope: Scope, subject: str) -> None:
    if scope == "provider":
        gateway.profiles.provider(subject)
    elif scope == "client":
        gateway.profiles.client(subject)
