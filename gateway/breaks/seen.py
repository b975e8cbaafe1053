"""Breaks as they were last seen: the registry's rows, and how a look brings them up to date.

A look writes only what differs: breaks that are new, that came back, that are others now, and those whose cause is gone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select

from canonical.codes import BreakState
from canonical.frames import dtypes
from canonical.money import format_minor
from gateway.books.write_offs import take_back, terms_of
from gateway.breaks.events import GATEWAY, Deed, Item, act, write_events
from gateway.composition import Gateway
from gateway.registry import tables as t
from reconciliation.frames import WORK

_CHUNK: Final = 5_000
"""Ids named in one query; SQLite takes 32,766."""
_FACTS: Final = (
    "kind",
    "side",
    "subject",
    "provider_id",
    "account",
    "amount_minor",
    "currency",
    "credit_debit",
    "note",
)
"""What makes a break another one when it differs. Not `since`: the first one stands."""
_MONEY: Final = ("amount_minor", "currency", "credit_debit")
_GONE: Final = "its cause is gone"


def work_of(gateway: Gateway, break_ids: pl.Series) -> pl.DataFrame:
    """WORK of these breaks; no row for one that was never looked at."""
    with gateway.registry.transaction() as connection:
        rows = list(_rows(connection, break_ids))
    schema = dtypes(WORK)
    as_text = {name: pl.String if dtype == pl.Date else dtype for name, dtype in schema.items()}
    told = [{**{name: row[name] for name in schema}, "standing": bool(row["standing"])} for row in rows]
    return pl.DataFrame(told, schema=as_text).with_columns(pl.col("since", "closed_on").str.to_date("%Y-%m-%d"))


@dataclass(frozen=True, slots=True)
class Keeper:
    """Brings the registry up to date with the breaks of one day, within one transaction."""

    gateway: Gateway
    connection: Connection
    day: dt.date

    def keep(self, computed: pl.DataFrame, why_gone: pl.DataFrame) -> dict[str, int]:
        """How many were found, returned, changed, cleared.

        Args:
            computed: BREAKS of the day.
            why_gone: subject and reason, in words, of what may have ended a break.
        """
        facts = self._facts(computed)
        now: dict[str, Item] = {row["break_id"]: dict(row) for row in self.connection.execute(_STANDING).mappings()}
        fresh = facts.filter(~pl.col("break_id").is_in(list(now)))
        before = {row["break_id"]: row for row in _rows(self.connection, fresh["break_id"])}
        new = fresh.filter(~pl.col("break_id").is_in(list(before)))
        self._find(new)
        for row in fresh.filter(pl.col("break_id").is_in(list(before))).iter_rows(named=True):
            self._return(before[row["break_id"]], row)
        changed = sum(self._change(now[row["break_id"]], row) for row in _others(facts, now))
        gone = [now[key] for key in sorted(now.keys() - set(facts["break_id"]))]
        reasons = dict(why_gone.filter(pl.col("subject").is_in([item["subject"] for item in gone])).iter_rows())
        for item in gone:
            self._clear(item, reasons.get(item["subject"], _GONE))
        return {"found": new.height, "returned": len(before), "changed": changed, "cleared": len(gone)}

    def _facts(self, computed: pl.DataFrame) -> pl.DataFrame:
        providers = self.gateway.profiles.providers
        own = {item.account: name for name, provider in providers.items() for item in provider.accounts}
        feedback = self.connection.execute(select(t.FEEDBACK.c.feedback_id, t.FEEDBACK.c.provider_id))
        told = {row.feedback_id: row.provider_id for row in feedback}
        places = {**told, **own, **{name: name for name in providers}}
        place = pl.coalesce("account", pl.col("subject").str.split("/").list.first())
        known = place.replace_strict(list(places), list(places.values()), default=None, return_dtype=pl.String)
        return computed.select("break_id", pl.col("since").dt.to_string(), *_BREAK_FACTS, provider_id=known)

    def _find(self, new: pl.DataFrame) -> None:
        registry = self.gateway.registry
        done: list[tuple[Item, Deed]] = []
        for row in new.iter_rows(named=True):
            owner = terms_of(self.gateway, row["provider_id"]).owner_of(row["kind"])
            state = BreakState.ASSIGNED if owner else BreakState.OPEN
            item = {
                **row, "standing": 1, "state": state.value, "owner": owner, "comment": None, "closed_on": None,
                "asked_by": None, "claim": None, "revision": 1, "changed_by": GATEWAY, "changed_at": registry.now(),
            }  # fmt: skip
            done.append((item, Deed("found", GATEWAY, row["note"])))
        if done:
            self.connection.execute(t.BREAKS.insert(), [item for item, _ in done])
        write_events(registry, self.connection, done)

    def _return(self, item: Item, row: dict[str, Any]) -> None:
        self._act(item, Deed("returned", GATEWAY, "its cause is back", {**_named(row), "standing": 1}))

    def _change(self, item: Item, row: dict[str, Any]) -> bool:
        if item["state"] == BreakState.WRITTEN_OFF:
            if all(item[name] == row[name] for name in _MONEY):
                return False  # what was written off stands as it was decided
            item = self._reverse(item, "another amount stands there now")
        # What a person resolved was another amount: it is for people again.
        again = item["state"] == BreakState.RESOLVED and any(item[name] != row[name] for name in _MONEY)
        action = "returned" if again else "changed"
        self._act(item, Deed(action, GATEWAY, _difference(item, row), _named(row)))
        return True

    def _clear(self, item: Item, reason: str) -> None:
        if item["state"] == BreakState.WRITTEN_OFF:
            item = self._reverse(item, reason)
        self._act(item, Deed("cleared", GATEWAY, reason, {"standing": 0, "claim": None}))

    def _reverse(self, item: Item, reason: str) -> Item:
        take_back(self.gateway, self.connection, item, GATEWAY, reason)
        return self._act(item, Deed("write_off_reversed", GATEWAY, reason))

    def _act(self, item: Item, deed: Deed) -> Item:
        return act(self.gateway.registry, self.connection, item, deed, self.day.isoformat())


_BREAK_FACTS: Final = tuple(name for name in _FACTS if name != "provider_id")
_STANDING: Final = select(t.BREAKS).where(t.BREAKS.c.standing == 1)


def _rows(connection: Connection, break_ids: pl.Series) -> Iterator[Item]:
    for start in range(0, break_ids.len(), _CHUNK):
        named = t.BREAKS.c.break_id.in_(break_ids[start : start + _CHUNK].to_list())
        yield from [dict(row) for row in connection.execute(select(t.BREAKS).where(named)).mappings()]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _FACTS}


def _others(facts: pl.DataFrame, now: dict[str, Item]) -> list[dict[str, Any]]:
    """Rows of breaks that stand and are others than they were."""
    schema = {name: facts.schema[name] for name in ("break_id", *_FACTS)}
    seen = pl.DataFrame([{name: item[name] for name in schema} for item in now.values()], schema=schema)
    both = facts.join(seen, on="break_id", suffix="_before")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in _FACTS)
    return both.filter(differs).select(facts.columns).rows(named=True)


def _difference(item: Item, row: dict[str, Any]) -> str:
    def shown(side: Item) -> str:
        return f"{side['kind']}, {format_minor(side['amount_minor'], side['currency'])} {side['currency']}"

    return row["note"] if shown(item) == shown(row) else f"it was {shown(item)} and is {shown(row)}: {row['note']}"
