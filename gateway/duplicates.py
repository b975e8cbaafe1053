"""Look duplicate keys up in the committed runs of a client's earlier files."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict
from canonical.profiles import ClientProfile
from gateway.book import states_of
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move, row_of

HITS = {"payment_id": pl.String, "earlier_payment_id": pl.String, "earlier_day": pl.Date}
_NOT_PAID = ("rejected", "cancelled", "provider_rejected", "returned")


def next_number(gateway: Gateway, client_id: str) -> int:
    """The number that the client's next run would get."""
    with gateway.registry.transaction() as connection:
        row = row_of(connection, t.COUNTERS, name=_counter(client_id))
        return 1 if row is None else int(row["value"])


def take_number(connection: Connection, client_id: str, number: int) -> None:
    """Claim that number by compare-and-set. Raises Conflict: another file was first."""
    name = _counter(client_id)
    insert_new(connection, t.COUNTERS, name=name, value=1)
    if not move(connection, t.COUNTERS, {"name": name, "value": number}, value=number + 1):
        raise Conflict(f"another file of {client_id} committed its keys first")


def earlier_hits(
    gateway: Gateway, client: ClientProfile, keys: pl.DataFrame, number: int, today: dt.date
) -> pl.DataFrame:
    """payment_id, earlier_payment_id, earlier_day of every key that a run below `number` holds within the window.

    A hash hit counts only when the full fingerprint agrees. Payments that were rejected, cancelled or came back do not
    count: sending those again is right.
    """
    oldest = (today - dt.timedelta(days=client.duplicate_window_days)).isoformat()
    files = gateway.registry.rows(
        t.FILES,
        t.FILES.c.client_id == client.client_id,
        t.FILES.c.sequence < number,
        t.FILES.c.received_on >= oldest,
        t.FILES.c.state.not_in(["rejected", "refused"]),
    )
    hits = [pl.DataFrame(schema=HITS)]
    for file in files:
        for run in gateway.lake.parts(file["file_id"], "keys"):
            both = keys.join(run, on=["key", "fingerprint"], how="inner", suffix="_earlier")
            hits.append(both.select("payment_id", earlier_payment_id="payment_id_earlier", earlier_day="day_earlier"))
    found = pl.concat(hits).unique("payment_id", keep="first", maintain_order=True)
    if found.is_empty():
        return found
    earlier_files = found["earlier_payment_id"].str.split("-").list.first().unique().sort().to_list()
    not_paid = states_of(gateway, earlier_files).filter(pl.col("state").is_in(_NOT_PAID))
    return found.join(not_paid, left_on="earlier_payment_id", right_on="payment_id", how="anti")


def _counter(client_id: str) -> str:
    return f"keys:{client_id}"
