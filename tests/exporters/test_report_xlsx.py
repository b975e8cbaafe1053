from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import replace

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import sample

from canonical.contracts import Chart, Sheet, SignOff
from canonical.money import MINOR_UNITS, format_minor
from canonical.plugins import lookup
from exporters import _sheet_rows, report_xlsx
from exporters._sheet_rows import EXACT_MINOR_MAX
from exporters.report_xlsx import EXPORT


def written(report) -> bytes:
    out = io.BytesIO()
    EXPORT.write(report, out)
    return out.getvalue()


def opened(report, *, values: bool = False):
    return openpyxl.load_workbook(io.BytesIO(written(report)), data_only=values)


def test_found_by_name():
    assert lookup("exporters", "EXPORT", "report-xlsx") is EXPORT


def test_cover_has_the_facts_and_the_tables():
    cover = opened(sample())["Report"]
    rows = [[cell.value for cell in row] for row in cover.iter_rows()]
    assert rows[0][0] == "Settlement report"
    assert rows[2][:2] == ["Day", "2026-03-10"]
    assert ["Ties out", "yes", None] in rows
    assert [row[2] for row in rows[-2:]] == [4, 0]
    assert cover.cell(row=len(rows), column=1).hyperlink.location == "'Breaks- -open--'!A1"


def test_heads_are_frozen_and_filtered_and_columns_wide_enough():
    sheet = opened(sample())["Settlement"]
    assert [cell.value for cell in sheet[3]] == ["Provider", "Currency", "Payments", "Gross", "Net", "Value on", "Note"]
    assert sheet.freeze_panes == "A4"
    assert sheet.auto_filter.ref == "A3:G7"
    assert all(sheet.column_dimensions[letter].width >= 9 for letter in "ABCDEFG")
    assert sheet.column_dimensions["G"].width > 30


def test_money_is_a_number_with_the_decimals_of_its_currency():
    sheet = opened(sample())["Settlement"]
    shown = {
        (row[1].value): (row[3].value, row[3].number_format.split(";")[0])
        for row in sheet.iter_rows(min_row=4, max_row=7)
    }
    assert shown == {
        "EUR": (1234567.89, "#,##0.00"), "JPY": (500, "#,##0"), "KWD": (0.005, "#,##0.000"), "XXX (unknown)": (7, '#,##0" minor units"'),
    }  # fmt: skip
    assert sheet["E4"].value == -1.05
    assert sheet["E7"].value is None
    assert (sheet["F4"].value, sheet["F4"].number_format) == (dt.datetime(2026, 3, 10), "yyyy-mm-dd")
    assert sheet["F5"].value is None
    assert sheet["C4"].value == 2


def test_totals_are_formulas_by_currency_with_their_values():
    sheet, values = opened(sample())["Settlement"], opened(sample(), values=True)["Settlement"]
    assert [sheet.cell(row, 1).value for row in range(9, 13)] == ["Total"] * 4
    assert [sheet.cell(row, 2).value for row in range(9, 13)] == ["EUR", "JPY", "KWD", "XXX (unknown)"]
    assert sheet["D9"].value == "=ROUND(SUMIFS($D$4:$D$7,$B$4:$B$7,$B9),2)"
    assert (values["D9"].value, values["E9"].value, values["C9"].value) == (1234567.89, -1.05, 2)
    assert not sheet["G9"].value


def test_text_is_text_and_never_runs():
    book = opened(sample())
    assert book["Settlement"]["G5"].data_type == "s"
    assert book["Settlement"]["G5"].value == '=HYPERLINK("http://evil.example")'
    raw = zipfile.ZipFile(io.BytesIO(written(sample())))
    formulas = [
        part.split("</f>")[0]
        for name in raw.namelist()
        if "sheets/sheet" in name
        for part in raw.read(name).decode().split("<f>")[1:]
    ]
    assert formulas
    assert all(formula.startswith("ROUND(SUMIFS(") for formula in formulas)
    assert not any("externalLink" in name for name in raw.namelist())


def test_control_characters_and_long_text_do_not_break_the_file():
    report = sample()
    frame = report.sheets[0].frame.with_columns(note=pl.lit("a\x00b\x1f" + "x" * 40_000))
    sheet = opened(replace(report, sheets=(replace(report.sheets[0], frame=frame),)))["Settlement"]
    assert sheet["G4"].value.endswith("xxx")


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from(["_x0041_", "a_x000D_", " b ", "<&>", "=1"])),
            st.one_of(st.none(), st.integers(-(2**62), 2**62)),
            st.one_of(st.none(), st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XXX"])),
            st.one_of(st.none(), st.dates(dt.date(1890, 1, 1), dt.date(2999, 12, 31))),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_every_cell_is_read_back_as_it_was(rows):
    frame = pl.DataFrame(
        rows, orient="row", schema={"note": pl.String, "net": pl.Int64, "currency": pl.String, "on": pl.Date}
    )
    table = Sheet("Table", frame, {"net": "balance", "on": "date"})
    sheet = opened(replace(sample(), sheets=(table,)))["Table"]
    for number, (note, net, currency, on) in enumerate(rows, 4):
        told, amount, code, day = (sheet.cell(number, column).value for column in range(1, 5))
        # openpyxl leaves the escapes of inline text to us; an empty text is an empty cell.
        assert re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), told or "") == (note or "")
        assert code == ("XXX (unknown)" if currency == "XXX" else currency)
        assert day is on is None or (day.date() if isinstance(day, dt.datetime) else dt.date.fromisoformat(day)) == on
        if net is None:
            assert amount is None
        elif abs(net) < EXACT_MINOR_MAX:
            assert amount == float(format_minor(net, currency or "").removesuffix(MINOR_UNITS))
        else:
            assert amount == format_minor(net, currency or "")


