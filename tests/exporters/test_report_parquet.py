from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import replace

import polars as pl
import pyarrow.parquet as pq
from report_samples import sample

from canonical.contracts import SignOff
from canonical.plugins import lookup
from exporters.report_parquet import EXPORT


def written(report) -> bytes:
    out = io.BytesIO()
    EXPORT.write(report, out)
    return out.getvalue()


def test_found_by_name():
    assert lookup("exporters", "EXPORT", "report-parquet") is EXPORT


def test_golden():
    """The same rows as the golden CSV, money in minor units, read by a library that is not the writer's."""
    table = pq.read_table(io.BytesIO(written(sample()))).to_pylist()
    assert table[0] == {
        "report": "settlement", "day": dt.date(2026, 3, 10), "scope": "=first bank", "provider": "bank",
        "currency": "EUR", "payments": 2, "gross_minor": 123456789, "net_minor": -105,
        "value_on": dt.date(2026, 3, 10), "note": "plain, with comma",
    }  # fmt: skip
    assert [row["gross_minor"] for row in table] == [123456789, 500, 5, 7]
    assert [row["note"] for row in table][1:] == ['=HYPERLINK("http://evil.example")', "@SUM(1)", None]


def test_the_file_says_what_it_is_made_of():
    report = replace(sample(), inputs=(("entries", "ab" * 32),), sign_off=SignOff("anna"))
    told = pq.read_metadata(io.BytesIO(written(report))).metadata
    assert told[b"title"] == b"Settlement report"
    assert told[b"state"] == b"PRELIMINARY"
    assert json.loads(told[b"inputs"]) == {"entries": "ab" * 32}
    assert json.loads(told[b"kinds"])["gross"] == "money"


def test_a_report_without_rows_keeps_its_columns():
    report = sample()
    empty = replace(report.sheets[0], frame=report.sheets[0].frame.clear())
    found = pl.read_parquet(io.BytesIO(written(replace(report, sheets=(empty,)))))
    assert found.is_empty()
    assert found.schema["gross_minor"] == pl.Int64
    assert found.schema["value_on"] == pl.Date


def test_the_same_report_gives_the_same_bytes():
    assert written(sample()) == written(sample())
