"""Resolve: a person says what became of a submission whose outcome nobody knows, after asking the provider.

Nothing is ever sent again blindly: what was not delivered is void, and its payments are planned anew. By setting two
persons must say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, select

from canonical.errors import Conflict
from gateway.books.book import states_of
from gateway.composition import Gateway
from gateway.delivery.dispatch import parcel_of, remote_of, submission_routes
from gateway.delivery.parts import carry_along, delivered_as, files_of
from gateway.delivery.requests import answered_numbers, has_replies, tell_undelivered
from gateway.delivery.submissions import RegistryLog, submission_row
from gateway.feedback.news import note_news
from gateway.planning.reserves import give_back
from gateway.planning.route import route
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move
from reconciliation.frames import BOOKED


def resolve(gateway: Gateway, submission_id: str, *, delivered: bool, by: str, reason: str) -> str:
    """UNKNOWN → DELIVERED, or VOIDED and planned anew; "UNKNOWN" while a second person must say the same.

    What is said of a part is said of the merged submission that it stands in. Where the provider has answered some of its requests,
    "not delivered" is of the others: they are told as rejected, and the submission is DELIVERED.

    Raises:
        NotFound: no such submission.
        Conflict: its outcome is known, this person has spoken already, or the bank has booked what is called undelivered.
        TransientError, OutsideError: undelivered, and what is left of it at the provider cannot be taken away.
    """
    submission_id = delivered_as(submission_row(gateway, submission_id))
    row = submission_row(gateway, submission_id)
    registry = gateway.registry
    if row["state"] != "UNKNOWN":
        raise Conflict(
            f"only an UNKNOWN submission is resolved; this one is {row['state']}", submission_id=submission_id
        )
    rest = None if delivered else _taken_back(gateway, row)
    with registry.transaction() as connection:
        # Writing to the row first makes two persons at once, and a provider's word meanwhile, wait for one another.
        where = {"submission_id": submission_id, "state": "UNKNOWN"}
        if not move(connection, t.SUBMISSIONS, where, changed_at=registry.now()):
            raise Conflict("its outcome became known in this moment", submission_id=submission_id)
        in_part = rest is not None and has_replies(connection, submission_id)
        enough = _enough(gateway, connection, submission_id, delivered=delivered, by=by, reason=reason)
        state = ("DELIVERED" if delivered else "VOIDED") if enough and not in_part else "UNKNOWN"
        if state != "UNKNOWN":
            move(connection, t.SUBMISSIONS, where, state=state, detail=f"{by}: {reason}")
            note_news(connection, files_of(connection, submission_id))
        if state == "VOIDED":
            give_back(connection, submission_id)
        carry_along(connection, submission_id)
        decided = "resolved_in_part" if in_part else f"resolved_{state.lower()}"
        action = decided if enough else "resolution_first_of_two"
        registry.audit(connection, by, action, submission_id, delivered=delivered, reason=reason)
        files = files_of(connection, submission_id)
    if enough and in_part and rest is not None:
        tell_undelivered(gateway, submission_id, dict(rest.select("number", "reference").iter_rows()), reason)
        RegistryLog(gateway, submission_row(gateway, submission_id)).delivered(
            f"{by}: what was not answered never arrived: {reason}"
        )
        return "DELIVERED"
    for file_id in files if state == "VOIDED" else ():
        route(gateway, file_id)
    return state


def _taken_back(gateway: Gateway, row: Mapping[str, Any]) -> pl.DataFrame:
    """`_unanswered`, of which no entry tells that it was delivered, and which nobody can release any more.

    Whoever slept before its release and wakes must find nothing that it could release beside what is planned anew.
    """
    rest = _unanswered(gateway, row)
    if booked := _booked(gateway, row["submission_id"], rest["payment_id"]):
        told = f"the bank booked {booked} of its payments: it was delivered"
        raise Conflict(told, submission_id=row["submission_id"])
    with parcel_of(gateway, row) as parcel, remote_of(gateway, row) as remote:
        remote.withdraw(parcel, RegistryLog(gateway, row))
    return rest


def _unanswered(gateway: Gateway, row: Mapping[str, Any]) -> pl.DataFrame:
    """payment_id, reference, number (of its request) of the payments that the provider has not answered; all where it takes files."""
    answered = answered_numbers(gateway, row["submission_id"])
    placed = pl.concat(
        routes.select("payment_id", "reference", number=pl.col("position") - 1)
        for _, routes in submission_routes(gateway, row)
    )
    return placed.filter(~pl.col("number").is_in(answered))


def _booked(gateway: Gateway, submission_id: str, payments: pl.Series) -> int:
    """How many of these payments of it an entry of a statement claims."""
    with gateway.registry.transaction() as connection:
        files = files_of(connection, submission_id)
    states = states_of(gateway, files).filter(pl.col("submission_id") == submission_id)
    return states.filter(pl.col("state").is_in(BOOKED), pl.col("payment_id").is_in(payments.implode())).height


def _enough(
    gateway: Gateway, connection: Connection, submission_id: str, *, delivered: bool, by: str, reason: str
) -> bool:
    """Note what a person says; True when as many say the same as must."""
    c, registry = t.RESOLUTIONS.c, gateway.registry
    is_new = insert_new(
        connection, t.RESOLUTIONS,
        submission_id=submission_id, decided_by=by, delivered=int(delivered), reason=reason, decided_at=registry.now(),
    )  # fmt: skip
    same = select(func.count()).where(c.submission_id == submission_id, c.delivered == int(delivered))
    enough = int(connection.execute(same).scalar_one()) >= (2 if gateway.settings.resolve_four_eyes else 1)
    if not is_new and not enough:  # who died after enough had said it goes on
        raise Conflict(f"{by} has said it already; another person must", submission_id=submission_id)
    return enough
