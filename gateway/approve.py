"""Approve: a validated file goes on by itself below the client's limits; above them it waits for a person."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from canonical.errors import Conflict
from canonical.money import format_minor
from canonical.profiles import ClientProfile
from gateway.composition import Gateway
from gateway.files import file_row, move_file
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move


def approve(gateway: Gateway, file_id: str) -> str:
    """Decide what the profile lets us decide: "approved", "held", "refused", or "rejected" where nothing was accepted.

    A currency for which the client has no limit is held: silence is no permission. A repeat returns what was decided.
    """
    file = file_row(gateway, file_id)
    if file["state"] == "rejected":
        return "rejected"
    validated = gateway.lake.committed(file_id, "validate")
    if validated is None:
        raise Conflict("the file is not validated yet; run validate first", file_id=file_id)
    if file["state"] == "validated":
        over = _over_limit(gateway.profiles.client(file["client_id"]), validated["sums"])
        decision, state = ("held", "held") if over else ("automatic", "approved")
        reason = "; ".join(over) or "within the client's automatic limits"
        with gateway.registry.transaction() as connection:
            if insert_new(
                connection, t.APPROVALS,
                file_id=file_id, decision=decision, decided_by=None, decided_at=gateway.registry.now(), reason=reason,
            ):  # fmt: skip
                move_file(connection, file_id, "validated", state)
                gateway.registry.audit(connection, "gateway", f"approval_{decision}", file_id, reason=reason)
    return _outcome(gateway, file_id)


def decide(gateway: Gateway, file_id: str, *, approved: bool, by: str, reason: str) -> str:
    """A person's decision on a held file. Raises NotFound; Conflict where it is not held."""
    decision, state = ("approved", "approved") if approved else ("refused", "refused")

    def mark(connection: Connection) -> bool:
        return move(
            connection, t.APPROVALS, {"file_id": file_id, "decision": "held"},
            decision=decision, decided_by=by, decided_at=gateway.registry.now(), reason=reason,
        )  # fmt: skip

    current = file_row(gateway, file_id)["state"]
    with gateway.registry.transaction() as connection:
        if not mark(connection):
            raise Conflict(f"the file does not wait for a decision (it is {current})", file_id=file_id)
        move_file(connection, file_id, "held", state)
        gateway.registry.audit(connection, by, f"approval_{decision}", file_id, reason=reason)
    return _outcome(gateway, file_id)


def _outcome(gateway: Gateway, file_id: str) -> str:
    state: str = file_row(gateway, file_id)["state"]
    return "approved" if state == "routed" else state


def _over_limit(client: ClientProfile, sums: dict[str, Any]) -> list[str]:
    over = []
    for currency, minor in sums.items():
        limit = client.approval_limit_minor.get(currency)
        if limit is None:
            over.append(f"{currency}: no automatic limit is agreed")
        elif minor > limit:
            over.append(f"{format_minor(minor, currency)} {currency} is over {format_minor(limit, currency)}")
    return over
