"""Approve: a validated file goes on by itself below the client's limits; above them it waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from canonical.errors import Conflict
from canonical.money import format_minor
from canonical.profiles import ClientProfile
from gateway.composition import Gateway
from gateway.intake.files import file_row, move_file
from gateway.intake.screening import screening_hits
from gateway.planning.reserves import give_back
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, row_of


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
        _decide_first(gateway, file, validated["sums"])
    return _outcome(gateway, file_id)


def _decide_first(gateway: Gateway, file: Mapping[str, Any], sums: Mapping[str, int]) -> None:
    """Approve the file, or hold it with the reasons and how many persons must approve. `sums`: accepted, minor units by currency."""
    client, file_id = gateway.profiles.client(file["client_id"]), file["file_id"]
    four_eyes = _over(client.four_eyes_limit_minor, sums)
    held_for = [*_over_limit(client, sums), *screening_hits(gateway, file)] or four_eyes
    decision, state = ("held", "held") if held_for else ("automatic", "approved")
    reason = "; ".join(held_for) or "within the client's automatic limits"
    if four_eyes:
        reason += "; two persons must approve it"
    with gateway.registry.transaction() as connection:
        if insert_new(
            connection, t.APPROVALS,
            file_id=file_id, decision=decision, decided_by=None, decided_at=gateway.registry.now(), reason=reason,
            needed=2 if four_eyes else 1,
        ):  # fmt: skip
            move_file(connection, file_id, "validated", state)
            gateway.registry.audit(connection, "gateway", f"approval_{decision}", file_id, reason=reason)


def decide(gateway: Gateway, file_id: str, *, approved: bool, by: str, reason: str) -> str:
    """A person's decision on a held file: one refusal refuses it, as many approvals as it needs approve it.

    Raises:
        NotFound: no such file.
        Conflict: it is not held, or this person has approved it already.
    """
    current = file_row(gateway, file_id)["state"]
    with gateway.registry.transaction() as connection:
        # Writing to the row first makes two persons at once wait for one another.
        waiting = {"file_id": file_id, "decision": "held"}
        if not move(connection, t.APPROVALS, waiting, decided_at=gateway.registry.now()):
            raise Conflict(f"the file does not wait for a decision (it is {current})", file_id=file_id)
        waits = approved and not _enough(gateway, connection, file_id, by, reason)
        if not waits:
            decision = "approved" if approved else "refused"
            move(connection, t.APPROVALS, {"file_id": file_id}, decision=decision, decided_by=by, reason=reason)
            move_file(connection, file_id, "held", decision)
            if not approved:
                give_back(connection, file_id)
        action = "approval_first_of_two" if waits else f"approval_{decision}"
        gateway.registry.audit(connection, by, action, file_id, reason=reason)
    return _outcome(gateway, file_id)


def _enough(gateway: Gateway, connection: Connection, file_id: str, by: str, reason: str) -> bool:
    """Note an approval; True when there are as many as the file needs."""
    if not insert_new(
        connection, t.VOTES, file_id=file_id, voted_by=by, voted_at=gateway.registry.now(), reason=reason
    ):
        raise Conflict(f"{by} has approved it already; another person must", file_id=file_id)
    votes = connection.execute(
        select(func.count()).select_from(t.VOTES).where(t.VOTES.c.file_id == file_id)
    ).scalar_one()
    row = row_of(connection, t.APPROVALS, file_id=file_id)
    assert row is not None
    return int(votes) >= int(row["needed"])


def _outcome(gateway: Gateway, file_id: str) -> str:
    state: str = file_row(gateway, file_id)["state"]
    return "approved" if state == "routed" else state


def _over_limit(client: ClientProfile, sums: Mapping[str, int]) -> list[str]:
    unknown = [
        f"{currency}: no automatic limit is agreed" for currency in sums if currency not in client.approval_limit_minor
    ]
    return unknown + _over(client.approval_limit_minor, sums)


def _over(limits: Mapping[str, int], sums: Mapping[str, int]) -> list[str]:
    return [
        f"{format_minor(minor, currency)} {currency} is over {format_minor(limits[currency], currency)}"
        for currency, minor in sums.items()
        if currency in limits and minor > limits[currency]
    ]
