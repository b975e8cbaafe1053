"""Route: the accepted payments of an approved file are planned onto providers, once.

One transaction stores the plan: submissions, their sums, their reserved bank sequence numbers, and the routes of the
payments. A repeat reads the plan, also after the configuration changed. Payments whose submission was voided, or that
found no route, are planned by a further revision; a payment in a live submission never is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from sqlalchemy import Connection

from canonical.contracts import Order
from canonical.errors import Conflict
from canonical.file_names import file_name
from canonical.frames import ROUTES, conform
from canonical.identifiers import make_id
from canonical.plugins import lookup
from gateway.composition import Gateway
from gateway.files import file_row, move_file
from gateway.lake import Draft
from gateway.orders import order_of
from gateway.originals import originals
from gateway.registry import tables as t
from gateway.registry.engine import take_numbers
from gateway.routing import Candidate, candidates, choose, execution_dates

_GROUP = ("candidate", "execution_date")
_TRACE_NUMBERS = 9_000_000
"""A bank sequence number has seven digits; after so many numbers they begin again, long after the first were settled."""


def route(gateway: Gateway, file_id: str) -> list[str]:
    """Plan what of an approved file is not yet in a live submission; the ids of all live submissions of the file.

    Raises: NotFound; Conflict where the file is not approved.
    """
    file = file_row(gateway, file_id)
    if file["state"] not in {"approved", "routed"}:
        raise Conflict(f"only an approved file is routed; this one is {file['state']}", file_id=file_id)
    # The number is read before what it numbers: who plans on what another worker has planned since loses at the commit.
    revision = 1 + len(gateway.registry.rows(t.STAGES, t.STAGES.c.subject == file_id, t.STAGES.c.stage.like("route-%")))
    unplaced = _unplaced(gateway, file_id)
    if not unplaced.is_empty():
        _plan(gateway, file, unplaced, revision)
    return [row["submission_id"] for row in live_submissions(gateway, file_id)]


def live_submissions(gateway: Gateway, file_id: str) -> list[Mapping[str, Any]]:
    """Payment submissions of a file that are not voided."""
    return gateway.registry.rows(
        t.SUBMISSIONS,
        t.SUBMISSIONS.c.file_id == file_id,
        t.SUBMISSIONS.c.kind == "payment",
        t.SUBMISSIONS.c.state != "VOIDED",
    )


def live_routes(gateway: Gateway, file_id: str) -> pl.DataFrame:
    """ROUTES of a file as they stand: live placements, and for the rest the last word on why a payment waits."""
    live = [row["submission_id"] for row in live_submissions(gateway, file_id)]
    routes = gateway.lake.whole(file_id, "routes")
    placed = routes.filter(pl.col("submission_id").is_in(live))
    waiting = routes.filter(pl.col("submission_id").is_null()).unique("payment_id", keep="last", maintain_order=True)
    return pl.concat([placed, waiting.join(placed, on="payment_id", how="anti")]).sort("row")


def _unplaced(gateway: Gateway, file_id: str) -> pl.DataFrame:
    accepted = gateway.lake.whole(file_id, "verdicts").filter(pl.col("status") == "ACCP").select("payment_id")
    accepted = accepted.join(gateway.lake.whole(file_id, "cancelled"), on="payment_id", how="anti")
    placed = live_routes(gateway, file_id).filter(pl.col("submission_id").is_not_null())
    return accepted.join(placed, on="payment_id", how="anti")


def _plan(gateway: Gateway, file: Mapping[str, Any], unplaced: pl.DataFrame, revision: int) -> None:
    file_id = file["file_id"]
    options = candidates(gateway.profiles, gateway.clock())
    chosen = pl.concat([_placed(part, options) for part in _payments(gateway, file_id, unplaced)])
    if file["state"] == "routed" and chosen["candidate"].is_null().all():
        return  # still no rail for them: the plan that says so stands
    draft = gateway.lake.draft(file_id, f"route-{revision}")
    rows, frames = [], [_waiting(chosen)]
    for key, group in chosen.filter(pl.col("candidate").is_not_null()).group_by(_GROUP, maintain_order=True):
        candidate, execution_date = options[int(str(key[0]))], key[1]
        assert isinstance(execution_date, dt.date)
        row = _submission(gateway, file, candidate, execution_date, group, revision)
        rows.append(row)
        frames.append(_routes(order_of(gateway, row), row, group))
    draft.write("routes", conform(pl.concat(frames).sort("row"), ROUTES))
    _commit(gateway, draft, file_id, rows)


def _payments(gateway: Gateway, file_id: str, unplaced: pl.DataFrame) -> Iterator[pl.DataFrame]:
    with originals(gateway, file_id) as beside:
        for part in gateway.lake.parts(file_id, "payments"):
            yield beside(part.join(unplaced, on="payment_id", how="semi", maintain_order="left"))


def _placed(payments: pl.DataFrame, options: list[Candidate]) -> pl.DataFrame:
    return execution_dates(choose(payments, options), options).select(
        "payment_id",
        "row",
        "credit_debit",
        "amount_minor",
        "currency",
        "end_to_end_id",
        "candidate",
        "execution_date",
        "waiting",
    )


def _waiting(chosen: pl.DataFrame) -> pl.DataFrame:
    return conform(chosen.filter(pl.col("candidate").is_null()).drop("candidate"), ROUTES)


def _submission(
    gateway: Gateway, file: Mapping[str, Any], candidate: Candidate, execution_date: dt.date, group: pl.DataFrame,
    revision: int,
) -> dict[str, Any]:  # fmt: skip
    provider, now = candidate.provider, gateway.registry.now()
    slot = f"{provider.provider_id}/{candidate.account.account}/{candidate.rail.rail}/{group['credit_debit'][0]}/{execution_date}"
    submission_id = make_id("S", file["file_id"], slot, str(revision))
    with gateway.registry.transaction() as connection:
        # Numbers are taken before the plan is committed: an attempt that dies leaves a gap, never a repetition.
        trace = take_numbers(connection, f"trace:{provider.provider_id}:{candidate.account.agent}", group.height)
        file_sequence = take_numbers(connection, f"file:{provider.provider_id}:{candidate.business_date}", first=0)
    return {
        "submission_id": submission_id, "kind": "payment", "file_id": file["file_id"], "slot": f"{slot}#{revision}",
        "destination": provider.provider_id, "account": candidate.account.account, "rail": candidate.rail.rail,
        "currency": group["currency"][0], "credit_debit": group["credit_debit"][0], "payments": group.height,
        "sum_minor": int(group["amount_minor"].sum()),
        "name": file_name(
            provider.file_name, submission_id=submission_id, date=candidate.business_date, time=gateway.clock(),
            file_sequence=file_sequence, suffix=lookup("exporters", "EXPORT", provider.export.name).suffix,
        ),
        "business_date": candidate.business_date.isoformat(), "execution_date": execution_date.isoformat(),
        "cut_off_at": candidate.cut_off_at.isoformat(timespec="microseconds"),
        "sequence_first": (trace - 1) % _TRACE_NUMBERS + 1, "file_sequence": file_sequence,
        "state": "PREPARED", "attempt": 0, "detail": "", "created_at": now, "changed_at": now,
    }  # fmt: skip


def _routes(order: Order, row: Mapping[str, Any], group: pl.DataFrame) -> pl.DataFrame:
    export = lookup("exporters", "EXPORT", order.provider.export.name)
    placed = group.drop("candidate").with_columns(
        submission_id=pl.lit(row["submission_id"]),
        provider=pl.lit(row["destination"]),
        rail=pl.lit(row["rail"]),
        position=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    )
    return conform(
        placed.with_columns(reference=export.reference(order, pl.col("payment_id"), pl.col("position"))), ROUTES
    )


def _commit(gateway: Gateway, draft: Draft, file_id: str, rows: list[dict[str, Any]]) -> None:
    def mark(connection: Connection) -> None:
        if rows:
            connection.execute(t.SUBMISSIONS.insert(), rows)
        move_file(connection, file_id, ("approved", "routed"), "routed")
        ids = [row["submission_id"] for row in rows]
        gateway.registry.audit(connection, "gateway", "routed", file_id, submissions=ids)

    draft.commit({"submissions": [row["submission_id"] for row in rows]}, mark)
