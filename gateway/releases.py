"""What stands before every release besides the cut-off: the kill switch and the client's funds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from canonical.errors import Withheld
from gateway.composition import Gateway
from gateway.funds import reserve_funds, uncovered
from gateway.registry import tables as t
from gateway.registry.engine import row_of
from gateway.stops import stopped_because


def withheld_because(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> list[str]:
    """Why a payment submission would not be released now, in words; nothing where it would. An answer never waits."""
    if row["kind"] != "payment":
        return []
    client_id = _client_of(connection, row)
    reasons = stopped_because(connection, row["destination"], [client_id])
    short = uncovered(connection, gateway.profiles.client(client_id), row, row["sum_minor"])
    return [*reasons, *([short] if short else [])]


def take_release(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> None:
    """The checks of a release, inside the transaction that commits it; what it needs of its client's funds is taken.

    A repeat takes nothing more. Raises Withheld: the transaction must not be committed.
    """
    if row["kind"] != "payment":
        return
    client = gateway.profiles.client(_client_of(connection, row))
    taken = reserve_funds(connection, client, row, row["sum_minor"], gateway.registry.now())
    reasons = withheld_because(gateway, connection, row)
    if reasons or not taken:
        raise Withheld("; ".join(reasons) or "waits for funds", submission_id=row["submission_id"])


def _client_of(connection: Connection, row: Mapping[str, Any]) -> str:
    file = row_of(connection, t.FILES, file_id=row["file_id"])
    assert file is not None, "a submission is of a file"
    return str(file["client_id"])
