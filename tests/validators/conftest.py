"""Payments and totals to try rules on: a sound one, changed where a test says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl
import pytest

from canonical.contracts import Context, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, conform, dtypes, empty
from canonical.money import amount_minor
from canonical.profiles import ClientProfile

TODAY = dt.date(2026, 11, 20)
_SOUND = {
    "batch": 1, "batch_id": "B-1", "credit_debit": "CRDT", "amount_text": "10.00", "currency": "EUR",
    "requested_execution_date_text": "2026-12-01", "debtor_name": "Muster GmbH",
    "debtor_account": "DE89370400440532013000", "creditor_name": "Example SARL",
    "creditor_account": "FR1420041010050500013M02606", "prenote": False,
}  # fmt: skip


def _payments(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """PAYMENTS frame of sound payments with those columns changed; amounts and dates are read from their text."""
    told = [
        {
            "payment_id": f"{'f' * 20}-{n:012d}", "row": n, "line": n + 1, "offset": n * 100, "length": 99,
            "end_to_end_id": f"E2E-{n}", **_SOUND, **row,
        }
        for n, row in enumerate(rows, 1)
    ]  # fmt: skip
    wanted = dtypes(PAYMENTS)
    schema = {name: dtype for name, dtype in wanted.items() if any(name in row for row in told)}
    frame = pl.DataFrame(told, schema=schema, orient="row").with_columns(
        amount_minor(pl.col("amount_text"), pl.col("currency")).alias("amount_minor"),
        pl.col("requested_execution_date_text").str.to_date("%Y-%m-%d", strict=False).alias("requested_execution_date"),
    )
    return conform(frame, PAYMENTS)


def _totals(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    told = [{"level": "file", "batch": None, "line": 1, "found": None, **row} for row in rows]
    wanted = dtypes(TOTALS)
    frame = pl.DataFrame(told, schema={name: dtype for name, dtype in wanted.items() if name in told[0]}, orient="row")
    return conform(frame, TOTALS)


def _context(file_format: str = "pain.001", **client: Any) -> Context:
    return Context(TODAY, ClientProfile(client_id="example", name="Example", formats=("*",), **client), file_format)


def _window(payments: pl.DataFrame, totals: pl.DataFrame | None = None, unreadable: int = 0) -> Window:
    return Window(None, payments, empty(TOTALS) if totals is None else totals, empty(FINDINGS), unreadable)


@pytest.fixture(scope="session")
def payments() -> Callable[..., pl.DataFrame]:
    return lambda *rows: _payments(rows)


@pytest.fixture(scope="session")
def totals() -> Callable[..., pl.DataFrame]:
    return lambda *rows: _totals(rows)


@pytest.fixture(scope="session")
def context() -> Callable[..., Context]:
    return _context


@pytest.fixture(scope="session")
def window() -> Callable[..., Window]:
    return _window
