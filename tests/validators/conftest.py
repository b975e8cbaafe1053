"""Payments and totals to try rules on: a sound one, changed where a test says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from canonical.contracts import Context, FormatFacts, Window
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
        *_signed(schema),
    )
    return conform(frame, PAYMENTS)


def _signed(schema: dict[str, Any]) -> list[pl.Expr]:
    """The mandate's date, read from its text."""
    text = pl.col("mandate_date_text")
    return [text.str.to_date("%Y-%m-%d", strict=False).alias("mandate_date")] if "mandate_date_text" in schema else []


def _totals(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    told = [{"level": "file", "batch": None, "line": 1, "found": None, **row} for row in rows]
    wanted = dtypes(TOTALS)
    frame = pl.DataFrame(told, schema={name: dtype for name, dtype in wanted.items() if name in told[0]}, orient="row")
    return conform(frame, TOTALS)


_NAMED = ("creditor_name", "creditor_account", "amount_text", "currency", "end_to_end_id")
FACTS = {
    facts.name: facts
    for facts in (
        FormatFacts(
            "pain.001", batched=True, iso=True, terms={"creditor_account": "CdtrAcct/Id"},
            required=(*_NAMED, "debtor_name", "debtor_account", "requested_execution_date_text"),
        ),
        FormatFacts("csv", required=(*_NAMED, "requested_execution_date_text")),
        FormatFacts(
            "nacha", batched=True, domestic=True, fixed_width=True, currency="USD",
            required=("creditor_name", "creditor_account", "amount_text", "currency", "debtor_name", "creditor_agent"),
            required_debit=("debtor_name", "debtor_account", "amount_text", "currency", "creditor_name", "debtor_agent"),
        ),
        FormatFacts(
            "pain.008", batched=True, iso=True,
            required_debit=("debtor_name", "debtor_account", "amount_text", "currency", "mandate_id", "creditor_scheme_id"),
        ),
    )
}  # fmt: skip
"""Formats as the rules see them. Their own, so that a rule's test says which facts it stands on."""


def _context(file_format: str = "pain.001", **client: Any) -> Context:
    profile = ClientProfile(client_id="example", name="Example", formats=("*",), **client)
    return Context(TODAY, profile, FACTS[file_format])


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


@pytest.fixture(autouse=True)
def modulus_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule account_modulus checks nothing without the operator's tables: here it has a few rows."""
    golden = Path(__file__).parent / "golden" / "account_modulus"
    monkeypatch.setenv("BULKRAIL_MODULUS_WEIGHTS", str(golden / "weights.txt"))
    monkeypatch.setenv("BULKRAIL_MODULUS_SUBSTITUTIONS", str(golden / "substitutions.txt"))
