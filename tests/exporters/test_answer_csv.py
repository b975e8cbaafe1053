"""The client's answer as a table."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from canonical.contracts import ANSWER_DTYPES, Answer, FileHeader, FormatFacts
from canonical.frames import FINDINGS, conform, empty
from canonical.profiles import ClientProfile
from exporters.answer_csv import COLUMNS, EXPORT, CsvAnswerOptions

GOLDEN = Path(__file__).parent / "golden" / "answer_csv"


def rows(*told):
    full = [
        dict.fromkeys(ANSWER_DTYPES) | {"row": n, "line": n + 1, "currency": "EUR", **row}
        for n, row in enumerate(told, 1)
    ]
    return pl.DataFrame(full, schema=ANSWER_DTYPES, orient="row")


def findings(*told):
    base = {"rule": "iban", "severity": "error", "level": "payment", "message": "m", "remedy": "r"}
    schema = {"row": pl.Int64, "line": pl.Int64, "batch": pl.Int64, "field": pl.String, "value": pl.String}
    full = [dict.fromkeys(schema) | base | row for row in told]
    return conform(pl.DataFrame(full, schema_overrides=schema), FINDINGS)


ROWS = rows(
    {"end_to_end_id": "INV-1", "amount_text": "10.00", "status": "ACCP"},
    {"end_to_end_id": "=INV-2", "amount_text": "-5.00", "status": "RJCT", "reason": "AM12", "message": "first only", "remedy": "x"},
    {"row": 4, "line": 5, "end_to_end_id": "INV-4", "amount_text": "=1+1", "status": "RJCT", "reason": "AM12"},
)  # fmt: skip
FINDINGS_ = findings(
    {"level": "file", "line": 1, "reason": "AM10", "field": "TOTAL/sum", "value": "5", "message": "TOTAL/sum says 5, the file has 6", "remedy": "Compare."},
    {"level": "batch", "batch": 1, "line": 2, "reason": "RR10", "severity": "warning", "field": "debtor_name", "message": "Odd name"},
    {"row": 1, "line": 2, "reason": "RR10", "severity": "warning", "field": "creditor_name", "value": "Å…", "message": "Odd name"},
    {"row": 2, "line": 3, "reason": "AM12", "field": "amount_text", "value": "-5.00", "message": "Amount “-5.00” is not an amount", "remedy": "Write digits."},
    {"row": 2, "line": 3, "reason": "AC01", "field": "creditor_account", "value": "DE89…3001", "message": 'Wrong, "check" digits', "remedy": "Ask again."},
    {"row": 3, "line": 4, "reason": "FF02", "message": "The row has 6 columns, the header 7; it was not read", "remedy": "Quote it."},
    {"row": 4, "line": 5, "reason": "AM12", "field": "amount_text", "value": "=1+1", "message": "no amount", "remedy": "-"},
)  # fmt: skip
ANSWER = Answer(
    answer_id="S0", client=ClientProfile(client_id="example", name="Example", formats=("csv",)), file_id="f" * 20,
    file_name="payroll.csv", header=FileHeader("csv", "1"), milestone="validated",
    created=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC), status="PART", reasons=(("AM10", "Totals differ"),), payments=3,
    sums_minor={"EUR": 1000}, rows=ROWS, findings=FINDINGS_,
)  # fmt: skip


def written(answer, export=EXPORT):
    out = io.BytesIO()
    export.write(answer, out)
    return out.getvalue()


def table(data, delimiter=","):
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_the_golden_answer():
    data = written(ANSWER)
    assert data == (GOLDEN / "answer.csv").read_bytes()
    assert written(ANSWER) == data


def test_every_row_of_the_file_is_there_once():
    told = table(written(ANSWER))
    assert tuple(told[0]) == COLUMNS
    assert [row["row"] for row in told] == ["", "", "", "1", "2", "3", "4"]
    assert [row["status"] for row in told[3:]] == ["ACCP", "RJCT", "RJCT", "RJCT"]


def test_several_findings_share_a_cell():
    row = table(written(ANSWER))[4]
    assert row["reason"] == "AM12 | AC01"
    assert row["field"] == "amount_text | creditor_account"
    assert row["message"].count(" | ") == 1


def test_nothing_runs_in_a_spreadsheet():
    told = table(written(ANSWER))
    assert told[4]["end_to_end_id"] == "'=INV-2"
    assert told[4]["amount"] == "-5.00"
    assert told[6]["amount"] == "'=1+1"
    assert told[6]["remedy"] == "'-"


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)
)
def test_no_cell_begins_with_a_sign_that_runs(text):
    answer = replace(
        ANSWER, rows=rows({"end_to_end_id": text, "status": "ACCP"}), findings=empty(FINDINGS), file_name=text
    )
    for row in table(written(answer)):
        assert not row["end_to_end_id"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert row["file"] in {text, "'" + text}


def test_a_duplicate_says_that_the_original_stands():
    told = table(written(replace(ANSWER, duplicate_of="payroll.csv received 2026-11-19", status="ACCP")))
    assert len(told) == 1
    assert "The original stands" in told[0]["message"]
    assert "received before as payroll.csv received 2026-11-19" in told[0]["message"]
    assert "Do not cancel the original" in told[0]["remedy"]


def test_an_outcome_says_what_the_bank_said():
    told = rows({"status": "RJCT", "reason": "AC04", "message": "Closed account number", "remedy": "Ask the payee."})
    warned = findings({"row": 1, "reason": "RR10", "severity": "warning", "message": "Odd name"})
    row = table(written(replace(ANSWER, milestone="acknowledged", rows=told, findings=warned)))[1]
    assert (row["reason"], row["message"], row["remedy"]) == ("AC04", "Closed account number", "Ask the payee.")


def test_a_file_without_payments():
    unreadable = findings({"level": "file", "severity": "fatal", "reason": "FF01", "message": "empty"})
    told = table(written(replace(ANSWER, rows=rows().clear(), findings=unreadable, payments=0, status="RJCT")))
    assert [row["status"] for row in told] == ["RJCT", "RJCT"]


def test_fields_are_called_what_the_client_calls_them():
    terms = FormatFacts("csv", terms={"amount_text": "Betrag", "creditor_account": "=IBAN"})
    told = table(written(replace(ANSWER, facts=terms)))
    assert told[4]["field"] == "Betrag | =IBAN"
    assert told[1]["field"] == "TOTAL/sum"


def test_the_delimiter_is_the_clients():
    data = written(ANSWER, EXPORT.with_options(CsvAnswerOptions(delimiter=";")))
    assert table(data, ";")[3]["end_to_end_id"] == "INV-1"


def test_a_request_to_cancel_counts_requests():
    told = replace(ANSWER, payments=0)
    first = next(csv.DictReader(io.StringIO(written(told).decode("utf-8-sig"))))
    assert first["message"].startswith(f"{ANSWER.rows.height} requests, ")


def test_what_waits_says_why_though_it_was_warned_of():
    words = "Waits. Kept for a day. Warning: Odd name"
    waiting = ANSWER.rows.with_columns(
        status=pl.when(pl.col("row") == 1).then(pl.lit("PDNG")).otherwise("status"),
        message=pl.when(pl.col("row") == 1).then(pl.lit(words)).otherwise("message"),
    )
    rows = csv.DictReader(io.StringIO(written(replace(ANSWER, rows=waiting)).decode("utf-8-sig")))
    (told,) = [row for row in rows if row["row"] == "1"]
    assert (told["status"], told["message"], told["reason"], told["remedy"]) == ("PDNG", words, "RR10", "r")


def test_a_row_that_sums_up_has_no_status():
    told = findings(
        {
            "row": 99,
            "line": 100,
            "reason": "CH16",
            "severity": "warning",
            "message": "It sums up.",
            "remedy": "Delete it.",
        }
    )
    rows = csv.DictReader(io.StringIO(written(replace(ANSWER, findings=told)).decode("utf-8-sig")))
    assert [(row["status"], row["message"]) for row in rows if row["row"] == "99"] == [("", "Warning: It sums up.")]


def test_a_record_that_has_only_a_line_is_told_at_it():
    told = findings(
        {"line": 5, "reason": "FF02", "message": "There is no transaction code “77”", "remedy": "Write 99."}
    )
    (row,) = [
        row
        for row in csv.DictReader(io.StringIO(written(replace(ANSWER, findings=told)).decode("utf-8-sig")))
        if row["line"] == "5" and not row["row"]
    ]
    assert (row["status"], row["reason"], row["message"]) == ("RJCT", "FF02", "There is no transaction code “77”")
