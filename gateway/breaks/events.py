"""What may happen to a break, and how it is written down: one event, its row in the audit trail, and what it adds up to.

| action | by | from | to |
|---|---|---|---|
| found | gateway | – | open, or assigned where the provider's profile names an owner |
| changed | gateway | any but written_off | the same: its amount, kind or words are others now |
| cleared | gateway | any but written_off | resolved: its cause is gone |
| returned | gateway | resolved | open: its cause is back, or its amount is another than was resolved |
| assigned, released | person | open, assigned, explained | assigned, open; explained stays |
| noted | person | any | the same |
| explained | person | open, assigned, explained | explained |
| reopened | person | explained, resolved while its cause is there | open |
| resolved | person | open, assigned, explained | resolved |
| accepted | person | open, assigned, explained | the same: the suggestion is to be claimed |
| matched, not_matched | gateway | open, assigned, explained | resolved; the same |
| write_off_asked | person | open, assigned, explained | the same: a second person must agree |
| written_off | person | open, assigned, explained | written_off |
| write_off_reversed | person, gateway | written_off | open |

Where `open` is reached by a break that has an owner, it is `assigned`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from canonical.codes import BreakState
from canonical.errors import Conflict, NotFound
from gateway.registry import tables as t
from gateway.registry.engine import Registry, move, row_of

GATEWAY: Final = "gateway"
"""Who acts where no person does."""
ACTIVE: Final = (BreakState.OPEN.value, BreakState.ASSIGNED.value, BreakState.EXPLAINED.value)
CLOSED: Final = (BreakState.WRITTEN_OFF.value, BreakState.RESOLVED.value)
Item = Mapping[str, Any]
"""A row of the table `breaks`."""

_OPEN, _ASSIGNED, _EXPLAINED, _WRITTEN_OFF, _RESOLVED = (item.value for item in BreakState)
_SAME: Final = {state: state for state in ACTIVE}
_NOT_WRITTEN_OFF: Final = {**_SAME, _RESOLVED: _RESOLVED}
MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "changed": _NOT_WRITTEN_OFF,
    "cleared": dict.fromkeys(_NOT_WRITTEN_OFF, _RESOLVED),
    "returned": {_RESOLVED: _OPEN},
    "assigned": {_OPEN: _ASSIGNED, _ASSIGNED: _ASSIGNED, _EXPLAINED: _EXPLAINED},
    "released": {_ASSIGNED: _OPEN, _EXPLAINED: _EXPLAINED},
    "noted": {state.value: state.value for state in BreakState},
    "explained": dict.fromkeys(ACTIVE, _EXPLAINED),
    "reopened": {_EXPLAINED: _OPEN, _RESOLVED: _OPEN},
    "resolved": dict.fromkeys(ACTIVE, _RESOLVED),
    "accepted": _SAME,
    "matched": dict.fromkeys(ACTIVE, _RESOLVED),
    "not_matched": _SAME,
    "write_off_asked": _SAME,
    "written_off": dict.fromkeys(ACTIVE, _WRITTEN_OFF),
    "write_off_reversed": {_WRITTEN_OFF: _OPEN},
}
"""Action → state before → state after. What is not here does not happen."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does to a break. `changes`: other columns of its row; `origin`: the workbook's row that says so."""

    action: str
    by: str
    reason: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None


def item_of(connection: Connection, break_id: str, revision: int | None = None) -> Item:
    """A break as it stands; with `revision`, as it was when a person looked at it.

    Raises:
        NotFound: no such break.
        Conflict: somebody changed it since.
    """
    item = row_of(connection, t.BREAKS, break_id=break_id)
    if item is None:
        raise NotFound(f"no break {break_id!r}; `bulkrail breaks list` shows those there are")
    if revision is not None and item["revision"] != revision:
        raise Conflict(_meanwhile(item), break_id=break_id)
    return item


def lock(connection: Connection, item: Item) -> None:
    """Make whoever else decides on it wait until this transaction ends. Raises Conflict: somebody was first."""
    where = {"break_id": item["break_id"], "revision": item["revision"]}
    if not move(connection, t.BREAKS, where, changed_at=item["changed_at"]):
        raise Conflict(_meanwhile(item_of(connection, item["break_id"])), break_id=item["break_id"])


def act(registry: Registry, connection: Connection, item: Item, deed: Deed, day: str) -> Item:
    """Do it, where the table allows it and nobody was first; the break after it. `day`: on which a break closes.

    Raises:
        Conflict: it may not happen in this state, or somebody changed the break since `item` was read.
    """
    after = {**item, **deed.changes, "revision": item["revision"] + 1, "changed_by": deed.by}
    after |= {"changed_at": registry.now(), "state": state_after(deed.action, item["state"], after["owner"])}
    if after["state"] not in CLOSED:
        after["closed_on"] = None
    elif item["state"] != after["state"]:
        after["closed_on"] = day
    if deed.action not in {"write_off_asked", "noted"}:
        after["asked_by"] = None  # who agrees later agrees to what was asked, and to nothing that came after
    values = {name: value for name, value in after.items() if value != item[name]}
    where = {"break_id": item["break_id"], "revision": item["revision"]}
    if not move(connection, t.BREAKS, where, **values):
        raise Conflict(_meanwhile(item_of(connection, item["break_id"])), break_id=item["break_id"])
    write_events(registry, connection, [(after, deed)])
    return after


def state_after(action: str, state: str, owner: str | None) -> str:
    """What the table says. Raises Conflict: it says nothing."""
    after = MOVES[action].get(state)
    if after is None:
        raise Conflict(f"a break that is {state} cannot be {action.replace('_', ' ')}")
    return _ASSIGNED if after == _OPEN and owner else after


def write_events(registry: Registry, connection: Connection, done: list[tuple[Item, Deed]]) -> None:
    """Append events of breaks as they stand after them, each with its row in the audit trail."""
    now = registry.now()
    rows = [
        {
            "break_id": item["break_id"], "revision": item["revision"], "action": deed.action, "state": item["state"],
            "owner": item["owner"], "happened_at": now, "happened_by": deed.by, "reason": deed.reason,
            "origin": deed.origin,
        }
        for item, deed in done
    ]  # fmt: skip
    if rows:
        connection.execute(t.BREAK_EVENTS.insert(), rows)
    for row in rows:
        told = {name: row[name] for name in ("revision", "state", "owner", "reason") if row[name]}
        registry.audit(connection, row["happened_by"], f"break_{row['action']}", row["break_id"], **told)


def _meanwhile(item: Item) -> str:
    return (
        f"{item['changed_by']} changed it at {item['changed_at'][:16]} UTC (revision {item['revision']}, {item['state']}); "
        "look at it again"
    )
