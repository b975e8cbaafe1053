"""Alerts: one open row for each thing that is wrong now; it is over when its cause is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from canonical.identifiers import make_id
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alert:
    """What is wrong (`kind`), with what (`subject`), in words for whom it wakes."""

    kind: str
    subject: str
    message: str


def open_alerts(gateway: Gateway) -> list[Mapping[str, Any]]:
    """The alerts that stand, the oldest first."""
    return gateway.registry.rows(
        t.ALERTS, t.ALERTS.c.over_at.is_(None), order=(t.ALERTS.c.raised_at, t.ALERTS.c.alert_id)
    )


def keep(gateway: Gateway, causes: Iterable[Alert]) -> None:
    """Raise what is new among the causes, and end what is not among them any more. A repeat changes nothing."""
    wanted = {(alert.kind, alert.subject): alert for alert in causes}
    standing = {(row["kind"], row["subject"]): row for row in open_alerts(gateway)}
    for key in wanted.keys() - standing.keys():
        _raise(gateway, wanted[key])
    for key in standing.keys() - wanted.keys():
        _end(gateway, standing[key])
    for key in standing.keys() & wanted.keys():
        _say_anew(gateway, standing[key], wanted[key].message)


def _raise(gateway: Gateway, alert: Alert) -> None:
    registry = gateway.registry
    now = registry.now()
    with registry.transaction() as connection:
        alert_id = make_id("L", alert.kind, alert.subject, now)
        values = {"kind": alert.kind, "subject": alert.subject, "message": alert.message}
        is_new = insert_new(connection, t.ALERTS, alert_id=alert_id, **values, raised_at=now)
        if is_new:
            registry.audit(connection, "gateway", "alert_raised", alert_id, alert=alert.kind, of=alert.subject)
    if is_new:  # else another worker was first
        _log.error("alert", alert_id=alert_id, **values)


def _say_anew(gateway: Gateway, row: Mapping[str, Any], message: str) -> None:
    """What is wrong may have grown meanwhile."""
    if row["message"] != message:
        with gateway.registry.transaction() as connection:
            move(connection, t.ALERTS, {"alert_id": row["alert_id"], "over_at": None}, message=message)


def _end(gateway: Gateway, row: Mapping[str, Any]) -> None:
    registry = gateway.registry
    with registry.transaction() as connection:
        ended = move(connection, t.ALERTS, {"alert_id": row["alert_id"], "over_at": None}, over_at=registry.now())
        if ended:
            registry.audit(connection, "gateway", "alert_over", row["alert_id"], alert=row["kind"], of=row["subject"])
    if ended:
        _log.info("alert over", alert_id=row["alert_id"], kind=row["kind"], subject=row["subject"])
