"""Verification of payee: asked before a release, answered by the provider, decided by agreement or by a person.

A submission whose client's agreement asks for it, to a provider that offers it, is not released before its payees are
verified: the same payments go to the provider as a request with a message id of its own; the answer (pain.002) says of each
whether name and account belong together. What the profile lets pass is released by itself; the rest waits for a person, who
approves it or cancels it. A client may also cancel single payments (camt.055): the others are planned and asked about anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.contracts import Parcel
from canonical.errors import Conflict
from canonical.frames import CANCELLED, VERIFIED, conform
from canonical.identifiers import make_id
from canonical.plugins import lookup
from gateway.books.book import states_of
from gateway.composition import Gateway
from gateway.config import plugin_options
from gateway.delivery.dispatch import submission_payments, written_file
from gateway.delivery.releases import needs_verification
from gateway.delivery.submissions import OPEN, RegistryLog, submission_row
from gateway.feedback.news import note_news
from gateway.intake.files import file_row, move_file
from gateway.intake.requested import next_plan
from gateway.planning.plans import live_routes, routes_of
from gateway.planning.reserves import give_back
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move

_UNRELEASED: Final = ["PREPARED", "UPLOADING", "UPLOADED"]
_OF_GROUP: Final = {
    "RCVC": "RCVC",
    "RVNM": "RVNM",
    "RVMC": "RVMC",
    "RVNA": "RVNA",
    "RVNC": "RVNA",
    "RVCM": "RVNA",
    "RJCT": "RVNA",
}
"""What a word on the whole request says of a payment that has none of its own: where it is not plain, nobody verified it."""
_CODES: Final = ("RCVC", "RVMC", "RVNM", "RVNA")


def verify(gateway: Gateway, submission_id: str) -> None:
    """Ask the provider about the payees of a submission that needs it; a repeat carries on what was left on the way.

    Raises: TransientError, OutsideError: the request could not be delivered; call again.
    """
    row = submission_row(gateway, submission_id)
    if row["state"] not in _UNRELEASED or not needs_verification(gateway, file_row(gateway, row["file_id"]), row):
        return
    request = gateway.registry.one(t.VERIFICATIONS, of_submission=submission_id) or _planned(gateway, row)
    if request["state"] not in OPEN:
        return
    agreed = gateway.profiles.provider(row["destination"]).verification
    assert agreed is not None
    transport = lookup("providers", "TRANSPORT", agreed.transport.name)
    options = plugin_options("providers", "TRANSPORT", agreed.transport)
    log = RegistryLog(gateway, {**request, "kind": "verification"}, t.VERIFICATIONS)
    with gateway.store.local(request["key"]) as path, transport.connect(options, gateway.secret) as remote:
        parcel = Parcel(
            request["submission_id"], request["name"], path, request["size_bytes"], request["sha256"],
            row["payments"], row["sum_minor"], row["currency"],
        )  # fmt: skip
        remote.deliver(parcel, log)


def _planned(gateway: Gateway, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write the request and note it; where all payees were approved before, that approval stands."""
    registry, of_submission = gateway.registry, row["submission_id"]
    request_id = make_id("S", of_submission, "verification")
    suffix = lookup("exporters", "EXPORT", gateway.profiles.provider(row["destination"]).export.name).suffix
    values: dict[str, Any] = {"state": "DELIVERED", "decision": "automatic", "reason": "approved before"}
    if not _approved_before(gateway, row):
        asked = {**row, "submission_id": request_id, "name": request_id + suffix}
        written = written_file(gateway, asked, submission_payments(gateway, row))
        values = {"state": "PREPARED", "decision": "asked", **written}
    with registry.transaction() as connection:
        insert_new(
            connection, t.VERIFICATIONS,
            submission_id=request_id, of_submission=of_submission, file_id=row["file_id"], destination=row["destination"],
            name=request_id + suffix, attempt=0, detail="", changed_at=registry.now(), **values,
        )  # fmt: skip
    request = registry.one(t.VERIFICATIONS, of_submission=of_submission)
    assert request is not None, "it is ours, or another worker's"
    return request


