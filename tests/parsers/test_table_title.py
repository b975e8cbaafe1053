"""A title above the header of a table, and what stands behind the last line of a bank's file."""

from __future__ import annotations

import io

import openpyxl
import pytest

from canonical.contracts import Source
from canonical.plugins import discover

HEADER = "end_to_end_id,execution_date,creditor_name,creditor_account,amount,currency"
ROW = "A1,2026-12-01,Good Supplies,FR1420041010050500013M02606,10.00,EUR"


def findings(name, data, **agreed):
    form = discover("parsers", "FORMAT")[name]
    options = form.options.model_validate(agreed)
    windows = list(form.windows(Source("0" * 20, "x", data), options))
    return [row for window in windows for row in window.findings.iter_rows(named=True)], sum(
        w.payments.height for w in windows
    )


def workbook(*lines):
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line.split(","))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "title", [["Payments of November"], ["Payments", ""], ["", "Payments"], ["Payments,November,,"]]
)
def test_a_title_above_the_header_of_a_csv_file_is_told_with_what_to_agree(title):
    data = "\n".join([*title, HEADER, ROW, ""]).encode()
    (told,), payments = findings("csv", data)
    assert payments == 0
    assert told["severity"] == "fatal"
    assert told["line"] == len(title) + 1
    assert f"The header stands in line {len(title) + 1}" in told["message"]
    assert f"skip_rows: {len(title)}." in told["remedy"]
    assert findings("csv", data, skip_rows=len(title)) == ([], 1)


def test_a_title_above_the_header_of_a_workbook_is_told_with_what_to_agree():
    data = workbook("Payments of November", "", HEADER, ROW)
    (told,), payments = findings("xlsx", data)
    assert (told["line"], payments) == (3, 0)
    assert "skip_rows: 2." in told["remedy"]
    assert findings("xlsx", data, skip_rows=2) == ([], 1)


def test_without_a_header_below_what_is_missing_is_told():
    told, _ = findings("csv", b"one,two\nthree,four\n")
    assert {row["message"] for row in told} >= {"Column amount is missing from the header"}


@pytest.mark.parametrize("behind", [b"\n\x1a", b"\r\n\x1a", b"\n\0\0", b"\n"])
def test_records_without_line_breaks_are_told_from_what_a_carrier_wrote_behind_them(behind):
    from parsers._line_ends import line_end

    assert line_end(b"1" * 188 + behind) == b""
    assert line_end(b"1" * 94 + b"\n" + b"9" * 94 + behind) == b"\n"


def test_an_empty_control_total_of_a_balance_report_is_a_warning():
    data = b"01,1111,us,210101,0101,1,,,2/\n02,us,1111,1,210101,2359,,2/\n03,12345,/\n49,,2/\n98,0,1,4/\n99,0,1,6/\n"
    form = discover("parsers", "FORMAT")["bai2"]
    said = form.read(Source("0" * 20, "x", data), form.options())
    told = said.findings.filter(rule="bai2-control-total")
    assert told.select("severity", "message").rows() == [
        ("warning", "The account states no control total; it is not checked.")
    ]
    wrong = form.read(Source("0" * 20, "x", data.replace(b"49,,", b"49,x,")), form.options())
    assert wrong.findings.filter(rule="bai2-control-total")["severity"].to_list() == ["error"]
