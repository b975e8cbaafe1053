"""answer-corrections: one row a correction, in full, with what to change to and by when; no cell that a spreadsheet would run."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
from answer_samples import ANSWER

from canonical.frames import CORRECTIONS, dtypes
from exporters.answer_corrections import EXPORT

GOLDEN = Path(__file__).parent / "golden" / "answer-corrections"
NAMED = {
    "row": pl.Int64,
    "line": pl.Int64,
    "end_to_end_id": pl.String,
    "mandate_id": pl.String,
    "counterparty_account": pl.String,
}
TOLD = pl.DataFrame(
    [
        {
            "row": 2, "line": 3, "end_to_end_id": "BILL-2", "mandate_id": "ENERGY-000011",
            "counterparty_account": "GB33BUKB20201555555555", "payment_id": "p2", "nth": 1, "code": "CTAM",
            "reason": "ADDACS 3: account transferred to another bank.", "change_to": "sort code 608301, account number 98765432",
            "what": "sort code and account number", "told_on": dt.date(2026, 11, 24), "act_by": dt.date(2026, 11, 27),
        },
        {
            "row": 4, "line": 5, "end_to_end_id": "=1+1", "mandate_id": None, "counterparty_account": "000123",
            "payment_id": "p4", "nth": 1, "code": "C01", "reason": "Incorrect account number",
            "change_to": "account number 000124", "what": "account number", "told_on": dt.date(2026, 11, 24),
            "act_by": dt.date(2026, 12, 3),
        },
    ],
    schema={**NAMED, **dtypes(CORRECTIONS)},
)  # fmt: skip


def written(told: pl.DataFrame = TOLD, duplicate_of: str | None = None) -> bytes:
    out = io.BytesIO()
    EXPORT.write(replace(ANSWER, milestone="acknowledged", corrections=lambda: told, duplicate_of=duplicate_of), out)
    return out.getvalue()


def test_the_golden_file():
    assert written() == (GOLDEN / "corrections.csv").read_bytes()
    assert written() == written()


def test_nothing_to_correct_is_nothing_written():
    assert written(TOLD.clear()) == b""
    assert written(duplicate_of="first.csv") == b""


def test_no_cell_runs():
    assert b"'=1+1" in written()
    assert b",=1+1" not in written()
