"""What people do about breaks: each act is one event, allowed by the table of `gateway.breaks.events`, made by one person.

Money is not talked away: a break that stands on a ledger account, or on a payment that may still be booked, closes when it
is matched, written off, or when its cause is gone. The others a person may resolve.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from canonical.codes import BreakKind
from canonical.errors import Conflict, NotFound
from canonical.limits import MESSAGE_CHARS_MAX
from gateway.books.write_offs import RELIEVED, needs_two, require_kind, take_back, terms_of, write_off
from gateway.breaks.events import Deed, Item, act, item_of, lock
from gateway.composition import Gateway

OWNER_CHARS_MAX: Final = 80
_WAITING: Final = frozenset({*RELIEVED, BreakKind.UNMATCHED_PAYMENT.value, BreakKind.OVERDUE.value})
"""Kinds that close only with their money."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants done to a break.

    action: a key of `ACTS`. value: the owner (assign; none: nobody), the comment (note, explain) or the ids it is matched
    with (accept: JSON list). origin: digest of the workbook's row that says so.
    """

    action: str
    by: str
    reason: str = ""
    value: str | None = None
    origin: str | None = None


def decide(gateway: Gateway, break_id: str, wish: Wish, revision: int | None = None) -> Item:
    """Do it; the break after it. With `revision`: only where nobody changed the break since the person looked at it.

    Raises:
        NotFound: no such break or owner.
        Conflict: it may not happen, or somebody was first.
    """
    with gateway.registry.transaction() as connection:
        return decide_in(gateway, connection, item_of(connection, break_id, revision), wish)


def decide_in(gateway: Gateway, connection: Connection, item: Item, wish: Wish) -> Item:
    """The same within a transaction."""
    if not wish.by.strip() or len(wish.by) > OWNER_CHARS_MAX:
        raise Conflict(f"say who decides, in at most {OWNER_CHARS_MAX} characters")
    if len(wish.reason) > MESSAGE_CHARS_MAX or len(wish.value or "") > MESSAGE_CHARS_MAX:
        raise Conflict(
            f"at most {MESSAGE_CHARS_MAX} characters are kept of a reason or comment", break_id=item["break_id"]
        )
    lock(connection, item)
    action, changes = ACTS[wish.action](gateway, connection, item, wish)
    deed = Deed(
        action, wish.by, wish.reason or (wish.value if "comment" in changes else "") or "", changes, wish.origin
    )
    return act(gateway.registry, connection, item, deed, gateway.clock().date().isoformat())


_Act = tuple[str, Mapping[str, Any]]


def _assign(gateway: Gateway, _connection: Connection, item: Item, wish: Wish) -> _Act:
    owner = (wish.value or "").strip()
    known = terms_of(gateway, item["provider_id"]).known_owners
    if owner and known and owner not in known:
        raise NotFound(f"no owner named {owner!r} (there are: {', '.join(sorted(known))})", break_id=item["break_id"])
    if len(owner) > OWNER_CHARS_MAX:
        raise Conflict(f"an owner's name has at most {OWNER_CHARS_MAX} characters", break_id=item["break_id"])
    return ("assigned", {"owner": owner}) if owner else ("released", {"owner": None})


def _note(_gateway: Gateway, _connection: Connection, item: Item, wish: Wish) -> _Act:
    return "noted", {"comment": _said(item, wish.value, "a comment")}


def _explain(_gateway: Gateway, _connection: Connection, item: Item, wish: Wish) -> _Act:
    return "explained", {"comment": _said(item, wish.value or item["comment"], "the explanation")}


def _reopen(_gateway: Gateway, _connection: Connection, item: Item, _wish: Wish) -> _Act:
    if not item["standing"]:
        raise Conflict("its cause is gone: it opens by itself when that comes back", break_id=item["break_id"])
    return "reopened", {}


def _resolve(_gateway: Gateway, _connection: Connection, item: Item, wish: Wish) -> _Act:
    if item["kind"] in _WAITING:
        raise Conflict(
            f"a break of kind {item['kind']} closes with its money: accept a suggestion, write it off, or explain it and "
            "wait for the bank",
            break_id=item["break_id"],
        )
    _said(item, wish.reason, "a reason")
    return "resolved", {}


def _write_off(gateway: Gateway, connection: Connection, item: Item, wish: Wish) -> _Act:
    require_kind(item)
    _said(item, wish.reason, "a reason")
    if needs_two(gateway, item):
        if item["asked_by"] is None:
            return "write_off_asked", {"asked_by": wish.by}
        if item["asked_by"] == wish.by:
            raise Conflict(f"{wish.by} has asked for it already; another person must", break_id=item["break_id"])
    write_off(gateway, connection, item, wish.by, wish.reason)
    return "written_off", {}


def _reverse(gateway: Gateway, connection: Connection, item: Item, wish: Wish) -> _Act:
    _said(item, wish.reason, "a reason")
    if item["state"] == "written_off":  # else the table of moves refuses it
        take_back(gateway, connection, item, wish.by, wish.reason)
    return "write_off_reversed", {}


def _accept(_gateway: Gateway, _connection: Connection, item: Item, wish: Wish) -> _Act:
    _said(item, wish.reason, "a reason")
    ids = json.loads(wish.value or "[]")
    if not ids or item["kind"] not in _WAITING:
        raise Conflict("nothing answers to it that it could be matched with", break_id=item["break_id"])
    if item["side"] == "bank":
        claim = {"entry_id": item["subject"], "payment_ids": ids}
    elif len(ids) == 1:
        claim = {"entry_id": ids[0], "payment_ids": [item["subject"]]}
    else:
        raise Conflict("a payment is matched with one entry; accept it where that stands", break_id=item["break_id"])
    return "accepted", {"claim": json.dumps({**claim, "by": wish.by, "reason": wish.reason})}


def _said(item: Item, text: str | None, what: str) -> str:
    if not (text or "").strip():
        raise Conflict(f"say why: {what} is needed", break_id=item["break_id"])
    return str(text).strip()


ACTS: Final[Mapping[str, Callable[[Gateway, Connection, Item, Wish], _Act]]] = {
    "assign": _assign,
    "note": _note,
    "explain": _explain,
    "reopen": _reopen,
    "resolve": _resolve,
    "write_off": _write_off,
    "reverse": _reverse,
    "accept": _accept,
}
"""What a person can do, and what makes it an event."""
