"""Load back the workbook of breaks that finance edited: every row is checked, every fault told, nothing is done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, select

from canonical.break_columns import COLUMNS, STATES, YES, Column
from canonical.codes import BreakState
from canonical.errors import Conflict, NotFound
from canonical.money import format_minor, parse_minor
from gateway.breaks.breaks import look
from gateway.breaks.claims import carry_out
from gateway.breaks.desk import Wish, decide_in
from gateway.breaks.events import item_of, lock
from gateway.composition import Gateway
from gateway.registry import tables as t
from parsers.break_workbook import BreakRows, CellFault, read_breaks

_OPEN, _ASSIGNED, _EXPLAINED, _WRITTEN_OFF, _RESOLVED = (item.value for item in BreakState)
_CHUNK: Final = 5_000
_CHOOSE: Final = "Choose another state, or leave the one that was exported."
_SHORTER: Final = "Say it in fewer words."
_ACTS: Final = {
    "assign": ("owner", "Choose a name of the list, or clear the cell."), "note": ("comment", _SHORTER),
    "explain": ("comment", _SHORTER), "reopen": ("state", _CHOOSE), "resolve": ("state", _CHOOSE), "write_off": ("state", _CHOOSE),
    "accept": ("accept", "Clear the cell."),
}  # fmt: skip
"""What a row asks for → the column that asks, and what to do where it may not happen."""
_COMPUTED: Final = frozenset({"age_days", "suggested", "score", "reasons"})
"""Columns that move on by themselves: they are looked at only where a suggestion is accepted."""
_ANEW: Final = "Export the breaks anew, and decide on what stands there now."
_LEAVE: Final = "Leave what is not shaded as it was exported."

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `applied`, `unchanged`, `repeated` count rows; with faults and not row by row, nothing was applied."""

    applied: int
    unchanged: int
    repeated: int
    faults: list[CellFault]


class _NothingApplied(Exception):
    """Ends the transaction without a trace."""


@dataclass(slots=True)
class _Plan:
    """What the rows of a workbook ask for, and what is wrong with them."""

    read: BreakRows
    now: Mapping[str, Row]
    by: str
    wishes: list[tuple[Row, list[Wish]]] = field(default_factory=list)
    faults: list[CellFault] = field(default_factory=list)
    unchanged: int = 0
    repeated: int = 0

    def fault(self, row: Row, column: str, message: str, remedy: str = _ANEW) -> None:
        self.faults.append(self.read.fault(row["line"], column, row.get(column), message, remedy))


def import_breaks(gateway: Gateway, data: bytes, by: str, *, row_by_row: bool = False) -> Imported:
    """Do what the shaded columns of the workbook say, in the name of `by`.

    All of it or, where any row has a fault, nothing; with `row_by_row` each row by itself. A row that was done before,
    by this workbook or a copy of it, is not done again; one whose break was changed meanwhile is refused.
    """
    plan = _Plan(read_breaks(data), {row["break_id"]: row for row in look(gateway).breaks.rows(named=True)}, by)
    plan.faults += plan.read.faults
    _judge(gateway, plan)
    applied = _each(gateway, plan) if row_by_row else _all(gateway, plan)
    refused = carry_out(gateway)
    for row, _ in plan.wishes:
        if row["break_id"] in refused:
            plan.fault(row, "accept", f"it was accepted, and cannot be matched: {refused[row['break_id']]}")
    faults = sorted(plan.faults, key=lambda fault: (fault.row, fault.column))
    return Imported(applied, plan.unchanged, plan.repeated, faults)


@contextmanager
def _or_nothing(gateway: Gateway) -> Iterator[Connection]:
    """A transaction that leaves nothing where `_NothingApplied` ends it."""
    try:
        with gateway.registry.transaction() as connection:
            yield connection
    except _NothingApplied:
        return


def _all(gateway: Gateway, plan: _Plan) -> int:
    done = 0
    with _or_nothing(gateway) as connection:
        done = sum(_apply(gateway, connection, plan, row, wishes) for row, wishes in plan.wishes)
        if plan.faults:
            raise _NothingApplied
    return 0 if plan.faults else done


def _each(gateway: Gateway, plan: _Plan) -> int:
    done = 0
    for row, wishes in plan.wishes:
        with _or_nothing(gateway) as connection:
            if not _apply(gateway, connection, plan, row, wishes):
                raise _NothingApplied
            done += 1
    return done


def _apply(gateway: Gateway, connection: Connection, plan: _Plan, row: Row, wishes: list[Wish]) -> bool:
    column, remedy = _ACTS[wishes[0].action][0], _ANEW
    try:
        item = item_of(connection, row["break_id"], int(row["revision"]))
        lock(connection, item)  # from here on nobody else changes it: what is refused now is refused for what it is
        for wish in wishes:
            column, remedy = _ACTS[wish.action]
            item = decide_in(gateway, connection, item, wish)
    except (Conflict, NotFound) as fault:
        plan.fault(row, column, fault.message, remedy)
        return False
    return True


def _judge(gateway: Gateway, plan: _Plan) -> None:
    rows = plan.read.rows.sort("break_id", "line").rows(named=True)
    done = _done_before(gateway, [_origin(row) for row in rows])
    seen: set[str] = set()
    for row in rows:  # in order of the ids: two imports at once wait for one another, and never both
        break_id = row["break_id"]
        if break_id in seen:
            plan.fault(row, "break_id", "the break stands in another row of the sheet as well", "Keep one of the rows.")
        elif _origin(row) in done:
            plan.repeated += 1
        elif _is_itself(gateway, plan, row):
            _ask(plan, row)
        seen.add(break_id)


