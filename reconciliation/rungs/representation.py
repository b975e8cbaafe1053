"""Rung representation: a payment that came back is booked again, by the same reference or end-to-end id and amount."""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._meet import Claims, meet
from reconciliation._rung import Case, Rung
from reconciliation._side import beside
from reconciliation._sides import OWN_REFERENCES, REFERENCES


def _find(case: Case) -> Claims:
    first = meet(case.bank, case.book, case.rule.fields or REFERENCES, OWN_REFERENCES, "representation")
    bank = case.bank.without(first.pairs["e"]).without(first.doubts["e"])
    book = case.book.without(first.pairs["p"]).without(first.blocked)
    second = meet(bank, book, ("end_to_end_id",), ("end_to_end_id",), "representation")
    pairs = pl.concat([first.pairs, second.pairs])
    sides = beside(pairs, case.bank, case.book, ("value_date",), ("returned_on",))
    # An older booking is the first one, told again.
    later = (pl.col("value_date") >= pl.col("returned_on_p")).fill_null(pl.col("returned_on_p").is_null())
    return Claims(
        sides.filter(later).select("e", "p", kind=pl.lit("representation")),
        pl.concat([first.doubts, second.doubts]),
        pl.concat([first.blocked, second.blocked]),
    )


RUNG: Final = Rung("representation", 110, _find, stage="representation")
