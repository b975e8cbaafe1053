"""What an answer says: one row a payment, with what was decided of it or where it stands, in the client's own terms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import polars as pl

from canonical.ahead import ahead
from canonical.contracts import ANSWER_DTYPES, Answer, FileHeader
from canonical.findings import OF_FILE, REFUSES
from canonical.frames import PAYMENTS, dtypes, empty
from canonical.masking import mask_of
from canonical.money import amount_minor
from canonical.parties import counterparty
from canonical.sentences import and_then
from gateway.answer_bookings import bookings, claims
from gateway.answer_corrections import corrections, of_payments, to_change
from gateway.answer_inherited import inherited, own_words, why, with_inherited
from gateway.answer_rejected import rejected_rows
from gateway.book import reasons_of, states_of
from gateway.composition import Gateway
from gateway.laid_out import compact, laid_out
from gateway.lake import RowSlices
from gateway.plans import live_routes, noted, standing_findings, standing_verdicts
from gateway.reading import asks_to_cancel, facts_of
from gateway.registry import tables as t
from gateway.spool import spooled

_ISO_STATUS = {
    "kept": "ACCP", "rejected": "RJCT", "provider_rejected": "RJCT", "returned": "RJCT", "cancelled": "CANC", "waiting": "PDNG", "accepted": "ACCP",
    "submitted_unknown": "PDNG", "outstanding": "ACSP", "settled": "ACSC",
}  # fmt: skip
_NOTHING = {"booked": pl.lit(0, dtype=pl.Int64), "corrections": pl.lit(0, dtype=pl.Int64)}
_WORDS = {
    "waiting": "Waits.",
    "kept": "Accepted.",
    "accepted": "Accepted; it goes out with the next submission.",
    "submitted_unknown": "Sent; the provider has not confirmed it yet.",
    "outstanding": "Sent to the bank.",
    "settled": "Booked by the bank.",
    "returned": "The bank sent the money back.",
}

_HELD = {"waiting": "Waits for a person's approval."}
"""Not what for: a hit on the operator's list is told to nobody outside."""

_PAYEES = {
    "RCVC": "The payee is verified (RCVC); others of the file wait for your decision.",
    "RVMC": "The payee's name is close, not the same (RVMC): approve or cancel it.",
    "RVNM": "The payee's name does not match the account (RVNM): approve or cancel it.",
    "RVNA": "The payee could not be verified (RVNA): approve or cancel it.",
}


def answer_of(
    gateway: Gateway, file: Mapping[str, Any], milestone: str, submission_id: str, rows: pl.DataFrame,
    duplicate: Mapping[str, Any] | None, news: pl.DataFrame | None = None,
) -> Answer:  # fmt: skip
    """The answer that an export writes. `duplicate`: the arrival that brought known bytes, None for the file itself."""
    findings = standing_findings(gateway, file["file_id"])
    parsed = gateway.lake.committed(file["file_id"], "parse") or {"payments": 0, "sums": {}}
    return Answer(
        answer_id=submission_id,
        client=gateway.profiles.client(file["client_id"]),
        file_id=file["file_id"],
        file_name=duplicate["name"] if duplicate else file["name"],
        header=FileHeader(**{name: file[name] or "unknown" for name in ("format", "version")},
                          **{name: file[name] for name in ("message_id", "created", "initiating_party")}),
        milestone=milestone,
        created=gateway.clock().replace(microsecond=0),
        status="RCVD" if milestone == "received" else group_status(rows),
        reasons=_file_reasons(findings),
        payments=parsed["payments"],
        sums_minor=parsed["sums"],
        rows=rows,
        findings=findings,
        facts=facts_of(file["format"], gateway.profiles.client(file["client_id"])),
        faulty=partial(_faulty, gateway, file["file_id"], findings, rows),
        rejected_rows=partial(rejected_rows, gateway, file, findings),
        duplicate_of=_original(file) if duplicate else None,
        news=news,
        bookings=partial(bookings, gateway, file["file_id"], news),
        corrections=partial(_corrections, gateway, file["file_id"], news),
    )  # fmt: skip


def _corrections(gateway: Gateway, file_id: str, news: pl.DataFrame | None) -> pl.DataFrame:
    return of_payments(gateway, file_id, corrections(gateway, states_of(gateway, [file_id])), news)


def _original(file: Mapping[str, Any]) -> str:
    received = dt.datetime.fromisoformat(file["received_at"])
    return f"{file['name']} received {received:%Y-%m-%d %H:%M} UTC ({file['file_id']})"


def _file_reasons(findings: pl.DataFrame) -> tuple[tuple[str, str], ...]:
    refusing = findings.filter(OF_FILE & REFUSES)
    return tuple(refusing.select("reason", and_then(pl.col("message"), pl.col("remedy"))).iter_rows())


def group_status(rows: pl.DataFrame) -> str:
    """Group status from the payments': one word where all agree, PART where some are rejected, RJCT for no payment."""
    statuses = rows["status"].unique().to_list()
    if not statuses:
        return "RJCT"
    if len(statuses) == 1:
        return str(statuses[0])
    if "RJCT" in statuses or "CANC" in statuses:
        return "PART"
    return "PDNG" if "PDNG" in statuses else "ACSP"


