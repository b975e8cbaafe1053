"""What comes back to be mended: rows that were not even read too, and nothing of what may be incomplete; and why a row fell with others."""

from __future__ import annotations

import io

import openpyxl
import pytest
from test_answers import outbox
from test_journey import TODAY, receive_one
from world import agree

from gateway.composition import Gateway
from gateway.stages import run_journey
from sandbox.day import aba, salaries_pain001, suppliers_nacha

HEADER = "end_to_end_id,execution_date,creditor_name,creditor_account,amount,currency,remittance"
ROW = "{},2026-12-01,Good Supplies,FR1420041010050500013M02606,10.00,EUR,Invoice"
FORMS = ["corrected-rows", "answer-csv", "answer-html"]


def sent(gateway: Gateway, client_id: str, name: str, data: bytes, **terms: object) -> dict[str, str]:
    """The answers to a file by how their names end."""
    agree(gateway, client_id, answers=[{"name": form} for form in FORMS], duplicate_payment="warn", **terms)
    run_journey(gateway, receive_one(gateway, client_id, name, data))
    return {
        file.partition(".validated")[2]: data.decode("latin-1" if "rejected" in file else "utf-8")
        for file, data in outbox(gateway, client_id).items()
        if file.startswith(name)
    }


def test_a_row_that_was_not_read_comes_back_and_passes_once_mended(gateway: Gateway) -> None:
    rows = [
        ROW.format("A1"),
        ROW.format("A2").replace(",Invoice", ""),
        ROW.format("A3"),
        'A4,2026-12-01,Bad "quote,x,1,EUR,y',
    ]
    data = "\n".join([HEADER, *rows, ROW.format("A5").replace("2026-12-01", "1.12.2026"), "TOTAL,5,50.00", ""])
    answers = sent(gateway, "cedar", "c.csv", data.encode(), complete="totals")
    rejected = answers[".rejected.csv"]
    assert rejected.splitlines() == [
        HEADER,
        rows[1],
        rows[3],
        ROW.format("A5").replace("2026-12-01", "1.12.2026"),
        "TOTAL,3,",
    ]
    assert "in no file of rejected rows" not in answers[".html"]
    mended = (
        rejected.replace(rows[1], ROW.format("A2"))
        .replace(rows[3], ROW.format("A4"))
        .replace("1.12.2026", "2026-12-01")
    )
    answers = sent(gateway, "cedar", "mended.csv", mended.encode(), complete="totals")
    assert "3 payments, 0 of them rejected" in answers[".csv"]
    assert answers.keys() == {".csv", ".html"}


def test_only_rows_that_were_not_read_come_back_too(gateway: Gateway) -> None:
    data = "\n".join([HEADER, ROW.format("A1"), "A2,only", "TOTAL,2,", ""])
    answers = sent(gateway, "cedar", "c.csv", data.encode(), complete="totals")
    assert answers[".rejected.csv"].splitlines() == [HEADER, "A2,only", "TOTAL,1"]


def test_a_row_that_only_sums_up_others_wrongly_is_to_be_deleted_not_mended(gateway: Gateway) -> None:
    data = "\n".join([HEADER, ROW.format("A1"), "Total,,,,99.00,EUR,", "A2,only", "TOTAL,3,", ""])
    answers = sent(gateway, "cedar", "c.csv", data.encode(), complete="totals")
    assert answers[".rejected.csv"].splitlines() == [HEADER, "A2,only", "TOTAL,1"]


def test_a_row_of_a_workbook_that_was_not_read_comes_back(gateway: Gateway) -> None:
    book = openpyxl.Workbook()
    names = {"Soll": "{}", "Haben": "{}"}
    cells = HEADER.replace("amount", ",".join(names)).split(",")
    book.active.append(cells)
    book.active.append(["A1", "2026-12-01", "Good", "FR1420041010050500013M02606", "10.00", "", "EUR", "Invoice"])
    book.active.append(["A2", "2026-12-01", "Both", "FR1420041010050500013M02606", "10.00", "10.00", "EUR", "Invoice"])
    out = io.BytesIO()
    book.save(out)
    agreed = {"xlsx": {"amounts": {"pays": "Soll", "collects": "Haben"}}}
    agree(gateway, "cedar", answers=[{"name": "corrected-rows"}], formats=["xlsx"], format_options=agreed)
    run_journey(gateway, receive_one(gateway, "cedar", "c.xlsx", out.getvalue()))
    (rejected,) = outbox(gateway, "cedar").values()
    sheet = openpyxl.load_workbook(io.BytesIO(rejected)).active
    assert [next(cell.value for cell in row) for row in sheet.iter_rows()] == ["end_to_end_id", "A2"]


