"""Rung end_to_end_id: the entry carries the client's end-to-end id, unique with its amount among what is open."""

from __future__ import annotations

from typing import Final

from reconciliation._meet import Claims, meet
from reconciliation._rung import Case, Rung


def _find(case: Case) -> Claims:
    # What a provider refused is booked by its own reference only: a client uses an end-to-end id again.
    open_ones = case.book.filter("is_open")
    return meet(case.bank, open_ones, case.rule.fields or ("end_to_end_id",), ("end_to_end_id",), "end_to_end_id")


RUNG: Final = Rung("end_to_end_id", 20, _find, back="return")
