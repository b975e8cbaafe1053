"""Plans: what the numbers in ROUTES mean. The words stand once a plan, with its stage, not once a payment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from canonical.frames import ROUTES, VERDICTS, empty
from gateway.composition import Gateway
from gateway.delivery.parts import OF_ONE_FILE
from gateway.lake import Lake
from gateway.listed import Listed
from gateway.registry import tables as t

NOTES: Final = {"plan": pl.Int64, "note": pl.Int64, "text": pl.String}


def live_submissions(gateway: Gateway, file_id: str) -> list[Mapping[str, Any]]:
    """Payment submissions of a file that are not voided, on their own or as parts of merged ones."""
    return gateway.registry.rows(
        t.SUBMISSIONS,
        t.SUBMISSIONS.c.file_id == file_id,
        t.SUBMISSIONS.c.kind == "payment",
        t.SUBMISSIONS.c.state != "VOIDED",
        OF_ONE_FILE,
    )


def live_routes(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """ROUTES of a file as they stand: live placements, and for the rest the last word on why a payment waits."""
    live = [row["submission_id"] for row in live_submissions(gateway, file_id)]
    routes = gateway.lake.whole(file_id, "routes")
    placed = routes.filter(pl.col("submission_id").is_in(live))
    waiting = routes.filter(pl.col("submission_id").is_null()).sort("plan").unique("payment_id", keep="last")
    return pl.concat([placed, waiting.join(placed, on="payment_id", how="anti")]).sort("row")


def routes_of(lake: Lake, file_id: str, submission_ids: Iterable[str]) -> pl.DataFrame:
    """ROUTES of a file's payments in these submissions, in the order of their plans and of their rows in each."""
    named = pl.Series("submission_id", list(submission_ids), dtype=pl.String)
    here = pl.col("submission_id").is_in(named.implode())
    return pl.concat([empty(ROUTES), *(part.filter(here) for part in lake.parts_with(file_id, "routes", named))])


def plan_words(gateway: Gateway, file_id: str, plan: int) -> Mapping[str, Any]:
    """`ways`, `choices` and `notes` of a plan (see `gateway.planning.route`)."""
    return gateway.lake.committed(file_id, f"route-{plan}") or {}


def plan_notes(gateway: Gateway, file_id: str, routes: pl.DataFrame) -> pl.DataFrame:
    """plan, note, text: what the notes say that ROUTES name."""
    rows = [
        (plan, number, text)
        for plan in routes["plan"].unique().sort()
        for number, text in enumerate(plan_words(gateway, file_id, plan).get("notes", ()))
    ]
    return pl.DataFrame(rows, schema=NOTES, orient="row")


def noted(gateway: Gateway, file_id: str, routes: pl.DataFrame) -> pl.DataFrame:
    """ROUTES with `text`: what is to be told of the payment's plan, null where nothing is."""
    notes = plan_notes(gateway, file_id, routes)
    return routes.join(notes, on=["plan", "note"], how="left", maintain_order="left")


def standing_verdicts(lake: Lake | Listed, file_id: str) -> pl.DataFrame:
    """VERDICTS of a file; a payment that lapsed while it was kept is rejected now."""
    verdicts, lapsed = lake.whole(file_id, "verdicts"), lake.whole(file_id, "lapsed")
    if lapsed.is_empty():
        return verdicts
    return (
        pl.concat([verdicts.join(lapsed, on="payment_id", how="anti"), lapsed])
        .sort("row")
        .select(VERDICTS.columns.keys())
    )


def standing_findings(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """FINDINGS of a file's validation, and of the days on which its kept payments were released."""
    return pl.concat([gateway.lake.whole(file_id, "findings", "validate"), gateway.lake.whole(file_id, "lapses")])
