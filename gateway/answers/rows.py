"""What an answer says: one row a payment, with what was decided of it or where it stands, in the client's own terms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import Any

import polars as pl

from canonical.ahead import ahead
from canonical.contracts import ANSWER_DTYPES, Answer, FileHeader
from canonical.findings import OF_FILE, REFUSES
from canonical.frames import PAYMENTS, dtypes, empty
from canonical.money import amount_minor
from canonical.sentences import and_then
from gateway.answers.bookings import bookings
from gateway.answers.corrections import corrections, of_payments
from gateway.answers.inherited import inherited, own_words, why, with_inherited
from gateway.answers.rejected import rejected_rows
from gateway.answers.states import NOTHING_COUNTED, decided, happened
from gateway.books.book import known_states_of
from gateway.composition import Gateway
from gateway.intake.reading import asks_to_cancel, facts_of
from gateway.laid_out import compact, laid_out
from gateway.planning.plans import standing_findings
from gateway.spool import spooled

_ISO_STATUS = {
    "kept": "ACCP", "rejected": "RJCT", "provider_rejected": "RJCT", "returned": "RJCT", "cancelled": "CANC", "waiting": "PDNG", "accepted": "ACCP",
    "submitted_unknown": "PDNG", "outstanding": "ACSP", "settled": "ACSC",
}  # fmt: skip
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


def answer_of(
    gateway: Gateway, file: Mapping[str, Any], milestone: str, submission_id: str, rows: pl.DataFrame,
    duplicate: Mapping[str, Any] | None, news: pl.DataFrame | None = None,
) -> Answer:  # fmt: skip
    """The answer that an export writes. `duplicate`: the arrival that brought known bytes, None for the file itself."""
    findings = standing_findings(gateway, file["file_id"])
    parsed = gateway.lake.committed(file["file_id"], "parse")
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
        payments=parsed["payments"] if parsed else 0,
        sums_minor=parsed["sums"] if parsed else {},
        declared=cache(partial(gateway.lake.whole, file["file_id"], "totals", "parse")),
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
    states, heard = known_states_of(gateway, [file_id])
    return of_payments(gateway, file_id, corrections(gateway, states, heard.words), news)


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


def _rows(gateway: Gateway, file: Mapping[str, Any], milestone: str) -> Iterator[pl.DataFrame]:
    """ANSWER rows of a file, a part at a time, in file order."""
    if asks_to_cancel(file["format"] or ""):
        yield _requests(gateway, file["file_id"])
        return
    findings = standing_findings(gateway, file["file_id"])
    own, above = own_words(findings), inherited(findings)
    said = decided(gateway, file) if milestone == "validated" else happened(gateway, file["file_id"])
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
        amount_minor=amount_minor(pl.col("amount_text"), pl.col("currency")), **NOTHING_COUNTED,
    )  # fmt: skip
    return outcomes.select(ANSWER_DTYPES.keys())


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
