"""Write-offs: what nobody will explain or claim becomes gain or loss, as adjustments that the ledger posts.

An adjustment moves the amount of a break from the account on which it stands to `write_offs`. Nothing of it is changed
later: what is taken back is posted the other way round, and names what it reverses.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl
from sqlalchemy import Connection, func, select

from canonical.codes import BreakKind
from canonical.errors import Conflict
from canonical.frames import ADJUSTMENTS, conform, dtypes
from canonical.identifiers import make_id
from canonical.profiles import BreakTerms
from gateway.books.closes import CLOSED as SIGNED
from gateway.breaks.events import Item
from gateway.composition import Gateway
from gateway.registry import tables as t
from reconciliation.events import SUSPENSE

WRITE_OFFS: Final = "write_offs"
RELIEVED: Final = {
    BreakKind.UNKNOWN_ENTRY.value: SUSPENSE,
    BreakKind.AMBIGUOUS.value: SUSPENSE,
    BreakKind.DUPLICATE_ENTRY.value: SUSPENSE,
    BreakKind.AMOUNT_DIFFERENCE.value: SUSPENSE,
}
"""Kind of break → ledger account on which its amount stands. Other kinds stand on no account of their own."""
_OTHER_SIDE: Final = {"CRDT": "DBIT", "DBIT": "CRDT"}


def terms_of(gateway: Gateway, provider_id: str | None) -> BreakTerms:
    """What was agreed on a provider's breaks; of a break that is on none, nothing is."""
    provider = gateway.profiles.providers.get(provider_id or "")
    return BreakTerms() if provider is None else provider.breaks


def needs_two(gateway: Gateway, item: Item) -> bool:
    """Is it above what one person may write off? A currency without a limit always is: silence is no permission."""
    limit = terms_of(gateway, item["provider_id"]).write_off_limit_minor.get(item["currency"])
    return limit is None or item["amount_minor"] > limit


def require_kind(item: Item) -> None:
    """Raises Conflict: the break has no amount on an account that could be relieved."""
    if item["kind"] not in RELIEVED or item["amount_minor"] == 0:
        raise Conflict(
            f"a break of kind {item['kind']} stands on no ledger account: there is nothing to write off",
            break_id=item["break_id"],
        )


def write_off(gateway: Gateway, connection: Connection, item: Item, by: str, reason: str) -> None:
    """The adjustment of a break that is written off. `item` as it was before: `asked_by` is the first of two persons."""
    _insert(gateway, connection, item, {
        "account": WRITE_OFFS, "relieved": RELIEVED[item["kind"]], "amount_minor": item["amount_minor"],
        "currency": item["currency"], "credit_debit": item["credit_debit"], "reason": reason, "reverses": None,
        "asked_by": item["asked_by"], "made_by": by,
    })  # fmt: skip


def take_back(gateway: Gateway, connection: Connection, item: Item, by: str, reason: str) -> None:
    """The adjustment the other way round, of the one that stands."""
    c = t.ADJUSTMENTS.c
    reversed_ids = select(c.reverses).where(c.break_id == item["break_id"], c.reverses.is_not(None))
    standing = select(t.ADJUSTMENTS).where(
        c.break_id == item["break_id"], c.reverses.is_(None), c.adjustment_id.not_in(reversed_ids)
    )
    made = dict(connection.execute(standing).mappings().one())
    kept = {name: made[name] for name in ("account", "relieved", "amount_minor", "currency")}
    turned = _OTHER_SIDE[made["credit_debit"]]
    told = {"reason": reason, "reverses": made["adjustment_id"], "asked_by": None, "made_by": by}
    _insert(gateway, connection, item, {**kept, "credit_debit": turned, **told})


def _insert(gateway: Gateway, connection: Connection, item: Item, values: dict[str, object]) -> None:
    adjustment_id = make_id("J", item["break_id"], str(item["revision"] + 1))
    day = first_open_day(gateway, connection)
    made_at = gateway.registry.now()
    row = {"adjustment_id": adjustment_id, "break_id": item["break_id"], "day": day, "made_at": made_at, **values}
    connection.execute(t.ADJUSTMENTS.insert().values(row))


def first_open_day(gateway: Gateway, connection: Connection) -> str:
    """Today, or the day after the last one that was reviewed: what was signed is not posted to any more."""
    today = gateway.clock().date()
    last = connection.execute(select(func.max(t.DAYS.c.day)).where(t.DAYS.c.state.in_(SIGNED))).scalar()
    return (today if last is None else max(today, dt.date.fromisoformat(last) + dt.timedelta(days=1))).isoformat()


def adjustments(gateway: Gateway, until: dt.date, provider_id: str | None = None) -> pl.DataFrame:
    """ADJUSTMENTS up to that day, in the order they were made; of one provider's breaks, or of all."""
    c = t.ADJUSTMENTS.c
    conditions = [c.day <= until.isoformat()]
    if provider_id is not None:
        of_provider = select(t.BREAKS.c.break_id).where(t.BREAKS.c.provider_id == provider_id)
        conditions.append(c.break_id.in_(of_provider))
    rows = gateway.registry.rows(t.ADJUSTMENTS, *conditions, order=(c.made_at, c.adjustment_id))
    as_text = {name: pl.String if dtype == pl.Date else dtype for name, dtype in dtypes(ADJUSTMENTS).items()}
    frame = pl.DataFrame([{name: row[name] for name in as_text} for row in rows], schema=as_text)
    return conform(frame.with_columns(pl.col("day").str.to_date("%Y-%m-%d")), ADJUSTMENTS)
