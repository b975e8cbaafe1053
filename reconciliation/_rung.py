"""What a rung of the ladder is: a name, a place in the built-in order, and a pure function on what stronger rungs left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from canonical.matching import RungRule
from reconciliation._meet import Claims
from reconciliation._naming import Words
from reconciliation._side import Side

Stage = Literal["correction", "settlement", "representation"]


@dataclass(frozen=True, slots=True)
class Case:
    """What a rung is given: the two sides (`_sides`), without what was claimed or is for a person.

    `bank`: entries of one direction of time: bookings, or returns and reversals. `book`: payments they may claim,
    credit_debit on the side of the account. `informing`: ENTRIES of notifications (camt.054), which explain and never
    claim. `started`: both sides as the run began, for rungs that must be sure that nothing else was meant. `words`: of
    the entries' texts.
    """

    bank: Side
    book: Side
    rule: RungRule
    informing: Side
    started: tuple[Side, Side]
    words: Words


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung.

    `order`: its place in the built-in order, strong evidence first. `stage`: corrections go before all others,
    representations behind. `back`: the rung's name where it finds what returns or reversals bring back; None: it looks at
    bookings only. `weak`: matches wait. `by_rule_only`: not in the built-in order.
    """

    name: str
    order: int
    find: Callable[[Case], Claims]
    stage: Stage = "settlement"
    back: str | None = None
    weak: bool = False
    by_rule_only: bool = False
