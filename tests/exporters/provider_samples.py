"""Payments and orders as the gateway hands them to the exports for providers."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import polars as pl

from canonical.contracts import ExportSummary, Order, ProviderExport, Source
from canonical.frames import PAYMENTS, conform
from canonical.profiles import Account, Plugin, ProviderProfile, Rail
from canonical.tally import written_as

EXECUTION = dt.date(2026, 11, 27)


def order_for(
    export: ProviderExport, account: Account, options: dict[str, Any] | None = None, rail: str = "any", **changes: Any
) -> Order:
    """An order over an account of ours."""
    a_rail = Rail(rail=rail, cut_off=dt.time(17), time_zone="Europe/London", calendar="uk")
    provider = ProviderProfile(
        provider_id="sample_bank", name="Sample Bank", export=Plugin(name=export.name, options=options or {}),
        transport=Plugin(name="folder"), accounts=(account,), rails=(a_rail,),
    )  # fmt: skip
    made: dict[str, Any] = {
        "submission_id": "S0123456789abcdef012", "provider": provider, "account": account, "rail": a_rail,
        "created": dt.datetime(2026, 11, 26, 15, 5, tzinfo=dt.UTC), "business_date": dt.date(2026, 11, 26),
        "sequence_first": 41, "file_sequence": 0, "initiating_party": "Harbour Tea Company",
    }  # fmt: skip
    return Order(**{**made, **changes})


def rows(*given: dict[str, Any], **defaults: Any) -> pl.DataFrame:
    """PAYMENTS of these rows."""
    whole = [
        {
            "payment_id": f"0123456789abcdef0123-{number:012d}", "row": number, "line": number, "offset": number, "length": 1,
            "batch": 1, "credit_debit": "CRDT", "prenote": False, **defaults, **row,
        }
        for number, row in enumerate(given, start=1)
    ]  # fmt: skip
    return conform(pl.DataFrame(whole, infer_schema_length=None), PAYMENTS)


def routed(export: ProviderExport, order: Order, payments: pl.DataFrame) -> pl.DataFrame:
    """The payments with reference, position and execution date of their routes."""
    placed = payments.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("position"), pl.lit(EXECUTION).alias("execution_date")
    )
    return placed.with_columns(export.reference(order, pl.col("payment_id"), pl.col("position")).alias("reference"))


def written(
    export: ProviderExport, order: Order, payments: pl.DataFrame, cut: int = 10**6
) -> tuple[bytes, ExportSummary]:
    """The file, after it was read back and compared as the gateway does."""
    frame = payments if "reference" in payments.columns else routed(export, order, payments)
    out = io.BytesIO()
    summary = export.write(order, frame.iter_slices(cut), out)
    data = out.getvalue()
    assert summary == written_as(frame, export.said(order)) == export.reread(Source("f", "out", data), order)
    return data, summary


def broken_is_seen(export: ProviderExport, order: Order, data: bytes, summary: ExportSummary, *changed: bytes) -> None:
    """Each of the changed files is refused, or read back as another one."""
    from canonical.errors import FrameBroken

    assert changed
    for other in changed:
        assert other != data
        try:
            again = export.reread(Source("f", "out", other), order)
        except FrameBroken:
            continue
        assert again != summary
