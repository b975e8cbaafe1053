"""Where each payment of a file stands, for its answers: what was decided of it at first, what happened to it since.

Both give the payments a part of the file at a time, in file order, and beside each part, by row: state, the rule and reason of a
refusal here, the provider's reason and words, the milestone, and how many bookings and corrections there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from canonical.masking import mask_of
from canonical.parties import counterparty
from canonical.sentences import and_then
from gateway.answers.bookings import claims_among
from gateway.answers.corrections import corrections, to_change
from gateway.books.book import known_states_of, reasons_of
from gateway.composition import Gateway
from gateway.lake import RowSlices
from gateway.planning.plans import live_routes, noted, standing_verdicts
from gateway.registry import tables as t

NOTHING_COUNTED: Final = {"booked": pl.lit(0, dtype=pl.Int64), "corrections": pl.lit(0, dtype=pl.Int64)}
"""No bookings, no corrections."""
_SHOWN: Final = (
    "row", "line", "batch", "batch_id", "instruction_id", "end_to_end_id", "amount_text", "amount_minor", "currency",
    "credit_debit",
)  # fmt: skip
_TOLD: Final = (*_SHOWN, "debtor_name", "creditor_name")
_PAYEES: Final = {
    "RCVC": "The payee is verified (RCVC); others of the file wait for your decision.",
    "RVMC": "The payee's name is close, not the same (RVMC): approve or cancel it.",
    "RVNM": "The payee's name does not match the account (RVNM): approve or cancel it.",
    "RVNA": "The payee could not be verified (RVNA): approve or cancel it.",
}
"""What the provider said of a payee, while the client decides."""


def _told_columns() -> list[pl.Expr]:
    return [pl.col(*_SHOWN), mask_of(counterparty("name")).alias("counterparty_name")]


def decided(gateway: Gateway, file: Mapping[str, Any]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
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
            joined.select(*columns, provider_message="why", milestone=pl.lit("validated"), **NOTHING_COUNTED),
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


def happened(gateway: Gateway, file_id: str) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Payments of a part beside where they stand now: row, state, rule, reason, provider_reason, provider_message."""
    states, heard = known_states_of(gateway, [file_id])
    # What is planned but not sent yet is accepted, to the client; PDNG is for what waits for a person or a rail.
    planned = (pl.col("state") == "waiting") & pl.col("submission_id").is_not_null()
    stands = states.select(
        "payment_id", "row", "status_kind", state=pl.when(planned).then(pl.lit("accepted")).otherwise("state")
    )
    said = stands.join(reasons_of(gateway, states, heard), on="payment_id", how="left", maintain_order="left")
    told = corrections(gateway, states, heard.words)
    said = said.with_columns(milestone=_milestone()).drop("status_kind").join(
        _counted(claims_among(heard.matches, file_id), "booked"), on="payment_id", how="left", maintain_order="left"
    ).join(_counted(told, "corrections"), on="payment_id", how="left", maintain_order="left").join(
        to_change(told), on="payment_id", how="left", maintain_order="left"
    ).with_columns(
        pl.col("booked", "corrections").fill_null(0),
        provider_message=and_then(pl.col("provider_message"), pl.col("change")),
    ).drop("change")  # fmt: skip
    verdicts = standing_verdicts(gateway.lake, file_id).select("row", "rule", "reason")
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
