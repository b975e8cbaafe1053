"""A small report as both report exports write it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl

from canonical.contracts import Report, Sheet

GOLDEN = Path(__file__).parent / "golden" / "report_csv"
SCHEMA = {
    "provider": pl.String, "currency": pl.String, "payments": pl.Int64, "gross": pl.Int64, "net": pl.Int64,
    "value_on": pl.String, "note": pl.String,
}  # fmt: skip
KINDS = {
    "provider": "text", "currency": "text", "payments": "count", "gross": "money", "net": "money", "value_on": "date",
    "note": "text",
}  # fmt: skip


def sample() -> Report:
    told = json.loads((GOLDEN / "report.json").read_text(encoding="utf-8"))
    frame = pl.DataFrame(told["rows"], schema=SCHEMA).with_columns(pl.col("value_on").str.to_date("%Y-%m-%d"))
    second = Sheet("Breaks: [open]*", frame.select("currency", "net").clear(), {"net": "money"}, "Nothing open")
    return Report(
        told["name"], told["title"], dt.date.fromisoformat(told["day"]), told["scope"],
        (("Ties out", "yes"), ("=1+1", "=cmd|' /C calc'!A0")), (Sheet("Settlement", frame, KINDS), second),
    )  # fmt: skip
