"""Requested: which payments the requests of a cancellation file name, and which requests name none, or not one alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import and_, or_

from canonical.codes import Level
from canonical.masking import mask_of
from canonical.parties import counterparty
from gateway.books.book import states_of
from gateway.composition import Gateway
from gateway.registry import tables as t

NAMES: Final = ("batch_id", "instruction_id", "end_to_end_id")
_IDS: Final = (*NAMES, "uetr")
_KNOWN: Final = {
    "file_id": pl.String, "batch": pl.Int64, "payment_id": pl.String, **dict.fromkeys(_IDS, pl.String),
    "amount_minor": pl.Int64, "amount_text": pl.String, "currency": pl.String, "credit_debit": pl.String,
    "row": pl.Int64, "counterparty_name": pl.String,
}  # fmt: skip
_PAIRS: Final = {
    "position": pl.Int64, "line": pl.Int64, "level": pl.String, "asked_reason": pl.String, "fits": pl.Boolean, **_KNOWN,
}  # fmt: skip
_TWICE: Final = {
    Level.PAYMENT.value: ("DU03", "Several payments have these references; none of them was cancelled."),
    Level.BATCH.value: ("DU02", "Several batches have this id; none of them was cancelled."),
    Level.FILE.value: ("DU01", "Several files have this message id; none of them was cancelled."),
}
_MORE: Final = "Name the payment by its instruction id, its batch id and its amount, so that it is the only one."
_AMOUNT: Final = (
    "AM09", "The payment with these references has another amount or currency; it was not cancelled.",
    "Give the amount as it stands in the original file, or leave it out.",
)  # fmt: skip
_NOT_FOUND: Final = (
    "NOOR", "No file of yours that came before this request has a payment with these references.",
    "Give the message id of the original file, and the ids of batch and payment as they stand there.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Requested:
    """What the requests of one file name.

    `found`: position, line, asked_reason beside each payment named, with file_id, row, ids, amount, `state`,
    `submission_id`. `refused`: position, reason, message, remedy of the other requests. `states`: STATES of the files
    concerned. `plans`: file_id → number of its next plan, read before its states.
    """

    found: pl.DataFrame
    refused: pl.DataFrame
    states: pl.DataFrame
    plans: Mapping[str, int]


def requested(gateway: Gateway, request: Mapping[str, Any], asked: pl.DataFrame) -> Requested:
    """Look the requests (CANCELLATIONS) up among the client's files that came before.

    A payment that was rejected is named only where no other one is; a request for one payment, one batch or one file that
    fits several of them is refused, since nobody can say which one is meant.
    """
    files = _files(gateway, request, asked)
    # The number is read before what it numbers: who decides on what another worker has planned since loses at the commit.
    plans = {file["file_id"]: next_plan(gateway, file["file_id"]) for file in files}
    pairs = pl.concat([pl.DataFrame(schema=_PAIRS), *[_of_file(gateway, file, asked) for file in files]])
    concerned = pairs["file_id"].unique().sort().to_list()
    states = states_of(gateway, concerned)
    known = pairs.join(
        states.select("payment_id", "state", "submission_id"), on="payment_id", how="left", maintain_order="left"
    ).with_columns(ours=pl.col("payment_id").is_in(_taken(gateway, request["file_id"], concerned).implode()))
    best = _best(known.filter("fits"))
    twice = _twice(best)
    found = best.join(twice, on="position", how="anti", maintain_order="left")
    differing = known.join(best, on="position", how="anti").select("position").unique()
    missing = asked.join(known, on="position", how="anti").select("position")
    refused = [twice, _said(differing, *_AMOUNT), _said(missing, *_NOT_FOUND)]
    return Requested(found, pl.concat(refused), states, plans)


def next_plan(gateway: Gateway, file_id: str) -> int:
    """The number that the next plan of a file takes, or whoever keeps it from being made on what stands now."""
    return 1 + len(gateway.registry.rows(t.STAGES, t.STAGES.c.subject == file_id, t.STAGES.c.stage.like("route-%")))


def cancel_stage(request_id: str) -> str:
    """The stage of a file in which a request took payments out of it."""
    return f"cancel-{request_id}"


def _files(gateway: Gateway, request: Mapping[str, Any], asked: pl.DataFrame) -> list[Mapping[str, Any]]:
    """The client's files, judged already, that the requests name: by message id, or by name or file id where one has none."""
    names = asked["original_message_id"].drop_nulls().unique().sort().to_list()
    files = t.FILES.c
    named = or_(
        files.message_id.in_(names),
        and_(files.message_id.is_(None), or_(files.name.in_(names), files.file_id.in_(names))),
    )
    return gateway.registry.rows(
        t.FILES, files.client_id == request["client_id"], files.received_at <= request["received_at"],
        files.state.not_in(["received", "parsed"]), files.file_id != request["file_id"], named, order=(files.received_at, files.file_id),
    )  # fmt: skip


