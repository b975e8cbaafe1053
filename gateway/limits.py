"""Day limits of clients: reserved in the registry, so that two files at once cannot spend one limit twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from canonical.money import format_minor
from canonical.profiles import ClientProfile
from gateway.registry import tables as t
from gateway.registry.engine import insert_new


class OverLimit(Exception):
    """A file does not fit what is left of its client's day limit; `message` says it in the client's terms."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def reserve(connection: Connection, client: ClientProfile, file: Mapping[str, Any], sums: Mapping[str, int]) -> None:
    """Take the file's sums (minor units by currency) from the client's limits of the day of receipt.

    Raises:
        OverLimit: they do not fit; the transaction must not be committed.
    """
    for currency, minor in sums.items():
        limit = client.limits.day.get(currency)
        if limit is None:
            continue
        name = f"limit:{client.client_id}:{file['received_on']}:{currency}"
        insert_new(connection, t.COUNTERS, name=name, value=0)
        counters = t.COUNTERS
        raised = counters.update().where(counters.c.name == name, counters.c.value + minor <= limit)
        if not connection.execute(raised.values(value=counters.c.value + minor)).rowcount:
            limited = f"{format_minor(limit, currency)} {currency}"
            raise OverLimit(
                f"With the files of {file['received_on']} before it, the file's {format_minor(minor, currency)} {currency} "
                f"are over the limit of {limited} a day."
            )
        insert_new(
            connection, t.LIMIT_USES, file_id=file["file_id"], currency=currency, counter=name, amount_minor=minor
        )


def release(connection: Connection, file_id: str) -> None:
    """Give back what a refused file reserved; a repeat gives back nothing."""
    uses = t.LIMIT_USES
    gone = connection.execute(
        uses.delete().where(uses.c.file_id == file_id).returning(uses.c.counter, uses.c.amount_minor)
    )
    for counter, minor in gone.fetchall():
        update = t.COUNTERS.update().where(t.COUNTERS.c.name == counter)
        connection.execute(update.values(value=t.COUNTERS.c.value - minor))
