"""The answer as a workbook: the client's own rows under its own headings, faults marked, nothing that runs."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace

import openpyxl
import pytest
from answer_samples import (
    ANSWER,
    ASK,
    BAD,
    PAYMENTS_,
    ROWS,
    SWAPPED,
    finding,
    findings_of,
    many,
    payment,
    payments_of,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

from canonical.frames import FINDINGS, PAYMENTS, empty
from exporters.answer_xlsx import EXPORT, XlsxAnswerOptions

FAULT, WARNING = "FFF8CBAD", "FFFFF2CC"


def opened(answer=ANSWER, export=EXPORT):
    return openpyxl.load_workbook(io.BytesIO(written(export, answer)))


def table(sheet, head_row=1):
    heads = [cell.value for cell in sheet[head_row]]
    return [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=head_row + 1)]


def values(sheet):
    return [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]


def test_sheets():
    assert opened().sheetnames == ["Summary", "Your rows", "Findings"]


def test_the_summary_says_what_became_of_the_file_and_what_to_do():
    told = values(opened()["Summary"])
    assert told[0] == ["3 payments of 5 were refused. 1 row could not be read."]
    assert told[1] == ["The other 2 payments were accepted."]
    assert told[2][0].startswith("What to do now: Mend the payments listed below")
    assert ["File", "pay <1>.csv"] in told
    assert ["accepted", 2, 5469, "EUR"] in told
    assert ["refused", 3, 7469, "EUR", "and 1 amount that cannot be read"] in told
    assert ["AC01: Incorrect account number", 2, 3, "Payee account", SWAPPED, ASK] in told
    assert ["Warning. AM10: Sum of instructed amounts does not equal the control sum", 1, 8, "TOTAL/sum",
            "TOTAL/sum says 5.00, the rows sum to 6.00.", "Compare both."] in told  # fmt: skip


def test_rows_stand_under_the_clients_own_headings_the_refused_first():
    sheet = opened()["Your rows"]
    heads = [cell.value for cell in sheet[1]]
    assert heads == [
        "Row", "Line", "Status", "Reference", "Payee", "Payee account", "Amount", "Currency", "Pay on", "Reason", "What is wrong",
        "What to do", "Credit debit",
    ]  # fmt: skip
    rows = table(sheet)
    assert [row["Row"].value for row in rows] == [2, 3, 5, 6, 4]
    assert [row["Status"].value for row in rows] == ["refused"] * 4 + ["accepted, with a warning"]
    assert rows[1]["Reason"].value == "AC01, AM12"
    assert rows[1]["What is wrong"].value.splitlines() == [
        SWAPPED,
        "Amount “12.3456” has more decimals than EUR has (2).",
    ]
    assert rows[4]["What is wrong"].value.startswith("Warning: ")
    assert rows[3]["What is wrong"].value == "The row has 6 columns, the header 7."


def test_faulty_cells_are_filled_framed_and_noted():
    rows = table(opened()["Your rows"])
    marked = {
        (row["Row"].value, head): cell.fill.fgColor.rgb
        for row in rows
        for head, cell in row.items()
        if cell.fill.fill_type == "solid"
    }
    assert marked == {
        (2, "Payee account"): FAULT, (3, "Payee account"): FAULT, (3, "Amount"): FAULT, (5, "Payee"): FAULT, (6, "Row"): FAULT,
        (4, "Payee"): WARNING,
    }  # fmt: skip
    assert rows[0]["Payee account"].value == BAD
    assert rows[0]["Payee account"].comment.text == f"{SWAPPED} {ASK}"
    assert rows[0]["Payee account"].border.left.style == "medium"
    assert rows[2]["Payee"].value is None


def test_the_summary_counts_all_payments_and_says_what_the_colours_mean():
    cells = list(opened()["Summary"].iter_rows(max_col=5))
    assert [[cell.value for cell in row] for row in cells if row[0].value == "in all"] == [
        ["in all", 5, 12938, "EUR", "and 1 amount that cannot be read"]
    ]
    legend = {row[0].fill.fgColor.rgb: row[1].value for row in cells if row[0].value == "a cell like this"}
    assert list(legend) == [FAULT, WARNING]
    assert "wrong" in legend[FAULT]
    sound = opened(replace(ANSWER, findings=ANSWER.findings.clear(), rows=ANSWER.rows.head(1)))["Summary"]
    assert "a cell like this" not in [row[0].value for row in sound.iter_rows()]


def test_amounts_and_dates_are_real_ones_and_what_is_none_stays_text():
    rows = table(opened()["Your rows"])
    assert (rows[0]["Amount"].value, rows[0]["Amount"].number_format.split(";")[0]) == (2234.5, "#,##0.00")
    assert rows[1]["Amount"].value == "12.3456"
    assert rows[0]["Pay on"].value == dt.datetime(2026, 12, 1)
    odd = payments_of(payment(2, requested_execution_date_text="31.12", requested_execution_date=None))
    assert table(opened(replace(ANSWER, faulty=odd.select))["Your rows"])[0]["Pay on"].value == "31.12"


def test_no_cell_runs():
    sheet = opened()["Your rows"]
    cell = table(sheet)[1]["Reference"]
    assert (cell.value, cell.data_type, cell.number_format) == ("=HYPERLINK(1)", "s", "@")


def test_head_is_frozen_and_filtered():
    book = opened()
    assert book["Your rows"].freeze_panes == "D2"
    assert book["Your rows"].auto_filter.ref == "A1:M6"
    assert book["Findings"].freeze_panes == "A2"
    assert book["Findings"].auto_filter.ref == "A1:L8"


def test_every_finding_is_in_the_last_sheet_errors_first():
    rows = table(opened()["Findings"])
    assert [row["Severity"].value for row in rows] == ["error"] * 5 + ["warning"] * 2
    assert rows[0]["Where"].value == "Payee account"
    assert rows[0]["What stood there"].value == "FR14…2607"


def test_a_copy_shows_no_rows():
    book = opened(replace(ANSWER, duplicate_of="pay.csv received 2026-11-19"))
    assert book.sheetnames == ["Summary"]
    assert values(book["Summary"])[0] == ["This file was received before, as pay.csv received 2026-11-19."]


def test_a_sound_file_has_a_summary_only():
    sound = replace(ANSWER, rows=ROWS.head(1), findings=empty(FINDINGS), faulty=empty(PAYMENTS).select, status="ACCP")
    book = opened(sound)
    assert book.sheetnames == ["Summary"]
    told = values(book["Summary"])
    assert told[:3] == [["No payment was refused."], ["The payment was accepted."], ["What to do now: Nothing."]]


def test_an_unreadable_file():
    fatal = findings_of(
        finding(
            None,
            level="file",
            severity="fatal",
            reason="FF01",
            field=None,
            message="It is empty.",
            remedy="Send it again.",
        )
    )
    book = opened(
        replace(ANSWER, rows=ROWS.clear(), findings=fatal, faulty=empty(PAYMENTS).select, payments=0, status="RJCT")
    )
    assert book.sheetnames == ["Summary", "Findings"]
    assert values(book["Summary"])[0] == ["The file was refused."]


def test_payments_refused_with_their_file_need_no_mending():
    rejected = ROWS.with_columns(status=ROWS["status"].replace({"ACCP": "RJCT"}))
    told = values(opened(replace(ANSWER, rows=rejected))["Summary"])
    assert [
        "2 more payments are refused with the file or the batch they stand in; nothing needs to be mended in them."
    ] in told


def test_what_a_bank_refused_later_is_shown_with_what_the_answer_knows():
    later = replace(ANSWER, milestone="acknowledged", findings=empty(FINDINGS), faulty=empty(PAYMENTS).select)
    rows = table(opened(later)["Your rows"])
    assert [row["Row"].value for row in rows] == [2, 3, 5]
    assert rows[0]["Payee"].value == "Grün…öhne"
    assert rows[0]["What is wrong"].value == SWAPPED


def test_what_there_is_no_room_for_is_counted():
    small = EXPORT.with_options(XlsxAnswerOptions(rows_max=2))
    book = opened(many(5), small)
    assert book["Your rows"].max_row == 3
    assert ["3 more payments did not fit into the sheet of your rows: mend these first."] in values(book["Summary"])


def test_direct_debits_mark_the_debtor():
    collected = payments_of(
        payment(2, credit_debit="DBIT", debtor_account=BAD, debtor_name="Grün", creditor_account=None)
    )
    found = findings_of(finding(2, field="counterparty_account"))
    told = ROWS.head(2).with_columns(credit_debit=ROWS.head(2)["credit_debit"].replace({"CRDT": "DBIT"}))
    (row,) = table(opened(replace(ANSWER, rows=told, findings=found, faulty=collected.select))["Your rows"])
    assert row["Debtor account"].fill.fgColor.rgb == FAULT


def test_a_finding_may_name_its_field_in_the_clients_terms():
    found = findings_of(finding(2, field="Payee account"))
    rows = table(opened(replace(ANSWER, findings=found))["Your rows"])
    assert rows[0]["Payee account"].fill.fgColor.rgb == FAULT


def test_the_same_answer_gives_the_same_bytes():
    assert written(EXPORT) == written(EXPORT)


ANY = st.text(st.characters(codec="utf-8"), max_size=40)


@given(name=ANY, reference=ANY, message=ANY, term=ANY, field=ANY, file_name=ANY)
def test_whatever_the_client_sent_the_workbook_opens_and_nothing_runs(name, reference, message, term, field, file_name):
    known = payments_of(payment(2, creditor_name=name, end_to_end_id=reference, remittance=message))
    facts = replace(ANSWER.facts, terms={"creditor_name": term})
    found = findings_of(finding(2, message=message or "m", field=field))
    answer = replace(ANSWER, faulty=known.select, findings=found, facts=facts, file_name=file_name)
    for sheet in opened(answer):
        for row in sheet.iter_rows():
            assert not [cell.coordinate for cell in row if cell.data_type == "f"]


def test_places_are_called_as_the_format_calls_them():
    book = openpyxl.load_workbook(
        io.BytesIO(written(EXPORT, replace(ANSWER, facts=replace(ANSWER.facts, places=("Payment", "Row")))))
    )
    assert [cell.value for cell in book["Your rows"][1]][:2] == ["Payment", "Row"]
    assert [cell.value for cell in book["Findings"][1]][2:4] == ["Row", "Payment"]
    assert any(cell.value == "First row" for row in book["Summary"].iter_rows() for cell in row)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "http://example.org", "internal:A1", "1e5"]
)
def test_text_stays_text(text):
    known = payments_of(payment(2, creditor_name=text))
    cell = table(opened(replace(ANSWER, faulty=known.select))["Your rows"])[0]["Payee"]
    assert (cell.value, cell.data_type, cell.hyperlink) == (text, "s", None)


def test_payments_not_at_hand_are_shown_all_the_same():
    rows = table(opened(replace(ANSWER, faulty=PAYMENTS_.head(1).select))["Your rows"])
    assert [row["Reference"].value for row in rows] == ["INV-2", "=HYPERLINK(1)", "INV-5", None, "INV-4"]
