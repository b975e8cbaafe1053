"""Late statements: what a bank tells of a day after that day was prepared or closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.composition import Gateway
from gateway.feedback.alerts import Alert
from gateway.registry import tables as t


def late_statements(gateway: Gateway, day: str, since: str) -> list[Mapping[str, Any]]:
    """Statements up to a day (YYYY-MM-DD) that were received after a time of the registry."""
    received = gateway.registry.rows(t.FEEDBACK, t.FEEDBACK.c.received_at > since)
    late = [feedback["feedback_id"] for feedback in received]
    return gateway.registry.rows(t.STATEMENTS, t.STATEMENTS.c.feedback_id.in_(late), t.STATEMENTS.c.to_date <= day)


def late_alerts(gateway: Gateway) -> Iterator[Alert]:
    """An alert for each statement of a closed day that no later close holds yet."""
    c = t.DAYS.c
    closed = gateway.registry.rows(t.DAYS, c.state.in_(["reviewed", "closed"]))
    if not closed:
        return
    last = closed[-1]
    newest = gateway.registry.rows(t.DAYS, c.day >= last["day"], c.state != "open")[-1]
    for row in late_statements(gateway, last["day"], newest["prepared_at"]):
        yield Alert(
            "late_statement", f"{row['provider_id']}/{row['account']}/{row['statement_id']}",
            f"Statement {row['statement_id']} of {row['account']} ({row['provider_id']}) for {row['to_date']} came after that "
            f"day was closed. It is posted on the next day that closes, under its own value dates. If it must stand on its "
            f"day: `bulkrail close reopen {last['day']} --reason …`.",
        )  # fmt: skip
