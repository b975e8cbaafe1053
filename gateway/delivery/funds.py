"""Funds: no credit transfer of a client leaves without cover, where its profile asks for it.

The counter of a client and currency is what was released less what was paid in: it may not grow beyond the agreed overdraft.
A submission takes its sum in the transaction that commits its release; it is given back where a person finds that nothing
was delivered. Money that comes back later (rejected, returned) is paid in again when it is there. What is paid in is told by a person
(`fund`), or read from statements by the rules of the client's profile (`paid_in`).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, func, or_, select

from canonical.errors import Conflict, NotFound
from canonical.money import format_minor, parse_minor
from canonical.profiles import ClientProfile, PaidIn
from gateway.composition import Gateway
from gateway.planning.reserves import reserve
from gateway.registry import tables as t
from gateway.registry.engine import insert_new
from reconciliation.fundings import TOLD_UNTIL
from reconciliation.reports import FUNDING

_OF_ENTRY: Final = re.compile(r"entry E[0-9a-f]{19}$")


def fund(  # noqa: PLR0913  each is a word of the command
    gateway: Gateway, client_id: str, currency: str, amount: str, *, by: str, reason: str = "",
    as_of: dt.datetime | None = None, beside_statements: bool = False,
) -> int:  # fmt: skip
    """Tell what a client has: an amount it paid in (prefunded; "-" takes back), or its account's available balance.

    A balance is of one moment, now by default: what was released after it, or is in doubt, counts against it. Of a client whose money is known
    from statements only that is told which no statement will show: `beside_statements` says so, and who said it is kept.

    Returns: what it may release now, minor units.

    Raises:
        NotFound: no such client, no funding agreed, no such amount.
        Conflict: its money is known from statements, and nobody says that this is not.
    """
    client = gateway.profiles.client(client_id)
    if client.funding is None:
        raise NotFound(f"no funding is agreed with {client_id}: nothing is checked before its releases")
    minor = parse_minor(amount.removeprefix("-"), currency)
    if minor is None:
        raise NotFound(f"{amount!r} is no amount of {currency}")
    minor = -minor if amount.startswith("-") else minor
    if client.funding.paid_in and minor > 0 and not beside_statements:
        raise Conflict(
            f"what {client_id} pays in is known from statements: told as well, the same money would count twice. Tell only "
            f"what no statement will show (--beside-statements)"
        )
    name, registry = counter_of(client_id, currency), gateway.registry
    counter = t.COUNTERS.update().where(t.COUNTERS.c.name == name)
    with registry.transaction() as connection:
        insert_new(connection, t.COUNTERS, name=name, value=0)
        paid_in = counter.values(value=t.COUNTERS.c.value - minor)
        if client.funding.kind == "balance":
            connection.execute(counter.values(value=t.COUNTERS.c.value))  # who releases now is counted or comes later
            moment = (as_of or gateway.clock()).astimezone(dt.UTC).isoformat(timespec="microseconds")
            paid_in = counter.values(value=_released_since(connection, name, moment) - minor)
        connection.execute(paid_in)
        registry.audit(
            connection, by, "funded", client_id, currency=currency, amount_minor=minor, kind=client.funding.kind,
            reason=reason, beside_statements=beside_statements,
        )  # fmt: skip
        return _available(connection, client, currency)


def paid_in_rules(gateway: Gateway) -> dict[str, tuple[PaidIn, ...]]:
    """Client → what tells the money that it pays in, of those that have such rules."""
    clients = gateway.profiles.clients.items()
    return {name: client.funding.paid_in for name, client in clients if client.funding and client.funding.paid_in}


def told_by_persons(gateway: Gateway) -> pl.DataFrame:
    """TOLD_UNTIL: of each client and currency the last day on which a person told of money that statements may show as well.

    Where all of it was taken back, nothing was told.
    """
    sums: dict[tuple[str, str], int] = {}
    days: dict[tuple[str, str], str] = {}
    for row in gateway.registry.rows(t.AUDIT, t.AUDIT.c.action == "funded"):
        detail = json.loads(row["detail"])
        # What a run or a person took from a statement names its entry.
        if detail["kind"] != "prefunded" or detail.get("beside_statements") or _OF_ENTRY.match(detail["reason"]):
            continue
        key = row["subject"], detail["currency"]
        sums[key] = sums.get(key, 0) + detail["amount_minor"]
        if detail["amount_minor"] > 0:
            days[key] = row["at"][:10]
    told = [(*key, dt.date.fromisoformat(day)) for key, day in days.items() if sums[key] > 0]
    return pl.DataFrame(told, schema=TOLD_UNTIL, orient="row")


def note_paid_in(
    gateway: Gateway, connection: Connection, fundings: pl.DataFrame, by: str = "gateway", *, sign: int = 1
) -> None:
    """Add FUNDINGS to their clients' funds, or take them off (`sign` -1); part of the commit of their run: each counts once."""
    for row in fundings.iter_rows(named=True):
        name = counter_of(row["client"], row["currency"])
        insert_new(connection, t.COUNTERS, name=name, value=0)
        counter = t.COUNTERS.update().where(t.COUNTERS.c.name == name)
        minor = sign * row["amount_minor"]
        connection.execute(counter.values(value=t.COUNTERS.c.value - minor))
        gateway.registry.audit(
            connection, by, "funded", row["client"], currency=row["currency"], amount_minor=minor,
            kind="prefunded", reason=f"entry {row['entry_id']}",
        )  # fmt: skip


