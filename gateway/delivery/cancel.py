"""Cancel: what a client asks to have taken back (camt.055, pain.007) is taken out of everything not yet released.

Of each file concerned one transaction commits which of its payments are cancelled, voids the unreleased submissions they
stand in, and sends the file back to be planned anew for the others. It also takes the number of the file's next plan, so
that a plan made meanwhile, which may hold a payment that is cancelled here, and this decision cannot both be committed. A
submission that is being released at that moment makes the transaction fail, and the next look finds it too late.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.codes import Severity
from canonical.errors import Conflict
from canonical.findings import REFUSES
from canonical.frames import CANCELLED, OUTCOMES, conform
from gateway.composition import Gateway
from gateway.delivery.parts import dissolve, is_merged, parts_of
from gateway.feedback.news import note_news
from gateway.intake.files import file_row, move_file
from gateway.intake.judging import sums_of
from gateway.intake.limits import give_back_day
from gateway.intake.reading import asks_to_cancel, incomplete
from gateway.intake.requested import NAMES, Requested, cancel_stage, requested
from gateway.planning.reserves import give_back
from gateway.planning.route import route
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, row_of

_TRIES_MAX: Final = 20
_UNRELEASED: Final = ["PREPARED", "UPLOADING", "UPLOADED"]
_TAKEN: Final = "taken"
_TOO_LATE: Final = (
    "RJCT", "TM01", "It was released to the bank before this request; it can no longer be cancelled here.",
    "Ask your bank to recall it, or the payee to send it back.",
)  # fmt: skip
_TOO_LATE_DEBIT: Final = "Ask your bank to reverse it, or pay it back to the debtor."
_WORDS: Final = {
    _TAKEN: ("CANC", None, "Cancelled; it is not sent.", None),
    "cancelled": ("CANC", None, "It was cancelled or refused before, and is not sent.", None),
    "rejected": ("RJCT", "NOOR", "It was rejected and never sent; there is nothing to cancel.", None),
    "provider_rejected": ("RJCT", "NOOR", "The bank rejected it; there is nothing to cancel.", None),
    "returned": ("RJCT", "NOOR", "The bank sent the money back already.", None),
}
_COLUMNS: Final = ("status", "reason", "message", "remedy")


def cancel(gateway: Gateway, file: Mapping[str, Any]) -> dict[str, Any]:
    """Work a parsed cancellation request off, and commit what became of each payment it concerns.

    Returns: {"accepted": payments that are cancelled, "rejected": rows of the answer that are not, "findings", "verdict",
    "sums": {}, "unreadable": 0}. A repeat returns what was committed. Raises Conflict: submissions keep moving.
    """
    request_id, lake = file["file_id"], gateway.lake
    done = lake.committed(request_id, "validate")
    if done is not None:
        return done
    asked = lake.whole(request_id, "cancellations")
    findings = lake.whole(request_id, "findings", "parse")
    if not file["complete"]:
        findings = pl.concat([findings, incomplete()])
    faulty = _faulty(asked, findings)
    usable = asked.join(faulty, on="position", how="anti", maintain_order="left")
    told = _applied(gateway, file, usable)
    if told["payment_id"].null_count() and _read_earlier(gateway, file):
        told = _applied(gateway, file, usable)
    told = pl.concat([told, _refused(asked, faulty)]).sort("position", "payment_id", maintain_order=True)
    _commit(gateway, file, told, findings)
    # What is left of the files is planned at once; a worker that dies before leaves them among the unfinished.
    for file_id in told["payment_id"].drop_nulls().str.head(20).unique().sort():
        if file_row(gateway, file_id)["state"] == "approved":
            route(gateway, file_id)
    committed = lake.committed(request_id, "validate")
    assert committed is not None, "a commit that was lost was won by another attempt"
    return committed


def _faulty(asked: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """position, reason, message, remedy of the requests that a finding refuses: the first error on each, or on the file."""
    errors = findings.filter(REFUSES)
    of_file = errors.filter(pl.col("row").is_null()).head(1)
    told = ("reason", "message", "remedy")
    if not of_file.is_empty():
        return asked.select("position").join(of_file.select(told), how="cross")
    return errors.unique("row", keep="first", maintain_order=True).select(pl.col("row").alias("position"), *told)


def _read_earlier(gateway: Gateway, request: Mapping[str, Any]) -> bool:
    """Take files that came before the request, and that nobody has read yet, to where their payments are known."""
    from gateway.intake.parse import parse
    from gateway.intake.validate import validate

    files = t.FILES.c
    unread = gateway.registry.rows(
        t.FILES, files.client_id == request["client_id"], files.received_at <= request["received_at"],
        files.file_id != request["file_id"], files.state.in_(["received", "parsed"]), order=files.received_at,
    )  # fmt: skip
    for row in unread:
        parse(gateway, row["file_id"])
        # Of two requests neither waits for the other.
        if not asks_to_cancel(file_row(gateway, row["file_id"])["format"] or ""):
            validate(gateway, row["file_id"])
    return bool(unread)


# ---------------------------------------------------------------------------------------------- the files concerned


def _applied(gateway: Gateway, request: Mapping[str, Any], asked: pl.DataFrame) -> pl.DataFrame:
    """Take what is not released out of the files, and tell it: OUTCOMES of these requests."""
    for _ in range(_TRIES_MAX):
        look = requested(gateway, request, asked)
        try:
            for (file_id,), concerned in look.found.group_by("file_id", maintain_order=True):
                _take(gateway, request, str(file_id), concerned, look)
        except Conflict:
            continue  # a plan or a submission moved on meanwhile: look again
        return pl.concat([_outcomes(gateway, request["file_id"], look.found), _refused(asked, look.refused)])
    raise Conflict("the files' submissions keep moving; run the request again", file_id=request["file_id"])


def _take(gateway: Gateway, request: Mapping[str, Any], file_id: str, concerned: pl.DataFrame, look: Requested) -> None:
    """Commit which payments of a file are cancelled. Raises Conflict: it was planned, or is being released, meanwhile."""
    stage = cancel_stage(request["file_id"])
    if gateway.lake.committed(file_id, stage) is not None:
        return
    taken = concerned.filter(pl.col("state") == "waiting").unique("payment_id", keep="first", maintain_order=True)
    file, draft = file_row(gateway, file_id), gateway.lake.draft(file_id, stage)
    draft.write("cancelled", conform(
        taken.select("payment_id", "row", request=pl.lit(request["file_id"]), reason="asked_reason").sort("row"),
        CANCELLED,
    ))  # fmt: skip

    def mark(connection: Connection) -> None:
        if not taken.is_empty():
            _void(gateway, connection, request, file, taken, look)
            note_news(connection, [file_id])
        gateway.registry.audit(
            connection, "client", "cancelled", file_id, request=request["file_id"], payments=taken.height,
            too_late=concerned.height - taken.height,
        )  # fmt: skip

    draft.commit({"cancelled": taken.height}, mark)


def _void(
    gateway: Gateway, connection: Connection, request: Mapping[str, Any], file: Mapping[str, Any], taken: pl.DataFrame,
    look: Requested,
) -> None:  # fmt: skip
    registry, request_id, file_id = gateway.registry, request["file_id"], file["file_id"]
    plan = {"subject": file_id, "stage": f"route-{look.plans[file_id]}", "attempt": "cancelled"}
    detail = json.dumps({"cancelled_by": request_id})
    if not insert_new(connection, t.STAGES, **plan, committed_at=registry.now(), detail=detail):
        raise Conflict("the file was planned meanwhile", file_id=file_id)
    voided = taken["submission_id"].drop_nulls().unique().sort().to_list()
    for submission_id in _set_free(gateway, connection, file_id, voided, request_id):
        where = {"submission_id": submission_id, "state": _UNRELEASED, "merged_into": None}
        if not move(
            connection, t.SUBMISSIONS, where, state="VOIDED", detail="cancelled in part", changed_at=registry.now()
        ):
            raise Conflict("the submission is being released", submission_id=submission_id)
        give_back(connection, submission_id)
        registry.audit(connection, "gateway", "voided", submission_id, request=request_id)
    left = look.states.filter(pl.col("file_id") == file_id, ~pl.col("state").is_in(["rejected", "cancelled"]))
    left = left.join(taken, on="payment_id", how="anti")
    if left.is_empty():
        move_file(connection, file_id, ("validated", "held", "approved", "routed"), "cancelled")
        give_back(connection, file_id)
        return
    give_back_day(connection, file, sums_of(taken))
    if left["submission_id"].is_in(voided).any():
        move_file(connection, file_id, ("approved", "routed"), "approved")  # what is left of them is planned anew


def _set_free(
    gateway: Gateway, connection: Connection, file_id: str, submission_ids: list[str], request_id: str
) -> list[str]:
    """The file's own submissions among these: what others have in a merged one is not taken back with it."""
    own = []
    for submission_id in submission_ids:
        whole = row_of(connection, t.SUBMISSIONS, submission_id=submission_id)
        assert whole is not None, "what a payment stands in is known"
        parts = parts_of(connection, whole)
        if is_merged(whole):
            dissolve(gateway, connection, submission_id, f"cancelled in part by {request_id}")
        own += [part["submission_id"] for part in parts if part["file_id"] == file_id]
    return own