def _approved_before(gateway: Gateway, row: Mapping[str, Any]) -> bool:
    """Every payment of the submission stood in a request that was approved: it was voided and planned anew since."""
    c = t.VERIFICATIONS.c
    approved = gateway.registry.rows(
        t.VERIFICATIONS, c.file_id == row["file_id"], c.destination == row["destination"],
        c.decision.in_(["automatic", "approved"]),
    )  # fmt: skip
    covered = routes_of(gateway.lake, row["file_id"], [request["of_submission"] for request in approved])
    here = routes_of(gateway.lake, row["file_id"], [row["submission_id"]])
    return here.join(covered, on="payment_id", how="anti").is_empty()


def take_answers(gateway: Gateway, provider_id: str, statuses: pl.DataFrame) -> list[str]:
    """Apply what a feedback file (STATUSES) says of our requests; the client files concerned. The first answer stands."""
    c = t.VERIFICATIONS.c
    named = pl.concat([statuses["original_message_id"], statuses["original_batch_id"]]).drop_nulls().unique().to_list()
    asked = gateway.registry.rows(
        t.VERIFICATIONS, c.destination == provider_id, c.decision == "asked", c.submission_id.in_(named)
    )
    return [request["file_id"] for request in asked if _take_answer(gateway, request, statuses)]


def _take_answer(gateway: Gateway, request: Mapping[str, Any], statuses: pl.DataFrame) -> bool:
    request_id, file_id = request["submission_id"], request["file_id"]
    ours = statuses.filter(
        (pl.col("original_message_id") == request_id).fill_null(value=False)
        | (pl.col("original_batch_id") == request_id).fill_null(value=False)
    )
    found = _said(gateway, request, ours)
    if found.is_empty():
        return False  # a receipt, nothing about payees yet
    counts = dict(found["status"].value_counts().sort("status").rows())
    agreed = gateway.profiles.provider(request["destination"]).verification
    passes = agreed is not None and set(counts) <= set(agreed.releases)
    draft = gateway.lake.draft(file_id, f"vop-{request_id}")
    draft.write("verified", found)

    def mark(connection: Connection) -> None:
        where = {"submission_id": request_id, "decision": "asked"}
        decision = "automatic" if passes else "waiting"
        if not move(connection, t.VERIFICATIONS, where, decision=decision, answer=json.dumps(counts, sort_keys=True)):
            raise Conflict("the verification was decided meanwhile", submission_id=request_id)
        note_news(connection, [file_id])
        gateway.registry.audit(connection, request["destination"], f"verification_{decision}", request_id, **counts)

    return draft.commit({"answer": counts}, mark)


def _said(gateway: Gateway, request: Mapping[str, Any], ours: pl.DataFrame) -> pl.DataFrame:
    """VERIFIED: what the answer says of each payment, none where it says nothing of payees yet."""
    group = ours.filter(pl.col("level") != "payment", pl.col("status").is_in(list(_OF_GROUP)))
    own = ours.filter(pl.col("level") == "payment", pl.col("status").is_in(_CODES))
    if group.is_empty() and own.is_empty():
        return conform(pl.DataFrame(schema={"payment_id": pl.String}), VERIFIED)
    otherwise = _OF_GROUP[group["status"][-1]] if group.height else "RVNA"
    routes = routes_of(gateway.lake, request["file_id"], [request["of_submission"]])
    parts = []
    for theirs, mine in (("original_instruction_id", "reference"), ("original_end_to_end_id", "end_to_end_id")):
        words = own.filter(pl.col(theirs).is_not_null()).unique(theirs, keep="first", maintain_order=True)
        unique = routes.filter(pl.col(mine).is_not_null() & ~pl.col(mine).is_duplicated())
        parts.append(unique.join(words, left_on=mine, right_on=theirs).select("payment_id", "status", "reason_text"))
    named = pl.concat(parts).unique("payment_id", keep="first", maintain_order=True)
    told = routes.select("payment_id", "row").join(named, on="payment_id", how="left", maintain_order="left")
    return conform(
        told.select(
            "payment_id", "row", verification=pl.lit(request["submission_id"]),
            status=pl.col("status").fill_null(otherwise), told="reason_text",
        ), VERIFIED,
    )  # fmt: skip


