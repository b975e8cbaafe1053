"""Status: where a file and its payments stand, and whether the file ties out, all computed from registry and lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from canonical.errors import NotFound
from canonical.frames import OUTCOMES, empty
from gateway.books.book import known_states_of, reasons_of
from gateway.composition import Gateway
from gateway.delivery.parts import OF_ONE_FILE, delivered_as, parts_of
from gateway.delivery.waits import submission_waits, waits_of
from gateway.intake.files import file_row
from gateway.listed import details, listed
from gateway.planning.explain import explain_payment
from gateway.planning.plans import live_routes
from gateway.registry import tables as t
from gateway.registry.engine import row_of
from reconciliation.conservation import by_file, tie_out, tie_out_files
from reconciliation.frames import COUNTS


@dataclass(frozen=True, slots=True)
class Status:
    """`payments`: STATES with the provider's words; `equation`: the terms by currency and direction; `files`: read = parsed + unreadable.

    `waits`: why each payment waits that does. `submissions`: registry rows with `waits`, None where they are sent.
    `ways`: of the payment, every rail that was looked at, and why it was taken or lost. `outcomes`: OUTCOMES of a request to cancel.
    """

    file: Mapping[str, Any]
    approval: Mapping[str, Any] | None
    payments: pl.DataFrame
    submissions: list[Mapping[str, Any]]
    equation: pl.DataFrame
    files: pl.DataFrame
    waits: pl.DataFrame
    payment: Mapping[str, Any] | None = None
    ways: tuple[tuple[str, str], ...] = ()
    outcomes: pl.DataFrame = field(default_factory=partial(empty, OUTCOMES))

    @property
    def tied(self) -> bool:
        """Every equation holds."""
        return bool(self.equation["tied"].all() and self.files["tied"].all())

    def why_it_waits(self) -> pl.DataFrame:
        """why, currency, payments, sum_minor: what waits, by reason."""
        grouped = self.waits.group_by("why", "currency", maintain_order=True)
        return grouped.agg(payments=pl.len(), sum_minor=pl.sum("amount_minor"))

    def what_became(self) -> pl.DataFrame:
        """status, reason, message, `requests`: what became of what a request to cancel asks for."""
        return self.outcomes.group_by("status", "reason", "message", maintain_order=True).agg(requests=pl.len())

    def as_object(self) -> dict[str, Any]:
        """For `--output json`."""
        grouped = self.payments.group_by("state", "currency", "credit_debit").agg(
            payments=pl.len(), sum_minor=pl.sum("amount_minor")
        )
        return {
            "file": dict(self.file),
            "approval": dict(self.approval) if self.approval else None,
            "payment": dict(self.payment) if self.payment else None,
            "ways": [list(way) for way in self.ways],
            "states": grouped.sort("currency", "credit_debit", "state").to_dicts(),
            "waits": self.why_it_waits().to_dicts(),
            "outcomes": self.what_became().to_dicts(),
            "submissions": [dict(row) for row in self.submissions],
            "equation": self.equation.to_dicts(),
            "read": self.files.to_dicts(),
            "tied": self.tied,
        }


def status_of(gateway: Gateway, key: str, *, row: int | None = None) -> Status:
    """Status of a file id, or of the file that holds a payment of that end-to-end id or payment id.

    `row`: the payment of that row of the file, with the rails it took and lost.

    Raises:
        NotFound: nobody knows it. Conflict is never raised: of several payments of one end-to-end id the last is shown.
    """
    if gateway.registry.one(t.FILES, file_id=key) is not None:
        return _of_file(gateway, key, _payment(gateway, [key], pl.col("row") == row) if row is not None else None)
    files = gateway.registry.rows(t.FILES, order=t.FILES.c.received_at)
    known = (pl.col("end_to_end_id") == key) | (pl.col("payment_id") == key)
    found = _payment(gateway, [file["file_id"] for file in reversed(files)], known)
    return _of_file(gateway, found[:20], found)


def status_by_reference(gateway: Gateway, reference: str) -> Status:
    """Status of the payment that a provider's file names so: from the row of its file back to the client's row.

    Raises: NotFound: no provider's file names a payment so.
    """
    for file in reversed(gateway.registry.rows(t.FILES, order=t.FILES.c.received_at)):
        for part in gateway.lake.parts(file["file_id"], "routes"):
            hit = part.filter(pl.col("reference") == reference)
            if not hit.is_empty():
                return _of_file(gateway, file["file_id"], hit["payment_id"][-1])
    raise NotFound(f"no provider's file names a payment {reference!r}")


def _payment(gateway: Gateway, file_ids: list[str], condition: pl.Expr) -> str:
    for file_id in file_ids:
        for part in gateway.lake.parts(file_id, "payments"):
            hit = part.filter(condition)
            if not hit.is_empty():
                return str(hit["payment_id"][-1])
    raise NotFound("no file and no payment is known by that name")


def _of_file(gateway: Gateway, file_id: str, payment_id: str | None = None) -> Status:
    states, known = known_states_of(gateway, [file_id])
    file = file_row(gateway, file_id)
    waits = waits_of(gateway, file, states)
    payment = None
    placed = live_routes(gateway, file_id).filter(pl.col("payment_id") == (payment_id or ""))
    if payment_id is not None:
        words = reasons_of(gateway, states, known)
        payment = (
            states.filter(pl.col("payment_id") == payment_id)
            .join(words, on="payment_id", how="left")
            .join(_placed_in_file(gateway, placed), on="payment_id", how="left")
            .join(waits.select("payment_id", waits="why"), on="payment_id", how="left")
            .to_dicts()[0]
        )
    ways = explain_payment(gateway, file_id, placed["row"][0]) if placed.height else []
    return Status(
        file=file,
        approval=gateway.registry.one(t.APPROVALS, file_id=file_id),
        payments=states,
        submissions=[
            {**row, "waits": submission_waits(gateway, row)}
            for row in gateway.registry.rows(
                t.SUBMISSIONS, t.SUBMISSIONS.c.file_id == file_id, OF_ONE_FILE, order=t.SUBMISSIONS.c.created_at
            )
        ],
        waits=waits,
        equation=tie_out(states, ["file_id"], parsed=parsed_counts(gateway, [file_id])),
        files=tie_out_files(by_file(states), read_counts(gateway, [file_id])),
        payment=payment,
        ways=tuple(ways),
        outcomes=gateway.lake.whole(file_id, "outcomes"),
    )


def _placed_in_file(gateway: Gateway, placed: pl.DataFrame) -> pl.DataFrame:
    """payment_id, rail, position in the provider's file, its name; `placed`: ROUTES of one payment."""
    told = placed.select("payment_id", "rail", "position", file_name=pl.lit(None, dtype=pl.String))
    row = gateway.registry.one(t.SUBMISSIONS, submission_id=placed["submission_id"][0]) if placed.height else None
    if row is None:
        return told
    with gateway.registry.transaction() as connection:
        whole = row_of(connection, t.SUBMISSIONS, submission_id=delivered_as(row)) or row
        parts = parts_of(connection, whole)
    ids = [part["submission_id"] for part in parts]
    before = sum(part["payments"] for part in parts[: ids.index(row["submission_id"])])
    return told.with_columns(pl.col("position") + before, file_name=pl.lit(whole["name"]))


