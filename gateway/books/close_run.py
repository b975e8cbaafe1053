"""A run of the ledger: what the close of one scope finds and posts, payment by payment, written as it is made.

Payments, entries and postings of a provider may be more than memory should hold. They are looked at some at a time, in order
of their ids, beside what the last close and the ledger hold of them; what is kept are totals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from canonical.frames import ENTRIES, MATCHES, POSTINGS, empty
from gateway.books.by_payment import ByPayment, Range, around, ranges
from gateway.books.journals import Ledger
from gateway.books.opening import Opening
from gateway.books.position import Position
from gateway.laid_out import compact
from gateway.lake import Draft
from reconciliation.balances import MOVED, added, moved
from reconciliation.carried import changed, gone, touched
from reconciliation.events import calling
from reconciliation.frames import STATES
from reconciliation.journals import Journal
from reconciliation.ledger import Decided, postings
from reconciliation.totals import Totals

_NOTHING: Final = empty(STATES)


@dataclass(slots=True)
class Made:
    """The postings of a run, written as they are made: their `journal`, what they `moved`, and those `on_bank` accounts."""

    draft: Draft
    journal: Journal = field(default_factory=Journal)
    moved: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MOVED))
    on_bank: pl.DataFrame = field(default_factory=lambda: empty(POSTINGS))

    def take(self, posted: pl.DataFrame) -> None:
        """Write POSTINGS whose ids stand behind those that came before."""
        if posted.is_empty():
            return
        self.journal.add(posted)
        self.moved = added(pl.concat([self.moved, moved(posted)]))
        self.on_bank = pl.concat([self.on_bank, compact(on_bank(posted))])
        self.draft.write("postings", posted.sort("subject", "posting_id"))


def on_bank(posted: pl.DataFrame) -> pl.DataFrame:
    """POSTINGS on bank accounts."""
    sides = (pl.col(f"{side}_account").str.starts_with("bank:") for side in ("debit", "credit"))
    return posted.filter(pl.any_horizontal(sides))


def run(
    draft: Draft, found: Position, opening: Opening | None, ledger: Ledger, written_off: pl.DataFrame,
    owners: Mapping[str, str], day: dt.date,
) -> tuple[Totals, Made]:  # fmt: skip
    """Write the states and postings of a close into its draft.

    Args:
        draft: of the close.
        found: where its scope stands.
        opening: what the close before was closed on, None where there was none.
        ledger: of the scope.
        written_off: ADJUSTMENTS of its breaks.
        owners: account → provider_id.
        day: the day that is closed.
    """
    made, totals = Made(draft), []
    before_it, *since_then = (ByPayment.of(part, "subject") for part in (ledger.before, ledger.today, ledger.later))
    # Where the ledger holds what the close before called for, only what differs from that can call for more.
    carries = opening is not None and opening.posted is not None and opening.posted == ledger.last_before

    def since(span: Range) -> pl.DataFrame:
        return pl.concat(part.between(span) for part in since_then)

    def earlier(span: Range) -> pl.DataFrame:
        return pl.concat([before_it.between(span), since(span)])

    for piece in found.pieces():
        before = None if opening is None else opening.between(piece.span)
        new = piece.states if before is None else changed(piece.states, before)
        draft.write("states", new)
        if before is not None:
            draft.write("gone", gone(piece.states, before))
        of_piece = Totals.of(piece.states, before, piece.claims)
        totals.append(replace(of_piece, claimed=compact(of_piece.claimed)))
        due = touched(piece.states, new, since(piece.span)) if carries else piece.states
        of_due = piece.claims.join(due, on="payment_id", how="semi", maintain_order="left")
        made.take(postings(due, empty(ENTRIES), of_due, earlier(around(due["payment_id"])), owners, day))
    entries, claims = ByPayment.of(found.entries, "entry_id"), ByPayment.of(found.matches, "entry_id")
    decided = Decided(fundings=found.fundings)
    for span in ranges([found.entries], "entry_id"):
        rows, of_rows = entries.between(span), claims.between(span)
        before_them = earlier(around(rows["entry_id"]))
        asking = calling(rows, of_rows, before_them)
        of_asking = of_rows.join(asking, on="entry_id", how="semi", maintain_order="left")
        made.take(postings(_NOTHING, asking, of_asking, before_them, owners, day, decided))
    before_them, decided = earlier(around(written_off["adjustment_id"])), Decided(written_off)
    made.take(postings(_NOTHING, empty(ENTRIES), empty(MATCHES), before_them, owners, day, decided))
    return Totals.joined(totals), made
