"""Breaks as work items: what is computed, kept beside what people made of it.

What a break is (kind, amount, age) is computed anew at every look. The registry keeps what was seen last, who has it and
what became of it: a break whose cause is gone closes by itself, one that comes back is the same break with its history.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection

from canonical.errors import Conflict, NotFound
from canonical.frames import BREAKS, empty
from gateway.books.fee_check import fees_of
from gateway.books.position import Position, everything
from gateway.breaks.claims import carry_out
from gateway.breaks.events import Item, item_of
from gateway.breaks.seen import Keeper, work_of
from gateway.composition import Gateway
from gateway.feedback.watch import statements_due
from gateway.registry import tables as t
from gateway.registry.engine import insert_new, move
from reconciliation.breaks import contradiction_breaks, entry_breaks, named, names, payment_breaks
from reconciliation.feedback_breaks import chain_breaks, feedback_breaks, finding_breaks, gap_breaks, missing_breaks
from reconciliation.frames import OPEN, STATES
from reconciliation.prices import fee_breaks
from reconciliation.states import contradicted
from reconciliation.worked import worked

_LOOKS: Final = "breaks:looks"
_TRIES_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found. `breaks`: WORKED of what is for people to do; the rest counts what is new, back, other and gone."""

    breaks: pl.DataFrame
    found: int = 0
    returned: int = 0
    changed: int = 0
    cleared: int = 0


def breaks_of(gateway: Gateway, found: Position, day: dt.date, fees: pl.DataFrame | None = None) -> pl.DataFrame:
    """BREAKS of a position, their ages counted to `day`. `fees`: of `fees_of`, where it was made already."""
    unexplained = found.entries.join(found.fundings, on="entry_id", how="anti")
    told, meant = names(unexplained, found.matches), [empty(STATES)]
    late, opposed = [empty(BREAKS)], [empty(BREAKS)]
    for piece in found.pieces():
        meant.append(named(piece.states, told))
        late.append(payment_breaks(piece.states, found.statements, day, gateway.settings.unmatched_after_days))
        opposed.append(contradiction_breaks(contradicted(piece.states, piece.words), day))
    parts = [
        entry_breaks(unexplained, found.matches, found.matched.ambiguous, pl.concat(meant), day),
        *(pl.concat(of_pieces).sort("kind", "since", "subject") for of_pieces in (late, opposed)),
        feedback_breaks(found.attribution.unknown, day),
        finding_breaks(found.findings, day),
        chain_breaks(found.statements, day),
        gap_breaks(found.statements, day),
        missing_breaks(_statements_due(gateway, day), day),
        fee_breaks(fees_of(gateway, found, day)[1] if fees is None else fees, day),
    ]
    return pl.concat([empty(BREAKS), *parts])


def _statements_due(gateway: Gateway, until: dt.date) -> pl.DataFrame:
    """account, currency, day of the statements that should be here by now and are not."""
    rows = [
        {"account": account.account, "currency": account.currency, "day": day}
        for provider in gateway.profiles.providers.values()
        for account, day in statements_due(gateway, provider)
        if day <= until
    ]
    return pl.DataFrame(rows, schema={"account": pl.String, "currency": pl.String, "day": pl.Date})


def look(gateway: Gateway) -> Looked:
    """Compute the breaks of today and keep them: new ones are found, those without a cause close. Safe to repeat.

    Raises:
        Conflict: other looks kept coming first.
    """
    carry_out(gateway)
    for _ in range(_TRIES_MAX):
        # The number is read before what it numbers: a look that slept over another one's loses at the commit.
        number = _number(gateway)
        day = gateway.clock().date()
        found = everything(gateway, day)
        computed = breaks_of(gateway, found, day)
        try:
            with gateway.registry.transaction() as connection:
                counts = Keeper(gateway, connection, day).keep(computed, endings(found))
                # A look that changes nothing takes no number: a repeat leaves the registry as it is.
                if any(counts.values()):
                    _take(connection, number)
        except Conflict:
            continue  # that one, or a person who decided on one of them meanwhile
        return Looked(open_breaks(gateway, computed, found, day), **counts)
    raise Conflict("other looks at the breaks kept coming first")


def _number(gateway: Gateway) -> int:
    with gateway.registry.transaction() as connection:
        insert_new(connection, t.COUNTERS, name=_LOOKS, value=0)
    row = gateway.registry.one(t.COUNTERS, name=_LOOKS)
    assert row is not None
    return int(row["value"])


def _take(connection: Connection, number: int) -> None:
    if not move(connection, t.COUNTERS, {"name": _LOOKS, "value": number}, value=number + 1):
        raise Conflict("another look came first")


def open_breaks(gateway: Gateway, computed: pl.DataFrame, found: Position, day: dt.date) -> pl.DataFrame:
    """WORKED: the breaks of a position with owner, state and comment, but those that people had closed by that day."""
    return worked(computed, work_of(gateway, computed["break_id"]), found.matched.suggestions, day)


def endings(found: Position) -> pl.DataFrame:
    """Subject and reason: what may have ended a break, in words."""
    matched = found.matches.select(
        "entry_id", "payment_id", by=pl.format("{} by {}", "kind", "rung"), on=pl.col("value_date").cast(pl.String)
    )
    entries = matched.select(subject="entry_id", reason=pl.format("matched with payment {} ({})", "payment_id", "by"))
    closed = found.states.filter(~pl.col("state").is_in(OPEN)).select(
        subject="payment_id", reason=pl.format("the payment is {}", "state")
    )
    payments = matched.select(subject="payment_id", reason=pl.format("matched with entry {} ({})", "entry_id", "by"))
    return pl.concat([entries, payments, closed]).unique("subject", keep="first", maintain_order=True)


def history(gateway: Gateway, break_id: str) -> tuple[Item, list[Item], list[dict[str, Any]]]:
    """A break, its events in their order, and what may answer to it: answer, score, reasons, best first.

    Raises:
        NotFound: no such break.
    """
    with gateway.registry.transaction() as connection:
        item = item_of(connection, break_id)
    events = gateway.registry.rows(t.BREAK_EVENTS, t.BREAK_EVENTS.c.break_id == break_id)
    ours, theirs = ("payment_id", "entry_id") if item["side"] == "book" else ("entry_id", "payment_id")
    found = everything(gateway, gateway.clock().date()).matched.suggestions
    of_it = found.filter(pl.col(ours) == item["subject"]).sort("score", descending=True, maintain_order=True)
    return item, events, of_it.select(pl.col(theirs).alias("answer"), "score", "reasons").rows(named=True)


def best_answer(gateway: Gateway, break_id: str) -> str:
    """What is suggested first for a break: payment_id for an entry, entry_id for a payment. Raises NotFound."""
    suggested = history(gateway, break_id)[2]
    if not suggested:
        raise NotFound("nothing is suggested for it; name what it is to be matched with", break_id=break_id)
    return str(suggested[0]["answer"])