def answer_rows(gateway: Gateway, file: Mapping[str, Any], milestone: str) -> AbstractContextManager[pl.DataFrame]:
    """ANSWER rows of a file for a milestone, as a mapped frame that lives as long as the block."""
    return spooled(ahead(_rows(gateway, file, milestone)), ANSWER_DTYPES)


def no_rows() -> AbstractContextManager[pl.DataFrame]:
    """ANSWER rows of a file of which nothing is known but that it came."""
    return nullcontext(pl.DataFrame(schema=ANSWER_DTYPES))


_SHOWN = (
    "row", "line", "batch", "batch_id", "instruction_id", "end_to_end_id", "amount_text", "amount_minor", "currency",
    "credit_debit",
)  # fmt: skip
_TOLD = (*_SHOWN, "debtor_name", "creditor_name")


def _told_columns() -> list[pl.Expr]:
    return [pl.col(*_SHOWN), mask_of(counterparty("name")).alias("counterparty_name")]


def _rows(gateway: Gateway, file: Mapping[str, Any], milestone: str) -> Iterator[pl.DataFrame]:
    """ANSWER rows of a file, a part at a time, in file order."""
    if asks_to_cancel(file["format"] or ""):
        yield _requests(gateway, file["file_id"])
        return
    findings = standing_findings(gateway, file["file_id"])
    own, above = own_words(findings), inherited(findings)
    said = _decided(gateway, file) if milestone == "validated" else _happened(gateway, file["file_id"])
    for payments, states in said:
        told = payments.join(states, on="row", how="left", maintain_order="left")
        here = pl.col("row").is_between(payments["row"].min(), payments["row"].max())
        # Compact: each part would carry the words of the whole file with it.
        told = told.join(compact(own.filter(here)), on="row", how="left", maintain_order="left")
        yield _worded(with_inherited(told, above), file)


def _requests(gateway: Gateway, request_id: str) -> pl.DataFrame:
    """What became of a cancellation request, as ANSWER rows."""
    outcomes = gateway.lake.whole(request_id, "outcomes").with_columns(
        row="position", batch=pl.lit(1, dtype=pl.Int64), milestone=pl.lit("validated"),
        amount_minor=amount_minor(pl.col("amount_text"), pl.col("currency")), **_NOTHING,
    )  # fmt: skip
    return outcomes.select(ANSWER_DTYPES.keys())