def _origin(row: Row) -> str:
    """Digest of what a row says: of which break, as seen when, to be done what."""
    told = [row[name] for name in ("break_id", "revision", *(column.name for column in COLUMNS if column.edited))]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _done_before(gateway: Gateway, origins: list[str]) -> set[str]:
    found: set[str] = set()
    with gateway.registry.transaction() as connection:
        for start in range(0, len(origins), _CHUNK):
            named = t.BREAK_EVENTS.c.origin.in_(origins[start : start + _CHUNK])
            found.update(connection.execute(select(t.BREAK_EVENTS.c.origin).where(named)).scalars())
    return found


def _is_itself(gateway: Gateway, plan: _Plan, row: Row) -> bool:
    """Is the row's break as it was exported, and the row as well but where it may be edited?"""
    now = plan.now.get(row["break_id"])
    if now is None:
        known = gateway.registry.one(t.BREAKS, break_id=row["break_id"] or "")
        word = f"is {known['state']} since {known['closed_on']} ({known['changed_by']})" if known else "is not known"
        plan.fault(row, "break_id", f"the break {word}")
        return False
    if row["revision"] != str(now["revision"]):
        known = gateway.registry.one(t.BREAKS, break_id=row["break_id"])
        assert known is not None
        who = f"{known['changed_by']} changed the break at {known['changed_at'][:16]} UTC"
        plan.fault(row, "revision", f"{who}: it is at revision {now['revision']}")
        return False
    changed = [column for column in COLUMNS if not column.edited and column.name not in _COMPUTED]
    wrong = [column for column in changed if not _same(column, row[column.name], now)]
    for column in wrong:
        plan.fault(row, column.name, f"it was changed; exported was {_shown(column, now) or 'an empty cell'}", _LEAVE)
    return not wrong


def _same(column: Column, told: str | None, now: Row) -> bool:
    if column.kind == "money":
        return parse_minor(told or "", now["currency"]) == int(now[column.name])
    # Spreadsheets write line ends and runs of blanks in ways of their own.
    return " ".join((told or "").split()) == " ".join(_shown(column, now).split())


def _shown(column: Column, now: Row) -> str:
    value = now[column.name]
    if column.kind == "money":
        return format_minor(value, now["currency"])
    return "" if value is None else str(value)


def _ask(plan: _Plan, row: Row) -> None:
    """What the row's edited cells ask for, in the order in which it is done."""
    now, faults = plan.now[row["break_id"]], len(plan.faults)
    state, reason, accept = row["state"] or now["state"], row["reason"] or "", (row["accept"] or "").casefold()
    _look_at_choices(plan, row, now, state, accept)
    wishes: list[tuple[str, str | None]] = []
    if row["owner"] != now["owner"]:
        wishes.append(("assign", row["owner"] or ""))
    if row["comment"] and row["comment"] != now["comment"] and state != _EXPLAINED:
        wishes.append(("note", row["comment"]))
    if accept == YES:
        _accept(plan, row, now, state)
        wishes.append(("accept", json.dumps([now["suggested"]])))
    elif (wish := _state_wish(plan, row, now, state)) is not None:
        wishes.append(wish)
    if not wishes and reason:
        plan.fault(row, "reason", "a reason stands here, and nothing that it is for", "Change the state, or clear it.")
    if len(plan.faults) > faults:
        return
    if not wishes:
        plan.unchanged += 1
        return
    origin = _origin(row)
    plan.wishes.append((row, [Wish(action, plan.by, reason, value, origin) for action, value in wishes]))


def _look_at_choices(plan: _Plan, row: Row, now: Row, state: str, accept: str) -> None:
    if state not in STATES:
        plan.fault(row, "state", f"there is no such state; there are: {', '.join(STATES)}", "Choose one of them.")
    if accept not in {"", YES}:
        plan.fault(row, "accept", f"only {YES} or an empty cell can stand here", f"Choose {YES}, or clear the cell.")
    if now["comment"] and not row["comment"]:
        plan.fault(row, "comment", "a comment is replaced and never removed", "Write another one, or leave it.")


def _state_wish(plan: _Plan, row: Row, now: Row, state: str) -> tuple[str, str | None] | None:
    before = now["state"]
    if state in {_WRITTEN_OFF, _RESOLVED}:
        if not row["reason"]:
            plan.fault(row, "reason", f"a break becomes {state.replace('_', ' ')} with a reason", "Say why.")
        return ("write_off" if state == _WRITTEN_OFF else "resolve"), None
    if state == _EXPLAINED:
        if not row["comment"] and not now["comment"]:
            plan.fault(row, "comment", "a break becomes explained with a comment", "Say there what is known.")
        differs = before != _EXPLAINED or row["comment"] != now["comment"]
        return ("explain", row["comment"]) if differs else None
    if state == _ASSIGNED and not row["owner"]:
        plan.fault(row, "owner", "an assigned break has an owner", "Choose an owner, or the state open.")
    return ("reopen", None) if before == _EXPLAINED else None


def _accept(plan: _Plan, row: Row, now: Row, state: str) -> None:
    if state not in {now["state"], _RESOLVED}:
        plan.fault(row, "state", "a suggestion is accepted, and another state chosen", "Choose one of the two.")
    if now["suggested"] is None and not row["suggested"]:
        remedy = "Clear the cell, or match it by name: bulkrail breaks accept BREAK --with ID."
        plan.fault(row, "accept", "nothing is suggested for it", remedy)
    elif row["suggested"] != now["suggested"]:
        word = "nothing" if now["suggested"] is None else now["suggested"]
        plan.fault(row, "suggested", f"{word} answers to it now")
    if not row["reason"]:
        plan.fault(row, "reason", "a suggestion is accepted with a reason", "Say why.")