def test_a_share_is_a_number_shown_in_percent():
    frame = pl.DataFrame({"rung": ["reference", "batch"], "share": [154, None]})
    sheet = opened(replace(sample(), sheets=(Sheet("Matched", frame, {"share": "share"}),)))["Matched"]
    assert (sheet["B4"].value, sheet["B4"].number_format, sheet["B5"].value) == (0.154, "0.0 %", None)


def test_a_total_says_so_where_its_currency_stands_first_and_is_none_of_what_nobody_knows():
    frame = pl.DataFrame({"currency": ["EUR"], "sent": [5], "paid_in": [None]}, schema_overrides={"paid_in": pl.Int64})
    sheet = opened(replace(sample(), sheets=(Sheet("Funding", frame, {"sent": "money", "paid_in": "money"}),)))[
        "Funding"
    ]
    assert (sheet["A6"].value, sheet["A6"].number_format) == ("EUR", '"Total "@')
    assert sheet["B6"].value == "=ROUND(SUMIFS($B$4,$A$4,$A6),2)"
    assert not sheet["C6"].value


def test_a_table_of_nothing_says_so():
    sheet = opened(sample())["Breaks- -open--"]
    assert [cell.value for cell in sheet["A"]][-1] == "None."


def test_rows_are_as_high_as_their_text():
    frame = pl.DataFrame({"note": ["short", "word " * 30, "w" * 100]})
    sheet = opened(replace(sample(), sheets=(Sheet("Notes", frame, {}),)))["Notes"]
    assert [sheet.row_dimensions[number].height for number in (4, 5, 6)] == [None, 39.0, 26.0]


def test_charts_stand_beside_their_figures():
    chart = Chart("Open breaks by age", ("0–1 days", "=1+1"), (3, 0), "breaks")
    report = replace(sample(), charts=(chart, replace(chart, title="Empty", labels=(), values=())))
    book = opened(report)
    assert book.sheetnames[:3] == ["Report", "Charts", "Settlement"]
    sheet = book["Charts"]
    assert [[cell.value for cell in row[:2]] for row in sheet["A1:B3"]] == [
        ["Open breaks by age", "breaks"], ["0–1 days", 3], ["=1+1", 0],
    ]  # fmt: skip
    assert sheet["A3"].data_type == "s"
    (drawn,) = sheet._charts
    assert drawn.series[0].val.numRef.f == "Charts!$B$2:$B$3"
    assert written(report) == written(report)


def test_the_cover_says_who_stands_for_it_and_what_it_comes_from():
    report = replace(sample(), sign_off=SignOff("anna", "18:00"), inputs=(("entries", "ab" * 32),))
    rows = {row[0].value: row[1].value for row in opened(report)["Report"].iter_rows()}
    assert (rows["State"], rows["Prepared by"], rows["Reviewed by"]) == ("PRELIMINARY", "anna 18:00", "not yet")
    assert rows["SHA-256 of entries"] == "ab" * 32


def test_slices_follow_one_another(monkeypatch):
    whole = written(sample())
    monkeypatch.setattr(_sheet_rows, "_SLICE_ROWS", 1)
    cells = [
        [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(data))["Settlement"]]
        for data in (whole, written(sample()))
    ]
    assert cells[0] == cells[1]


def test_an_amount_beyond_fifteen_digits_is_exact_text():
    report = sample()
    frame = report.sheets[0].frame.head(1).with_columns(gross=pl.lit(EXACT_MINOR_MAX + 1, dtype=pl.Int64))
    sheet = opened(replace(report, sheets=(replace(report.sheets[0], frame=frame),)))["Settlement"]
    assert sheet["D4"].value == "10000000000000.01"
    assert sheet["D6"].value == "10000000000000.01"


def test_the_same_report_gives_the_same_bytes():
    assert written(sample()) == written(sample())


def test_a_long_table_goes_on_in_a_second_worksheet(monkeypatch):
    monkeypatch.setattr(report_xlsx, "SHEET_ROWS_MAX", 3)
    book = opened(sample())
    assert book.sheetnames == ["Report", "Settlement", "Settlement (2)", "Breaks- -open--"]
    assert book["Settlement (2)"]["B4"].value == "XXX (unknown)"


@pytest.mark.parametrize("kind", ["balance", "number"])
def test_balances_and_days_are_not_added_up(kind):
    report = sample()
    sheet = replace(report.sheets[0], kinds={**report.sheets[0].kinds, "net": kind})
    found = opened(replace(report, sheets=(sheet,)))["Settlement"]
    assert found["E4"].value is not None
    assert not found["E9"].value