def _decided(gateway: Gateway, file: Mapping[str, Any]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Payments of a part beside what validation, approval and plan decided of them: row, state, rule, reason, why."""
    file_id, lake = file["file_id"], gateway.lake
    planned = _planned(gateway, file_id)
    cancelled = lake.whole(file_id, "cancelled").select("row", taken=pl.lit(value=True))
    state = (
        pl.when((pl.col("status") == "RJCT") | (file["state"] == "rejected"))
        .then(pl.lit("rejected"))
        .when(pl.col("taken") | (file["state"] == "refused"))
        .then(pl.lit("cancelled"))
        .when(pl.lit(file["state"] == "held") | (pl.col("stands") == "waiting"))
        .then(pl.lit("waiting"))
        .when(pl.col("stands") == "kept")
        .then(pl.lit("kept"))
        .otherwise(pl.lit("accepted"))
    )
    verdicts = RowSlices(lake.parts(file_id, "verdicts"))
    for part in lake.parts(file_id, "payments", columns=_TOLD):
        verdict = verdicts.of(part)
        joined = verdict.join(planned, on="row", how="left", maintain_order="left").join(
            cancelled, on="row", how="left"
        )
        nothing = pl.lit(None, dtype=pl.String)
        columns = ("row", "rule", state.alias("state"), "reason", nothing.alias("provider_reason"))
        yield (
            part.select(*_told_columns()),
            joined.select(*columns, provider_message="why", milestone=pl.lit("validated"), **_NOTHING),
        )


def _planned(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """row, `why` (what is told of its plan or payee), `stands` (waiting, kept), where there is something to tell."""
    schema = {"row": pl.Int64, "why": pl.String, "stands": pl.String}
    telling = pl.col("submission_id").is_null() | pl.col("note").is_not_null()
    payees = _payees(gateway, file_id)
    parts = gateway.lake.parts(file_id, "routes", columns=["submission_id", "note"])
    if all(part.filter(telling).is_empty() for part in parts):
        return payees
    routes = live_routes(gateway, file_id).filter(telling).join(payees, on="row", how="anti")
    kept = pl.when(pl.col("execution_date").is_null()).then(pl.lit("waiting")).otherwise(pl.lit("kept"))
    stands = pl.when(pl.col("submission_id").is_null()).then(kept)
    told = noted(gateway, file_id, routes).select("row", why="text", stands=stands)
    return pl.concat([told, payees]).select(schema.keys())


def _payees(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """What the provider said of payees on whom somebody must decide now: as `_planned`."""
    c = t.VERIFICATIONS.c
    waiting = gateway.registry.rows(t.VERIFICATIONS, c.file_id == file_id, c.decision == "waiting")
    ids = [request["submission_id"] for request in waiting]
    found = gateway.lake.whole(file_id, "verified").filter(pl.col("verification").is_in(ids))
    said = pl.col("status").replace_strict(_PAYEES, return_dtype=pl.String)
    why = pl.concat_str([said, pl.col("told")], separator=" ", ignore_nulls=True)
    return found.select("row", why=why, stands=pl.lit("waiting"))


def _happened(gateway: Gateway, file_id: str) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Payments of a part beside where they stand now: row, state, rule, reason, provider_reason, provider_message."""
    states = states_of(gateway, [file_id])
    # What is planned but not sent yet is accepted, to the client; PDNG is for what waits for a person or a rail.
    planned = (pl.col("state") == "waiting") & pl.col("submission_id").is_not_null()
    stands = states.select(
        "payment_id", "row", "status_kind", state=pl.when(planned).then(pl.lit("accepted")).otherwise("state")
    )
    said = stands.join(reasons_of(gateway, states), on="payment_id", how="left", maintain_order="left")
    told = corrections(gateway, states)
    said = said.with_columns(milestone=_milestone()).drop("status_kind").join(
        _counted(claims(gateway, file_id), "booked"), on="payment_id", how="left", maintain_order="left"
    ).join(_counted(told, "corrections"), on="payment_id", how="left", maintain_order="left").join(
        to_change(told), on="payment_id", how="left", maintain_order="left"
    ).with_columns(
        pl.col("booked", "corrections").fill_null(0),
        provider_message=pl.concat_str("provider_message", "change", separator=" ", ignore_nulls=True).replace("", None),
    ).drop("change")  # fmt: skip
    verdicts = standing_verdicts(gateway, file_id).select("row", "rule", "reason")
    known = said.join(verdicts, on="row", how="left", maintain_order="left")
    known = known.join(_planned(gateway, file_id), on="row", how="left", maintain_order="left")
    unsent = pl.col("state").is_in(["waiting", "accepted"])
    known = known.with_columns(
        state=pl.when(unsent & pl.col("stands").is_not_null()).then("stands").otherwise("state"),
        provider_message=pl.coalesce("provider_message", pl.when(unsent).then("why")),
    ).drop("why", "stands")
    for part in gateway.lake.parts(file_id, "payments", columns=["payment_id", *_TOLD]):
        here = known.join(part.select("payment_id"), on="payment_id", how="semi", maintain_order="left")
        yield part.select(*_told_columns()), here.drop("payment_id")


def _counted(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    return frame.group_by("payment_id").agg(pl.len().cast(pl.Int64).alias(name))


def _milestone() -> pl.Expr:
    """The milestone that a payment stands at, from its state and the provider's words."""
    sent = pl.col("state").is_in(["submitted_unknown", "outstanding"])
    word = pl.any_horizontal(pl.col("status_kind", "provider_reason", "provider_message").is_not_null())
    back = (pl.col("state") == "provider_rejected") & (pl.col("status_kind") == "return")
    return (
        pl.when(pl.col("state").is_in(["settled", "returned"]))
        .then("state")
        .when(back)
        .then(pl.lit("returned"))
        .when((pl.col("state") == "provider_rejected") | (sent & word))
        .then(pl.lit("acknowledged"))
        .when(sent)
        .then(pl.lit("sent"))
        .otherwise(pl.lit("validated"))
    )


def _worded(told: pl.DataFrame, file: Mapping[str, Any]) -> pl.DataFrame:
    cancelled = "Not sent: the file was refused at approval." if file["state"] == "refused" else "Not sent: cancelled."
    words = pl.col("state").replace_strict(
        {**_WORDS, "cancelled": cancelled, **(_HELD if file["state"] == "held" else {})}, default=None, return_dtype=pl.String
    )  # fmt: skip
    status = pl.col("state").replace_strict(_ISO_STATUS, return_dtype=pl.String)
    rejected_here = pl.col("state") == "rejected"
    found = why(rejected_here)
    return told.select(
        *[name for name in ANSWER_DTYPES if name not in {"status", "reason", "message", "remedy"}],
        status=status,
        reason=pl.when(rejected_here).then("reason").otherwise("provider_reason"),
        message=and_then(and_then(words, pl.col("provider_message")), found["message"]),
        remedy=found["remedy"],
    ).select(ANSWER_DTYPES.keys())


def _faulty(
    gateway: Gateway, file_id: str, findings: pl.DataFrame, rows: pl.DataFrame, columns: Sequence[str]
) -> pl.DataFrame:
    """Columns of PAYMENTS of those with findings of their own, and of those that are not paid."""
    refused = rows.lazy().filter(pl.col("status").is_in(["RJCT", "CANC"])).select("row").collect()
    concerned = pl.concat([findings.select("row").drop_nulls(), refused]).unique()
    if concerned.is_empty():
        return empty(PAYMENTS).select(columns)
    types = dtypes(PAYMENTS)
    parts = gateway.lake.parts(file_id, "payments", columns=columns)
    kept = (part.join(concerned, on="row", how="semi", maintain_order="left") for part in parts)
    return laid_out(kept, {name: types[name] for name in columns})
