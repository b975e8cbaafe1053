"""Day limits of clients: reserved in the registry, so that two files at once cannot spend one limit twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from canonical.money import format_minor
from canonical.profiles import ClientProfile
from gateway.planning.reserves import give_back_part, reserve


class OverLimit(Exception):
    """A file does not fit what is left of its client's day limit; `message` is that of the finding it becomes."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _counter(file: Mapping[str, Any], currency: str) -> str:
    return f"limit:{file['client_id']}:{file['received_on']}:{currency}"


def give_back_day(connection: Connection, file: Mapping[str, Any], sums: Mapping[str, int]) -> None:
    """Give back what cancelled payments of a file (minor units by currency) took from the limits of its day of receipt."""
    for currency, minor in sums.items():
        give_back_part(connection, file["file_id"], _counter(file, currency), minor)


def reserve_day(
    connection: Connection, client: ClientProfile, file: Mapping[str, Any], sums: Mapping[str, int], at: str
) -> None:
    """Take the file's sums (minor units by currency) from the client's limits of the day of receipt.

    Raises:
        OverLimit: they do not fit; the transaction must not be committed.
    """
    for currency, minor in sums.items():
        limit = client.limits.day.get(currency)
        if limit is None:
            continue
        name = _counter(file, currency)
        if not reserve(connection, file["file_id"], name, minor, limit, at):
            limited = f"{format_minor(limit, currency)} {currency}"
            raise OverLimit(
                f"With the files of {file['received_on']} before it, the file's {format_minor(minor, currency)} {currency} "
                f"are over the limit of {limited} a day."
            )
