"""Late statements: what a bank tells of a day after that day was prepared or closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.alerts import Alert
from gateway.composition import Gateway
from gateway.registry import tables as t


def late_statements(gateway: Gateway, day: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Statements up to a prepared day (row of the registry) that came after it was prepared."""
    received = gateway.registry.rows(t.FEEDBACK, t.FEEDBACK.c.received_at > day["prepared_at"])
    late = [feedback["feedback_id"] for feedback in received]
    until = t.STATEMENTS.c.to_date <= day["day"]
    return gateway.registry.rows(t.STATEMENTS, t.STATEMENTS.c.feedback_id.in_(late), until)


def late_alerts(gateway: Gateway) -> Iterator[Alert]:
    """An alert for each statement of a closed day that no later close holds yet."""
    c = t.DAYS.c
    closed = gateway.registry.rows(t.DAYS, c.state.in_(["reviewed", "closed"]))
    if not closed:
        return
    last = closed[-1]
    prepared = gateway.registry.rows(t.DAYS, c.day > last["day"], c.state != "open")
    for row in late_statements(gateway, prepared[-1] | {"day": last["day"]} if prepared else last):
        yield Alert(
            "late_statement", f"{row['provider_id']}/{row['account']}/{row['statement_id']}",
            f"Statement {row['statement_id']} of {row['account']} ({row['provider_id']}) for {row['to_date']} came after that "
            f"day was closed. It is posted on the next day that closes, under its own value dates. If it must stand on its "
            f"day: `bulkrail close reopen {last['day']} --reason …`.",
        )  # fmt: skip
