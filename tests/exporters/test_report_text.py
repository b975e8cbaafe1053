from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from report_samples import sample

from canonical.contracts import Chart, Report, Sheet, SignOff
from canonical.plugins import lookup
from exporters.report_text import EXPORT, ROWS_MAX

GOLDEN = Path(__file__).parent / "golden" / "report_text" / "expected.txt"


def written(report: Report) -> str:
    out = io.BytesIO()
    EXPORT.write(report, out)
    return out.getvalue().decode()


def whole() -> Report:
    chart = Chart("Open breaks by age", ("0–1 days", "90+ days"), (12, 0), "breaks")
    return replace(sample(), charts=(chart,), inputs=(("entries", "ab" * 32),), sign_off=SignOff("anna"))


def test_golden():
    assert written(whole()) == GOLDEN.read_text(encoding="utf-8")


def test_found_by_name():
    assert lookup("exporters", "EXPORT", "report-text") is EXPORT


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "a\r\nb", "\x07", "\u202eabc", "\u2028"])
def test_no_text_steers_the_terminal(text):
    frame = pl.DataFrame({"note": [text, "x"]})
    report = replace(sample(), scope=text, facts=((text, text),), sheets=(Sheet("Texts", frame, {}, text),))
    found = written(replace(report, charts=(Chart(text, (text,), (1,), text),)))
    assert all(sign.isprintable() for line in found.split("\n") for sign in line)


def test_a_long_table_ends_with_where_the_rest_is():
    sheet = Sheet("Breaks", pl.DataFrame({"id": [f"id-{row:04d}" for row in range(100)]}), {})
    found = written(replace(sample(), sheets=(sheet,)))
    assert f"id-{ROWS_MAX - 1:04d}" in found
    assert f"id-{ROWS_MAX:04d}" not in found
    assert f"The first {ROWS_MAX} of 100 rows; all: settlement-=first bank.xlsx, sheet Breaks" in found
