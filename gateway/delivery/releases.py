"""What stands before every release besides the cut-off: the kill switch, verification of payee, the client's funds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from canonical.errors import PartWithheld, Withheld
from gateway.composition import Gateway
from gateway.delivery.funds import reserve_funds, uncovered
from gateway.delivery.parts import is_merged, parts_of
from gateway.delivery.stops import stopped_because
from gateway.registry import tables as t
from gateway.registry.engine import row_of


def withheld_because(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> list[str]:
    """Why a payment submission would not be released now, in words; nothing where it would. An answer never waits.

    A merged one waits for whatever one of its parts waits for.
    """
    if row["kind"] != "payment":
        return []
    if is_merged(row):
        told = [withheld_because(gateway, connection, part) for part in parts_of(connection, row)]
        return list(dict.fromkeys(word for words in told for word in words))
    client_id = _client_of(connection, row)
    reasons = stopped_because(connection, row["destination"], [client_id])
    short = uncovered(connection, gateway.profiles.client(client_id), row, row["sum_minor"])
    unverified = _unverified_because(gateway, connection, row)
    return [*reasons, *(word for word in (unverified, short) if word)]


def needs_verification(gateway: Gateway, file: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """True where the payees of a submission are verified first: its client's agreement asks for it, its provider offers it."""
    offered = gateway.profiles.provider(row["destination"]).verification is not None
    return offered and row["credit_debit"] == "CRDT" and file["verification"] == "needed"


def _unverified_because(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> str | None:
    file = row_of(connection, t.FILES, file_id=row["file_id"])
    assert file is not None, "a submission is of a file"
    if not needs_verification(gateway, file, row):
        return None
    request = row_of(connection, t.VERIFICATIONS, of_submission=row["submission_id"])
    if request is None or request["decision"] == "asked":
        return "waits for the verification of its payees"
    if request["decision"] == "waiting":
        counts = ", ".join(f"{count} {status}" for status, count in json.loads(request["answer"]).items())
        return f"waits for a decision on the verification of its payees ({counts}): bulkrail approve {row['file_id']} --vop"
    return "its payees were refused" if request["decision"] == "refused" else None


def take_release(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> None:
    """The checks of a release, inside the transaction that commits it; what it needs of its client's funds is taken.

    A repeat takes nothing more.

    Raises:
        Withheld: the transaction must not be committed. PartWithheld where some parts of a merged one could go.
    """
    if row["kind"] != "payment":
        return
    taken = [take_cover(gateway, connection, part) for part in parts_of(connection, row)]
    reasons = withheld_because(gateway, connection, row)
    if reasons or not all(taken):
        free = is_merged(row) and free_parts(gateway, connection, row)
        fault = PartWithheld if free else Withheld
        raise fault("; ".join(reasons) or "waits for funds", submission_id=row["submission_id"])


def free_parts(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a merged submission that nothing keeps back."""
    return [part for part in parts_of(connection, row) if not withheld_because(gateway, connection, part)]


def take_cover(gateway: Gateway, connection: Connection, row: Mapping[str, Any]) -> bool:
    """Take what a submission needs of its client's funds; False where they do not cover it. A repeat takes nothing more."""
    client = gateway.profiles.client(_client_of(connection, row))
    return reserve_funds(connection, client, row, row["sum_minor"], gateway.registry.now())


def _client_of(connection: Connection, row: Mapping[str, Any]) -> str:
    file = row_of(connection, t.FILES, file_id=row["file_id"])
    assert file is not None, "a submission is of a file"
    return str(file["client_id"])
