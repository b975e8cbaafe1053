"""Failover: what was not released to a provider in trouble is void, and planned onto another one that takes all of it."""

from __future__ import annotations

from typing import Final

from gateway.composition import Gateway
from gateway.delivery.dispatch import submission_payments
from gateway.delivery.parts import carry_along, delivered_as, files_of, parts_of
from gateway.delivery.submissions import submission_row
from gateway.intake.files import file_row
from gateway.planning.health import provider_troubles
from gateway.planning.reserves import give_back
from gateway.planning.route import current_candidates, route
from gateway.planning.routing import Planner
from gateway.registry import tables as t
from gateway.registry.engine import move

UNRELEASED: Final = ("PREPARED", "UPLOADING", "UPLOADED")


def fail_over(gateway: Gateway, submission_id: str) -> bool:
    """Void a submission and plan its payments anew; False where its provider is well, nobody else takes all, or it is late.

    What reached RELEASING stays where it is: the move is conditional on state and attempt.
    """
    submission_id = delivered_as(submission_row(gateway, submission_id))
    row = submission_row(gateway, submission_id)
    trouble = provider_troubles(gateway).get(row["destination"])
    if trouble is None or row["state"] not in UNRELEASED or not _others_take_all(gateway, submission_id):
        return False
    registry = gateway.registry
    with registry.transaction() as connection:
        where = {name: row[name] for name in ("submission_id", "state", "attempt", "merged_into")}
        detail = f"another provider takes it: {trouble}"
        if not move(connection, t.SUBMISSIONS, where, state="VOIDED", detail=detail, changed_at=registry.now()):
            return False
        give_back(connection, submission_id)
        carry_along(connection, submission_id)
        registry.audit(connection, "gateway", "voided", submission_id, reason=detail)
        files = files_of(connection, submission_id)
    for file_id in files:
        route(gateway, file_id)
    return True


def _others_take_all(gateway: Gateway, submission_id: str) -> bool:
    well = [option for option in current_candidates(gateway) if not option.trouble]
    row = submission_row(gateway, submission_id)
    with gateway.registry.transaction() as connection:
        parts = parts_of(connection, row)
    chosen = [
        Planner(well, gateway.profiles.client(file_row(gateway, part["file_id"])["client_id"])).choose(payments)
        for part in parts
        for payments in submission_payments(gateway, part)
    ]
    return bool(chosen) and all(payments["candidate"].null_count() == 0 for payments in chosen)