# ---------------------------------------------------------------------------------------------- what is told


def _outcomes(gateway: Gateway, request_id: str, found: pl.DataFrame) -> pl.DataFrame:
    """OUTCOMES of the payments concerned: what was decided, whoever committed it first."""
    decided = [
        gateway.lake.whole(file_id, "cancelled", cancel_stage(request_id))["payment_id"]
        for file_id in found["file_id"].unique().sort()
    ]
    ours = pl.concat([pl.Series("payment_id", [], dtype=pl.String), *decided])
    state = pl.when(pl.col("payment_id").is_in(ours.implode())).then(pl.lit(_TAKEN)).otherwise(pl.col("state"))
    told = {
        name: state.replace_strict(
            list(_WORDS), [words[n] for words in _WORDS.values()], default=_TOO_LATE[n], return_dtype=pl.String
        )
        for n, name in enumerate(_COLUMNS)
    }
    too_late = (told["reason"] == _TOO_LATE[1]) & (pl.col("credit_debit") == "DBIT")
    told["remedy"] = pl.when(too_late).then(pl.lit(_TOO_LATE_DEBIT)).otherwise(told["remedy"])
    columns = ("position", "line", "payment_id", *NAMES, "amount_text", "currency", "credit_debit", "counterparty_name")
    return conform(found.select(*columns, **told), OUTCOMES)