def decide_verification(gateway: Gateway, file_id: str, *, approved: bool, by: str, reason: str) -> list[str]:
    """A person's decision on what the provider said of a file's payees: it is released, or cancelled; the submissions.

    Raises: Conflict: nothing of the file waits for this decision, or it is being decided or planned at this moment.
    """
    c = t.VERIFICATIONS.c
    waiting = gateway.registry.rows(t.VERIFICATIONS, c.file_id == file_id, c.decision == "waiting")
    if not waiting:
        raise Conflict("nothing of this file waits for a decision on its payees", file_id=file_id)
    for request in waiting:
        if approved:
            with gateway.registry.transaction() as connection:
                _decide(gateway, connection, request, "approved", by, reason)
        else:
            _refuse(gateway, request, by, reason)
    return [request["of_submission"] for request in waiting]


def _decide(
    gateway: Gateway, connection: Connection, request: Mapping[str, Any], decision: str, by: str, reason: str
) -> None:
    registry, request_id = gateway.registry, request["submission_id"]
    where = {"submission_id": request_id, "decision": "waiting"}
    values = {"decision": decision, "decided_by": by, "reason": reason, "decided_at": registry.now()}
    if not move(connection, t.VERIFICATIONS, where, **values):
        raise Conflict("somebody else decided", submission_id=request_id)
    note_news(connection, [request["file_id"]])
    registry.audit(connection, by, f"verification_{decision}", request_id, reason=reason)


def _refuse(gateway: Gateway, request: Mapping[str, Any], by: str, reason: str) -> None:
    """Void the submission and cancel its payments. Like a client's request, it takes the number of the file's next plan."""
    file_id, registry = request["file_id"], gateway.registry
    number = next_plan(gateway, file_id)
    placed = live_routes(gateway, file_id).filter(pl.col("submission_id") == request["of_submission"])
    states = states_of(gateway, [file_id]).filter(~pl.col("state").is_in(["rejected", "cancelled"]))
    nothing_left = states.join(placed, on="payment_id", how="anti").is_empty()
    draft = gateway.lake.draft(file_id, f"vop-refused-{request['submission_id']}")
    draft.write("cancelled", conform(
        placed.select("payment_id", "row", request=pl.lit(request["submission_id"]), reason=pl.lit("CUST")), CANCELLED
    ))  # fmt: skip

    def mark(connection: Connection) -> None:
        plan = {"subject": file_id, "stage": f"route-{number}", "attempt": "refused", "committed_at": registry.now()}
        if not insert_new(connection, t.STAGES, **plan, detail=json.dumps({"refused": request["submission_id"]})):
            raise Conflict("the file was planned meanwhile; decide again", file_id=file_id)
        # What waits for this decision is in no merged file.
        where = {"submission_id": request["of_submission"], "state": _UNRELEASED, "merged_into": None}
        detail = f"payees refused by {by}"
        if not move(connection, t.SUBMISSIONS, where, state="VOIDED", detail=detail, changed_at=registry.now()):
            raise Conflict("the submission is being released or was voided", submission_id=request["of_submission"])
        give_back(connection, request["of_submission"])
        _decide(gateway, connection, request, "refused", by, reason)
        if nothing_left:
            move_file(connection, file_id, ("approved", "routed"), "cancelled")
            give_back(connection, file_id)

    draft.commit({"cancelled": placed.height}, mark)
