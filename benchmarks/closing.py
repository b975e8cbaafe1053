"""A provider with many open payments, as its gateway has them: sent, and a tenth of them booked by the statement of the day."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl

from benchmarks.town import ACCOUNTS, banks, opened
from canonical.frames import ENTRIES, PAYMENTS, ROUTES, STATEMENTS, VERDICTS, conform
from canonical.identifiers import payment_id_of
from canonical.limits import LAKE_PART_ROWS
from gateway.books.reconcile import reconcile
from gateway.books.settle import settle
from gateway.composition import Gateway
from gateway.registry import tables as t
from gateway.registry.engine import insert_new

_T = TypeVar("_T")
_FILE_PAYMENTS: Final = 100_000
_LATE_OF: Final = 50
_BANK: Final = "bank1"
_SENT: Final = "2026-01-01T12:00:00.000000+00:00"


def prepare(home: Path, count: int, booked_of: int) -> dict[str, Any]:
    """The files, their submissions and a statement that books one of so many payments, as the stages leave them."""
    banks(home, count)
    booked: list[pl.DataFrame] = []
    with opened(home) as gateway:
        today = gateway.clock().date()
        for number, first in enumerate(range(0, count, _FILE_PAYMENTS)):
            payments = _payments(f"{number:020x}", first, min(_FILE_PAYMENTS, count - first))
            _file(gateway, number, payments, today)
            booked.append(payments.filter(pl.col("row") % booked_of == 0).select("payment_id", "amount_minor"))
        entries = _statement(gateway, 1, pl.concat(booked), today, 0).height
    return {"payments": count, "entries": entries}


def prepare_days(home: Path, days: int, count: int) -> dict[str, Any]:
    """So many days, each with a file of so many payments that its own statement books but for one of fifty; all but the last closed.

    The open ones are booked by the statement of the next day: however many days there are, as much is open.
    """
    banks(home, count)
    with opened(home) as gateway:
        last, balance = gateway.clock().date(), 0
        left: list[pl.DataFrame] = []
        for number in range(days):
            day = last - dt.timedelta(days=days - 1 - number)
            payments = _payments(f"{number:020x}", number * count, count)
            _file(gateway, number, payments, day)
            late = pl.col("row") % _LATE_OF == 0
            told = payments.select("payment_id", "amount_minor", late=late)
            booked = _statement(gateway, 1 + number, pl.concat([*left, told.filter(~pl.col("late"))]), day, balance)
            left, balance = [told.filter("late")], balance - int(booked["amount_minor"].sum())
            reconcile(gateway, _BANK)
            if day < last:
                settle(gateway, day.isoformat())
    return {"payments": days * count, "days": days}


def _payments(file_id: str, first: int, count: int) -> pl.DataFrame:
    n = pl.int_range(1, count + 1, dtype=pl.Int64)
    name = pl.format("Hazel Supplies {}", n + first)
    frame = pl.select(row=n).with_columns(
        payment_id=payment_id_of(pl.lit(file_id), n * 800), line=n, offset=n * 800, length=pl.lit(790, pl.Int64), batch=pl.lit(1, pl.Int64),
        end_to_end_id=pl.format("INV-{}", n + first), credit_debit=pl.lit("CRDT"), prenote=pl.lit(value=False),
        amount_minor=1_000 + (n * 7_919) % 900_000, amount_text=pl.lit("1.00"), currency=pl.lit("EUR"), creditor_name=name,
        creditor_account=pl.format("DE{}", n + first + 10**19),
    )  # fmt: skip
    return conform(frame, PAYMENTS)


def _file(gateway: Gateway, number: int, payments: pl.DataFrame, today: dt.date) -> None:
    file_id, submission_id = f"{number:020x}", f"S{number:019d}"
    total = int(payments["amount_minor"].sum())
    with gateway.registry.transaction() as connection:
        insert_new(
            connection, t.FILES, file_id=file_id, client_id="bench", name=file_id, sha256=file_id, round=1, size_bytes=1,
            complete=1, received_at=_SENT, received_on=today.isoformat(), state="routed", answered=1, news=0, told=0,
            sequence=number + 1,
        )  # fmt: skip
        insert_new(
            connection, t.SUBMISSIONS, submission_id=submission_id, kind="payment", file_id=file_id, slot="1", destination=_BANK,
            account=ACCOUNTS[0], rail="sepa_credit_transfer", currency="EUR", credit_debit="CRDT", payments=payments.height,
            sum_minor=total, name=f"{file_id}.xml", business_date=today.isoformat(), execution_date=today.isoformat(),
            state="DELIVERED", attempt=1, detail="{}", created_at=_SENT, changed_at=_SENT, delivered_at=_SENT,
        )  # fmt: skip
    same = payments.select("payment_id", "row")
    routes = payments.select(
        "payment_id", "row", "credit_debit", "amount_minor", "currency", "end_to_end_id", submission_id=pl.lit(submission_id),
        provider=pl.lit(_BANK), rail=pl.lit("sepa_credit_transfer"), reference="payment_id", position="row",
        execution_date=pl.lit(today), plan=pl.lit(1, pl.Int64), choice=pl.lit(0, pl.Int64),
    )  # fmt: skip
    read = {"payments": payments.height, "unreadable": 0, "sums": {"EUR": total}}
    _write(gateway, file_id, "parse", {"payments": payments}, read)
    _write(gateway, file_id, "validate", {"verdicts": conform(same.with_columns(status=pl.lit("ACCP")), VERDICTS)}, {})
    _write(gateway, file_id, "route-1", {"routes": conform(routes, ROUTES)}, {})


def _statement(gateway: Gateway, number: int, booked: pl.DataFrame, today: dt.date, opening: int) -> pl.DataFrame:
    n = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    entries = booked.select(
        "amount_minor", entry_amount_minor="amount_minor", instruction_id="payment_id",
        entry_id=pl.format("E{}", n + 10**18 + number * 10**12), position=n, detail=pl.lit(0, pl.Int64),
        statement_id=pl.lit(str(number)),
        account=pl.lit(ACCOUNTS[0]), currency=pl.lit("EUR"), credit_debit=pl.lit("DBIT"), reversal=pl.lit(value=False),
        booked=pl.lit(value=True), origin=pl.lit("statement"), booking_date=pl.lit(today), value_date=pl.lit(today),
    )  # fmt: skip
    total = int(booked["amount_minor"].sum())
    told = pl.DataFrame(
        {"statement_id": [str(number)], "sequence": [number], "account": [ACCOUNTS[0]], "currency": ["EUR"], "origin": ["statement"], "from_date": [today],
         "to_date": [today], "opening_minor": [opening], "closing_minor": [opening - total], "entries": [booked.height], "credits_minor": [0],
         "debits_minor": [total]}
    )  # fmt: skip
    with gateway.registry.transaction() as connection:
        insert_new(
            connection, t.FEEDBACK, feedback_id=f"B{number}", provider_id=_BANK, name="statement", sha256="0", size_bytes=1,
            format="camt.053", received_at=gateway.registry.now(), state="applied", note="",
        )  # fmt: skip
    frames = {"entries": conform(entries, ENTRIES), "statements": conform(told, STATEMENTS)}
    _write(gateway, f"B{number}", "follow", frames, {})
    return booked


def _write(gateway: Gateway, subject: str, stage: str, frames: dict[str, pl.DataFrame], detail: dict[str, Any]) -> None:
    draft = gateway.lake.draft(subject, stage)
    for dataset, frame in frames.items():
        for part in frame.iter_slices(LAKE_PART_ROWS):
            draft.write(dataset, part)
    draft.commit(detail)


def reconciled(home: Path) -> dict[str, Any]:
    """A run of reconciliation that reads all that is open, and one more that finds nothing."""
    with opened(home) as gateway:
        found, first_s = _timed(lambda: reconcile(gateway, _BANK))
        again, again_s = _timed(lambda: reconcile(gateway, _BANK))
    assert again.matched == 0
    return {"matched": found.matched, "seconds": first_s, "again_s": again_s}


def closed(home: Path) -> dict[str, Any]:
    """The close of the day: tied out, posted, its reports written."""
    with opened(home) as gateway:
        day = gateway.clock().date().isoformat()
        reports, seconds = _timed(lambda: settle(gateway, day))
        again, again_s = _timed(lambda: settle(gateway, day))
    assert again == reports
    return {"reports": len(reports), "seconds": seconds, "again_s": again_s}


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    first = time.perf_counter()
    found = work()
    return found, round(time.perf_counter() - first, 2)