def test_a_file_that_fell_as_a_whole_comes_not_back_with_totals_that_hide_what_is_missing(gateway: Gateway) -> None:
    whole = suppliers_nacha(TODAY)
    entry = next(line for line in whole.split(b"\n") if line.startswith(b"6"))
    answers = sent(gateway, "birch", "b.ach", whole.replace(entry + b"\n", b"", 1), complete="renamed")
    assert answers.keys() == {".csv", ".html"}
    assert "then send the file again" in answers[".html"]


def batches() -> list[str]:
    """What stands before the batches, and the two of them."""
    return salaries_pain001(TODAY).decode().split("<PmtInf>")


def test_a_mended_routing_number_needs_its_entry_hash_made_anew_as_the_answer_says(gateway: Gateway) -> None:
    data = suppliers_nacha(TODAY)
    answers = sent(gateway, "birch", "b.ach", data)
    assert "count the bank numbers as they stand" in answers[".html"]
    (entry,) = [line for line in answers[".rejected.ach"].splitlines() if line.startswith("622")]
    right = aba("11100002")
    mended = answers[".rejected.ach"].replace(entry, f"622{right}{entry[12:]}")
    assert "1 payment, 1 of them rejected" in sent(gateway, "birch", "mended.ach", mended.encode())[".csv"]
    anew = mended.replace(f"{int(entry[3:11]):010d}", f"{int(right[:8]):010d}")
    assert "1 payment, 0 of them rejected" in sent(gateway, "birch", "anew.ach", anew.encode())[".csv"]


def test_a_batch_whose_totals_do_not_fit_comes_not_back(gateway: Gateway) -> None:
    head, first, second = batches()
    wrong = "<PmtInf>".join([head, first, second.replace("<NbOfTxs>5", "<NbOfTxs>6")])
    answers = sent(gateway, "alder", "a.xml", wrong.encode())
    assert "ALDER-20261120-B1" in answers[".rejected.xml"]
    assert "ALDER-20261120-B2" not in answers[".rejected.xml"]
    assert "send that batch again" in answers[".html"]
    assert "With its batch (line" in answers[".csv"]


@pytest.mark.parametrize("day", ["2026-13-01", "32.12.2026"])
def test_each_batch_is_told_its_own_fault(gateway: Gateway, day: str) -> None:
    head, first, second = batches()
    bad = "<PmtInf>".join(
        [head, first.replace("<Dt>2026-11-20", "<Dt>2026-11-31"), second.replace("<Dt>2026-11-20", f"<Dt>{day}")]
    )
    answers = sent(gateway, "alder", "a.xml", bad.encode())
    fallen = [line for line in answers[".csv"].splitlines() if "With its batch" in line]
    assert [line for line in fallen if day in line]
    assert [line for line in fallen if "2026-11-31" in line]
    assert not [line for line in fallen if day in line and "2026-11-31" in line]


def test_a_warning_does_not_hide_why_a_payment_fell_with_its_batch(gateway: Gateway) -> None:
    text = salaries_pain001(TODAY).decode()
    odd = text.replace("<Dt>2026-11-20", "<Dt>2026-11-31").replace("Ada Lindqvist", "Ada Lindqvist ©")
    answers = sent(gateway, "alder", "a.xml", odd.encode())
    row = next(line for line in answers[".csv"].splitlines() if "Warning" in line and "SAL-" in line)
    assert "With its batch (line" in row
    assert row.index("With its batch") < row.index("Warning: ")