def _taken(gateway: Gateway, request_id: str, file_ids: list[str]) -> pl.Series:
    """Payments that this very request took out before: an attempt that died had decided on them."""
    parts = [gateway.lake.whole(file_id, "cancelled", cancel_stage(request_id)) for file_id in file_ids]
    return pl.concat([pl.Series("payment_id", [], dtype=pl.String), *[part["payment_id"] for part in parts]])


def _of_file(gateway: Gateway, file: Mapping[str, Any], asked: pl.DataFrame) -> pl.DataFrame:
    own = [name for name in (file["message_id"], file["name"], file["file_id"]) if name is not None]
    wanted = asked.filter(pl.col("original_message_id").is_in(own[:1] if file["message_id"] is not None else own))
    parts = [pl.DataFrame(schema=_PAIRS)]
    for payments in gateway.lake.parts(file["file_id"], "payments"):
        known = payments.with_columns(
            file_id=pl.lit(file["file_id"]), counterparty_name=mask_of(counterparty("name"))
        ).select(_KNOWN.keys())
        parts += _pairs(wanted, known)
    return pl.concat(parts)


def _pairs(asked: pl.DataFrame, known: pl.DataFrame) -> list[pl.DataFrame]:
    """Requests beside the payments that have every reference they give: by payment, by batch, or the whole file."""
    left = asked.select(
        "position", "line", "level", *(pl.col(f"original_{name}") for name in _IDS), asked_reason="reason",
        asked_minor="amount_minor", asked_currency="currency",
    )  # fmt: skip
    pairs = []
    for key in ("uetr", "instruction_id", "end_to_end_id", "batch_id"):
        level = Level.BATCH.value if key == "batch_id" else Level.PAYMENT.value
        here = left.filter(pl.col("level") == level, pl.col(f"original_{key}").is_not_null())
        left = left.join(here, on="position", how="anti")
        joined = here.join(known, left_on=f"original_{key}", right_on=key, how="inner", coalesce=False)
        pairs.append(joined)
    pairs.append(left.filter(pl.col("level") == Level.FILE.value).join(known, how="cross"))
    same = [
        pl.col(f"original_{name}").is_null() | (pl.col(f"original_{name}") == pl.col(name)).fill_null(value=False)
        for name in _IDS
    ]
    fits = pl.all_horizontal(
        pl.col(f"asked_{short}").is_null() | (pl.col(f"asked_{short}") == pl.col(name)).fill_null(value=False)
        for short, name in (("minor", "amount_minor"), ("currency", "currency"))
    )
    return [pair.filter(*same).with_columns(fits=fits).select(_PAIRS.keys()) for pair in pairs]


def _best(pairs: pl.DataFrame) -> pl.DataFrame:
    """Of each request the payments in the place where it took some before, else those that were not rejected, else all.

    `place`: the payment, batch or file that the request means as one.
    """
    level, file_id = pl.col("level"), pl.col("file_id")
    place = (
        pl.when(level == Level.PAYMENT.value)
        .then("payment_id")
        .when(level == Level.BATCH.value)
        .then(pl.format("{}/{}", file_id, pl.col("batch")))
        .otherwise(file_id)
    )
    placed = pairs.with_columns(place=place).with_columns(decided=pl.col("ours").any().over("position", "place"))
    rank = pl.when(pl.col("state") == "rejected").then(2).when("decided").then(0).otherwise(1)
    return placed.with_columns(rank=rank).filter(pl.col("rank") == pl.col("rank").min().over("position"))


def _twice(best: pl.DataFrame) -> pl.DataFrame:
    """Requests that fit more than one payment, batch or file."""
    alive = best.filter(pl.col("state") != "rejected")
    counted = alive.group_by("position", "level").agg(pl.col("place").n_unique())
    several = counted.filter(pl.col("place") > 1)
    parts = [_said(several.filter(level=level), *words, _MORE) for level, words in _TWICE.items()]
    return pl.concat(parts)


def _said(positions: pl.DataFrame, reason: str, message: str, remedy: str) -> pl.DataFrame:
    words = {"reason": reason, "message": message, "remedy": remedy}
    return positions.select("position", **{name: pl.lit(text) for name, text in words.items()})


__all__ = ["NAMES", "Requested", "cancel_stage", "next_plan", "requested"]