def read_counts(gateway: Gateway, file_ids: list[str]) -> pl.DataFrame:
    """COUNTS: what the parse stage of each file says it read."""
    rows, of_files = [], details(gateway.lake, file_ids, "parse")
    for file_id in file_ids:
        parsed = of_files.get(file_id, {"payments": 0, "unreadable": 0})
        total = parsed["payments"] + parsed["unreadable"]
        rows.append(
            {"file_id": file_id, "read": total, "parsed": parsed["payments"], "unreadable": parsed["unreadable"]}
        )
    return pl.DataFrame(rows, schema=empty(COUNTS).schema)


def parsed_counts(gateway: Gateway, file_ids: list[str]) -> pl.DataFrame:
    """What the payments written by the parse stage add up to, by file, client, currency and direction.

    Computed from the payment objects alone, so that a row lost between them and the states shows.
    """
    keys = ["file_id", "client", "currency", "credit_debit"]
    of_files = listed(gateway.lake, file_ids, "payments")
    files = gateway.registry.rows_of(t.FILES, t.FILES.c.file_id, file_ids)
    clients = {file["file_id"]: file["client_id"] for file in files}
    frames = [
        part.group_by("currency", "credit_debit")
        .agg(payments=pl.len().cast(pl.Int64), amount_minor=pl.col("amount_minor").sum())
        .with_columns(file_id=pl.lit(file_id), client=pl.lit(clients[file_id]))
        for file_id in file_ids
        for part in of_files.parts(file_id, "payments", columns=("currency", "credit_debit", "amount_minor"))
    ]
    schema = {**dict.fromkeys(keys, pl.String), "payments": pl.Int64, "amount_minor": pl.Int64}
    whole = pl.concat([pl.DataFrame(schema=schema), *[frame.select(schema.keys()) for frame in frames]])
    return whole.group_by(keys).agg(pl.sum("payments"), pl.sum("amount_minor")).sort(keys)
