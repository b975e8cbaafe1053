"""The opening of a close: what the close before was closed on, as it and those before it wrote it.

Each close names the one that it opened with (`OPENING` in the detail of its stage), so that a day that is prepared again does
not change what a later close says. A close that names none holds every payment: the first one, and those of older versions.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Final

import polars as pl

from gateway.books.by_payment import ByPayment, Range
from gateway.books.journals import close_subject
from gateway.composition import Gateway
from gateway.listed import listed
from gateway.registry import tables as t
from reconciliation import events
from reconciliation.carried import standing

OPENING: Final = "opening"
RULES: Final = "posting_rules"
"""In the detail of a close: `reconciliation.events.RULES` by which it posted."""


@dataclass(frozen=True, slots=True)
class Opening:
    """`subject`: of the close before. `closes`: STATES and GONE that it and those under it wrote, the oldest first.

    `posted`: its run in the ledger, None where it posted by other rules than those of now.
    """

    subject: str
    closes: tuple[tuple[ByPayment, ByPayment], ...]
    posted: int | None

    def between(self, span: Range) -> pl.DataFrame:
        """STATES of a range of payments, in no order that means anything."""
        return standing((states.between(span), gone.between(span)) for states, gone in self.closes)


def opening(gateway: Gateway, day: dt.date, scope: str) -> Opening | None:
    """What the last day before was closed on, None where there was none."""
    subject = before(gateway, day, scope)
    return None if subject is None else closed_with(gateway, scope, subject)


def closed_with(gateway: Gateway, scope: str, subject: str) -> Opening:
    """All that a close of a scope stands on."""
    chain = _under(gateway, scope, subject)
    of_closes = listed(gateway.lake, chain, "states", "gone")
    pairs = ((of_closes.whole(close, "states"), of_closes.whole(close, "gone")) for close in chain)
    closes = tuple((ByPayment.of(states), ByPayment.of(gone)) for states, gone in pairs)
    return Opening(subject, closes, _posted(gateway, scope, subject))


def _posted(gateway: Gateway, scope: str, subject: str) -> int | None:
    detail = gateway.lake.committed(subject, "settle") or {}
    if detail.get(RULES) != events.RULES:
        return None
    row = next(
        row for row in gateway.registry.rows(t.CLOSES, t.CLOSES.c.provider_id == scope)
        if close_subject(scope, row["day"], row["revision"]) == subject
    )  # fmt: skip
    return None if row["run"] is None else int(row["run"])


def before(gateway: Gateway, day: dt.date, scope: str) -> str | None:
    """Subject of the last close of a scope before a day."""
    c = t.CLOSES.c
    rows = gateway.registry.rows(t.CLOSES, c.provider_id == scope, c.day < day.isoformat(), order=(c.day, c.revision))
    return close_subject(scope, rows[-1]["day"], rows[-1]["revision"]) if rows else None


def opens_otherwise(gateway: Gateway, day: dt.date, scope: str, revision: int) -> bool:
    """Whether the close before was made again since a close opened with it."""
    detail = gateway.lake.committed(close_subject(scope, day.isoformat(), revision), "settle") or {}
    return OPENING in detail and detail[OPENING] != before(gateway, day, scope)


def _under(gateway: Gateway, scope: str, subject: str) -> list[str]:
    """A close and those that it was built on, the oldest first, which holds every payment."""
    c = t.CLOSES.c
    known = [
        close_subject(scope, row["day"], row["revision"])
        for row in gateway.registry.rows(t.CLOSES, c.provider_id == scope)
    ]
    stages = gateway.registry.rows(t.STAGES, t.STAGES.c.stage == "settle", t.STAGES.c.subject.in_(known))
    below = {row["subject"]: json.loads(row["detail"]).get(OPENING) for row in stages}
    found, at = list[str](), subject
    while at is not None:
        found.append(at)
        at = below[at]
    return found[::-1]
