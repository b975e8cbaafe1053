"""Failover: what was not released to a provider in trouble is void, and planned onto another one that takes all of it."""

from __future__ import annotations

from typing import Final

from gateway.composition import Gateway
from gateway.dispatch import submission_payments
from gateway.files import file_row
from gateway.health import provider_troubles
from gateway.registry import tables as t
from gateway.registry.engine import move
from gateway.reserves import give_back
from gateway.route import current_candidates, route
from gateway.routing import Planner
from gateway.submissions import submission_row

UNRELEASED: Final = ("PREPARED", "UPLOADING", "UPLOADED")


def fail_over(gateway: Gateway, submission_id: str) -> bool:
    """Void a submission and plan its payments anew; False where its provider is well, nobody else takes all, or it is late.

    What reached RELEASING stays where it is: the move is conditional on state and attempt.
    """
    row = submission_row(gateway, submission_id)
    trouble = provider_troubles(gateway).get(row["destination"])
    if trouble is None or row["state"] not in UNRELEASED or not _others_take_all(gateway, submission_id):
        return False
    registry = gateway.registry
    with registry.transaction() as connection:
        where = {"submission_id": submission_id, "state": row["state"], "attempt": row["attempt"]}
        detail = f"another provider takes it: {trouble}"
        if not move(connection, t.SUBMISSIONS, where, state="VOIDED", detail=detail, changed_at=registry.now()):
            return False
        give_back(connection, submission_id)
        registry.audit(connection, "gateway", "voided", submission_id, reason=detail)
    route(gateway, row["file_id"])
    return True


def _others_take_all(gateway: Gateway, submission_id: str) -> bool:
    row = submission_row(gateway, submission_id)
    client = gateway.profiles.client(file_row(gateway, row["file_id"])["client_id"])
    well = [option for option in current_candidates(gateway) if not option.trouble]
    planner = Planner(well, client)
    parts = [planner.choose(part)["candidate"] for part in submission_payments(gateway, row)]
    return bool(parts) and all(part.null_count() == 0 for part in parts)
