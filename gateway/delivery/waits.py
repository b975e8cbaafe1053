"""Waits: why each payment that was not sent yet waits, in words, from registry and lake alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from gateway.composition import Gateway
from gateway.delivery.merging import merges_at, waits_to_be_merged
from gateway.delivery.parts import delivered_as
from gateway.delivery.releases import withheld_because
from gateway.delivery.submissions import OPEN
from gateway.planning.plans import live_routes, live_submissions, noted
from gateway.registry import tables as t

_FILE_WORDS: Final = {
    "received": "not read yet",
    "parsed": "not validated yet",
    "validated": "not approved yet",
    "held": "held for a person's approval",
    "approved": "not planned yet",
}


def waits_of(gateway: Gateway, file: Mapping[str, Any], states: pl.DataFrame) -> pl.DataFrame:
    """payment_id, row, amount_minor, currency, `why` of the payments of a file that wait. `states`: its STATES."""
    waiting = states.filter(pl.col("state") == "waiting").select(
        "payment_id", "row", "amount_minor", "currency", "submission_id"
    )
    if waiting.is_empty():
        return waiting.drop("submission_id").with_columns(why=pl.lit(None, dtype=pl.String))
    of_submission = {
        delivered_as(row): submission_waits(gateway, row) for row in live_submissions(gateway, file["file_id"])
    }
    routes = noted(gateway, file["file_id"], live_routes(gateway, file["file_id"])).select("payment_id", "text")
    planned = pl.col("submission_id").replace_strict(of_submission, default=None, return_dtype=pl.String)
    otherwise = (
        held_because(gateway, file) if file["state"] == "held" else _FILE_WORDS.get(file["state"], "not planned yet")
    )
    told = waiting.join(routes, on="payment_id", how="left", maintain_order="left")
    return told.with_columns(why=pl.coalesce(planned, "text", pl.lit(otherwise))).drop("submission_id", "text")


def submission_waits(gateway: Gateway, row: Mapping[str, Any]) -> str | None:
    """Why an open submission is not released yet; None for one that is."""
    if row["state"] not in OPEN:
        return None
    with gateway.registry.transaction() as connection:
        reasons = withheld_because(gateway, connection, row)
    words = "its release was begun" if row["state"] == "RELEASING" else "planned"
    if waits_to_be_merged(row):
        words += f", merged with what goes the same way at {merges_at(gateway, row):%Y-%m-%d %H:%M} UTC"
    if row["cut_off_at"] and not reasons:
        words += f", goes out by {row['cut_off_at'][:16].replace('T', ' ')} UTC"
    return "; ".join(reasons) or words


def held_because(gateway: Gateway, file: Mapping[str, Any]) -> str:
    """What a held file is held for, and who approved it so far."""
    approval = gateway.registry.one(t.APPROVALS, file_id=file["file_id"])
    votes = gateway.registry.rows(t.VOTES, t.VOTES.c.file_id == file["file_id"], order=t.VOTES.c.voted_at)
    voted = [f"; {vote['voted_by']} has approved it, another person must" for vote in votes[:1]]
    return "".join([_FILE_WORDS["held"], f": {approval['reason']}" if approval else "", *voted])