def _refused(asked: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    """OUTCOMES of the requests that are refused, with the references as the client gave them."""
    names = {name: pl.col(f"original_{name}") for name in NAMES}
    joined = asked.join(refused, on="position", how="inner", suffix="_told", maintain_order="left")
    return conform(
        joined.select("position", "line", "message", "remedy", **names, status=pl.lit("RJCT"), reason="reason_told"),
        OUTCOMES,
    )


def _commit(gateway: Gateway, request: Mapping[str, Any], told: pl.DataFrame, findings: pl.DataFrame) -> None:
    cancelled = told.filter(pl.col("status") == "CANC")
    rejected = told.height - cancelled.height
    fatal = bool((findings["severity"] == Severity.FATAL.value).any())
    verdict = "partial" if rejected else "accepted"
    detail: dict[str, Any] = {
        "accepted": cancelled["payment_id"].n_unique(), "rejected": rejected, "unreadable": 0, "sums": {},
        "findings": findings.height, "verdict": ("unreadable" if fatal else "rejected") if cancelled.is_empty() else verdict,
    }  # fmt: skip
    draft = gateway.lake.draft(request["file_id"], "validate")
    draft.write("outcomes", told)
    draft.write("findings", findings)

    def mark(connection: Connection) -> None:
        # A request of which nothing was applied may come again, like any file that was wholly rejected.
        state = "rejected" if cancelled.is_empty() else "applied"
        move_file(connection, request["file_id"], "parsed", state)
        gateway.registry.audit(connection, "gateway", "cancellation", request["file_id"], **detail)

    draft.commit(detail, mark)