def _released_since(connection: Connection, counter: str, moment: str) -> int:
    """What is taken of the funds and cannot be in a balance of that moment: released after it, not yet, or in doubt."""
    c, of = t.RESERVATIONS.c, t.SUBMISSIONS.c
    later = or_(c.reserved_at > moment, of.delivered_at.is_(None), of.delivered_at > moment, of.state == "UNKNOWN")
    held = t.RESERVATIONS.outerjoin(t.SUBMISSIONS, c.subject == of.submission_id)
    taken = select(func.sum(c.amount)).select_from(held).where(c.counter == counter, later)
    return int(connection.execute(taken).scalar() or 0)


def reserve_funds(
    connection: Connection, client: ClientProfile, submission: Mapping[str, Any], sum_minor: int, at: str
) -> bool:
    """Take a submission's sum from its client's funds; False where they do not cover it: then nothing was taken."""
    if not _needs_cover(client, submission):
        return True
    currency = submission["currency"]
    assert client.funding is not None
    overdraft = client.funding.overdraft_minor.get(currency, 0)
    counter = counter_of(client.client_id, currency)
    return reserve(connection, submission["submission_id"], counter, sum_minor, overdraft, at)


def uncovered(
    connection: Connection, client: ClientProfile, submission: Mapping[str, Any], sum_minor: int
) -> str | None:
    """Why a submission is not covered, in words; None where it is."""
    if not _needs_cover(client, submission):
        return None
    currency, c = submission["currency"], t.RESERVATIONS.c
    counter = counter_of(client.client_id, currency)
    held = select(func.count()).where(c.subject == submission["submission_id"], c.counter == counter)
    available = _available(connection, client, currency)
    if sum_minor <= available or connection.execute(held).scalar_one():
        return None
    needed, there = format_minor(sum_minor, currency), format_minor(available, currency)
    return f"waits for funds: {needed} {currency} are needed, {client.client_id} has {there}"


def funding_positions(gateway: Gateway, orders: pl.DataFrame) -> pl.DataFrame:
    """FUNDING of every client and currency: what it paid in, what was accepted, sent and returned, what it may release.

    `orders`: of `reconciliation.totals`. `received` and `available` are null where no funding is agreed; of a client whose balance
    is told, `received` is the last one.
    """
    schema = {name: FUNDING[name] for name in ("client", "currency", "received", "available")}
    told = pl.DataFrame(_told(gateway), schema=schema, orient="row")
    both = orders.join(told, on=["client", "currency"], how="full", coalesce=True)
    filled = both.with_columns(pl.col("accepted", "sent", "returned").fill_null(0))
    return filled.select(FUNDING.keys()).sort("client", "currency")


def _told(gateway: Gateway) -> list[tuple[str, str, int, int]]:
    """client, currency, received, available of those with whom funding is agreed and who have told of any."""
    received: dict[tuple[str, str], int] = {}
    agreed = {name: client for name, client in gateway.profiles.clients.items() if client.funding is not None}
    for row in gateway.registry.rows(t.AUDIT, t.AUDIT.c.action == "funded", t.AUDIT.c.subject.in_(sorted(agreed))):
        detail = json.loads(row["detail"])
        key = row["subject"], detail["currency"]
        before = 0 if detail["kind"] == "balance" else received.get(key, 0)
        received[key] = before + detail["amount_minor"]
    with gateway.registry.transaction() as connection:
        return [
            (client, currency, minor, _available(connection, agreed[client], currency))
            for (client, currency), minor in sorted(received.items())
        ]


def counter_of(client_id: str, currency: str) -> str:
    """Name of the counter of a client's funds."""
    return f"funds:{client_id}:{currency}"


def _needs_cover(client: ClientProfile, submission: Mapping[str, Any]) -> bool:
    # What is collected brings money in.
    return client.funding is not None and submission["credit_debit"] == "CRDT"


def _available(connection: Connection, client: ClientProfile, currency: str) -> int:
    assert client.funding is not None
    c = t.COUNTERS.c
    used = connection.execute(select(c.value).where(c.name == counter_of(client.client_id, currency))).scalar()
    return client.funding.overdraft_minor.get(currency, 0) - (used or 0)
