"""Small frames for these tests: rows with defaults, everything else written out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from canonical.frames import ENTRIES, MATCHES, STATEMENTS, STATUSES, checked, dtypes, empty
from reconciliation.frames import ATTRIBUTED, BOOK
from reconciliation.states import payment_states

DAY = dt.date(2026, 3, 10)
ACCOUNT = "DE89370400440532013000"


def payment(number: int, **given: Any) -> dict[str, Any]:
    """A payment that was accepted and delivered to one bank in one submission."""
    return {
        "payment_id": f"file-{number:04d}", "file_id": "file", "client": "acme", "row": number,
        "end_to_end_id": f"E2E-{number}", "credit_debit": "CRDT", "amount_minor": 100 * number, "currency": "EUR",
        "verdict": "ACCP", "file_state": "routed", "submission_id": "S1", "provider": "bank", "account": ACCOUNT,
        "reference": f"REF-{number}", "execution_date": DAY, "submitted_on": DAY, "delivery_state": "DELIVERED",
        **given,
    }  # fmt: skip


def book(*rows: dict[str, Any]) -> pl.DataFrame:
    return checked(pl.DataFrame(list(rows), schema=dtypes(BOOK)), BOOK)


def entry(number: int, **given: Any) -> dict[str, Any]:
    """A booked debit that answers to nothing yet."""
    amount = given.get("amount_minor", 100 * number)
    return {
        "entry_id": f"N{number:04d}", "statement_id": "ST1", "account": ACCOUNT, "currency": "EUR", "position": number,
        "detail": 0, "amount_minor": amount, "entry_amount_minor": amount, "credit_debit": "DBIT", "reversal": False,
        "booked": True, "booking_date": DAY, "value_date": DAY, **given,
    }  # fmt: skip


def entries(*rows: dict[str, Any]) -> pl.DataFrame:
    return checked(pl.DataFrame(list(rows), schema=dtypes(ENTRIES)), ENTRIES)


def status(position: int, **given: Any) -> dict[str, Any]:
    return {"position": position, "kind": "status", "level": "payment", "status": "ACCP", **given}


def statuses(*rows: dict[str, Any], feedback_id: str = "B1", sequence: int = 1) -> pl.DataFrame:
    frame = checked(pl.DataFrame(list(rows), schema=dtypes(STATUSES)), STATUSES)
    return frame.with_columns(feedback_id=pl.lit(feedback_id), sequence=pl.lit(sequence, dtype=pl.Int64))


def statement(number: int, opening: int, closing: int, **given: Any) -> dict[str, Any]:
    move = closing - opening
    return {
        "statement_id": f"ST{number}", "account": ACCOUNT, "currency": "EUR", "sequence": number,
        "from_date": DAY + dt.timedelta(days=number - 1), "to_date": DAY + dt.timedelta(days=number - 1),
        "opening_minor": opening, "closing_minor": closing, "entries": 1, "credits_minor": max(move, 0),
        "debits_minor": max(-move, 0), **given,
    }  # fmt: skip


def statements(*rows: dict[str, Any]) -> pl.DataFrame:
    return checked(pl.DataFrame(list(rows), schema=dtypes(STATEMENTS)), STATEMENTS)


def claimed(*rows: tuple[str, str, str, int]) -> pl.DataFrame:
    """MATCHES from (entry_id, payment_id, kind, amount)."""
    return pl.DataFrame(
        [
            {
                "entry_id": entry_id, "payment_id": payment_id, "rung": "return" if kind == "return" else "reference",
                "kind": kind, "amount_minor": amount, "currency": "EUR", "value_date": DAY,
                "entry_minor": amount, "entry_currency": "EUR",
            }
            for entry_id, payment_id, kind, amount in rows
        ],
        schema=dtypes(MATCHES),
    )  # fmt: skip


def states(frame: pl.DataFrame, told: pl.DataFrame | None = None, matches: pl.DataFrame | None = None) -> pl.DataFrame:
    no_words, no_matches = empty(ATTRIBUTED), empty(MATCHES)
    return payment_states(frame, no_words if told is None else told, no_matches if matches is None else matches)


def state_of(frame: pl.DataFrame) -> dict[int, str]:
    return dict(frame.select("row", "state").iter_rows())
