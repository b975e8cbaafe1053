from __future__ import annotations

import csv
import io
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import GOLDEN, sample

from canonical.money import format_minor
from canonical.plugins import lookup
from exporters.report_csv import EXPORT


def written(report) -> bytes:
    out = io.BytesIO()
    EXPORT.write(report, out)
    return out.getvalue()


def test_golden():
    wanted = (GOLDEN / "expected.csv").read_text(encoding="utf-8").replace("\n", "\r\n")
    assert written(sample()).decode("utf-8-sig") == wanted
    assert written(sample())[:3] == b"\xef\xbb\xbf"


def test_found_by_name():
    assert lookup("exporters", "EXPORT", "report-csv") is EXPORT


def test_the_same_report_gives_the_same_bytes():
    assert written(sample()) == written(sample())


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1"])
def test_no_cell_runs(text):
    report = sample()
    sheet = report.sheets[0]
    nasty = replace(sheet, frame=sheet.frame.with_columns(note=pl.lit(text)))
    rows = list(csv.DictReader(io.StringIO(written(replace(report, sheets=(nasty,))).decode("utf-8-sig"), newline="")))
    assert len(rows) == 4
    assert {row["note"] for row in rows} == {"'" + text}


def test_a_report_without_rows_is_its_head():
    report = sample()
    empty = replace(report.sheets[0], frame=report.sheets[0].frame.clear())
    lines = written(replace(report, sheets=(empty,))).decode("utf-8-sig").splitlines()
    assert lines == ["report,day,scope,provider,currency,payments,gross,net,value_on,note"]


@given(st.integers(-(2**62), 2**62), st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XXX"]))
def test_money_is_exact(minor, currency):
    report = sample()
    frame = report.sheets[0].frame.head(1).with_columns(gross=pl.lit(minor, dtype=pl.Int64), currency=pl.lit(currency))
    one = replace(report, sheets=(replace(report.sheets[0], frame=frame),))
    row = next(csv.DictReader(io.StringIO(written(one).decode("utf-8-sig"), newline="")))
    assert row["gross"] == format_minor(minor, currency)
