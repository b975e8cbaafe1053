"""Health: how deliveries to a provider went lately, and whether another one is taken while they fail."""

from __future__ import annotations

import datetime as dt

from canonical.counts import count_of
from gateway.composition import Gateway
from gateway.delivery.stops import stops
from gateway.registry import tables as t
from gateway.registry.engine import insert_new


def note_failure(gateway: Gateway, provider_id: str, fault: str) -> None:
    """A delivery failed before its release."""
    registry, health = gateway.registry, t.PROVIDER_HEALTH
    with registry.transaction() as connection:
        insert_new(connection, health, provider_id=provider_id, failures=0, failed_at=registry.now(), fault="")
        update = health.update().where(health.c.provider_id == provider_id)
        connection.execute(update.values(failures=health.c.failures + 1, failed_at=registry.now(), fault=fault))


def note_success(gateway: Gateway, provider_id: str) -> None:
    """A delivery went through: what failed before is over."""
    health = t.PROVIDER_HEALTH
    with gateway.registry.transaction() as connection:
        connection.execute(health.delete().where(health.c.provider_id == provider_id))


def provider_troubles(gateway: Gateway) -> dict[str, str]:
    """Provider → why it is avoided now: stopped, or too many deliveries failed in a row, the last one lately."""
    found = {row["subject"]: f"stopped: {row['reason']}" for row in stops(gateway) if row["scope"] == "provider"}
    for row in gateway.registry.rows(t.PROVIDER_HEALTH):
        provider = gateway.profiles.providers.get(row["provider_id"])
        if provider is None or row["failures"] < provider.health.failures_max:
            continue
        since = gateway.clock() - dt.timedelta(minutes=provider.health.within_minutes)
        if dt.datetime.fromisoformat(row["failed_at"]) > since:
            found.setdefault(
                row["provider_id"], f"{count_of(row['failures'], 'delivery')} failed in a row: {row['fault']}"
            )
    return found
