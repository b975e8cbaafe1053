from __future__ import annotations

import datetime as dt
import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unicodedata import category

import polars as pl
import pytest
from pypdf import PdfReader
from report_samples import sample

from canonical.contracts import Chart, Report, Sheet, SignOff
from canonical.plugins import lookup
from exporters.report_pdf import _LETTERS, ROWS_MAX
from exporters.report_pdf import EXPORT as PDF

GOLDEN = Path(__file__).parent / "golden" / "report_pdf" / "expected.txt"
SIGNED = SignOff("anna", "2026-03-10T18:00:00Z", "bert", "2026-03-11T07:30:00Z")


def written(report: Report) -> bytes:
    out = io.BytesIO()
    PDF.write(report, out)
    return out.getvalue()


def text_of(report: Report) -> str:
    return "\f".join(page.extract_text() for page in PdfReader(io.BytesIO(written(report))).pages)


def whole() -> Report:
    chart = Chart("Open breaks by age", ("0–1 days", "90+ days"), (12, 0), "breaks")
    return replace(sample(), charts=(chart,), inputs=(("entries", "ab" * 32),), sign_off=SIGNED)


def of_texts(*texts: str) -> Report:
    frame = pl.DataFrame({"note": texts, "row": range(len(texts))})
    return replace(sample(), sheets=(Sheet("Texts", frame, {"row": "number"}),))


def test_golden():
    assert text_of(whole()) == GOLDEN.read_text(encoding="utf-8").rstrip("\n")


def test_found_by_name():
    assert lookup("exporters", "EXPORT", "report-pdf") is PDF


def test_two_processes_write_the_same_bytes():
    code = (
        "import sys, io, hashlib; sys.path[:0] = ['tests', 'tests/exporters']\n"
        "from test_report_pdf import whole, written\n"
        "print(hashlib.sha256(written(whole())).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    told = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    assert told == {hashlib.sha256(written(whole())).hexdigest()}


def test_it_can_be_filed():
    """Archival (PDF/A-2a), titled, dated by the report's day and by nothing else."""
    read = PdfReader(io.BytesIO(written(whole())))
    assert read.metadata is not None
    assert read.metadata.title == "Settlement report, =first bank, 2026-03-10"
    assert read.metadata.creation_date == dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
    assert read.xmp_metadata is not None
    assert (read.xmp_metadata.pdfaid_part, read.xmp_metadata.pdfaid_conformance) == ("2", "A")


def test_it_says_who_stands_for_it():
    assert "PRELIMINARY" not in text_of(whole())
    assert "FINAL" in text_of(whole())
    prepared = text_of(replace(whole(), sign_off=replace(SIGNED, reviewed_by="", reviewed_at="")))
    assert "PRELIMINARY" in prepared
    assert "anna" in prepared
    unsigned = text_of(replace(whole(), sign_off=None))
    assert not any(word in unsigned for word in ("PRELIMINARY", "FINAL", "Prepared by", "Signature"))


@pytest.mark.parametrize(
    "text",
    ["#pagebreak()", "*bold* _x_ `raw` $x$", "<b> & \" ' \\ // /*", "= head", "@ref <lab>", "#sys.inputs", '#read("/etc/passwd")'],
)  # fmt: skip
def test_text_is_never_markup(text):
    report = replace(of_texts(text, "x"), title=text, scope=text, facts=((text, text),), inputs=((text, text),))
    found = text_of(replace(report, charts=(Chart(text, (text,), (1,), text),)))
    assert found.count(text) >= 8
    assert len(PdfReader(io.BytesIO(written(report))).pages) == 1


def test_a_character_without_a_letter_is_a_box_and_stops_nothing():
    found = text_of(of_texts("ok", "A\u0308 中文 \x00 \u202e 😀 \u0378"))
    assert "Ä □□ □ □ □ □" in found
    assert "□ stands for a letter that this document cannot show: " in found
    assert "cannot show" not in text_of(of_texts("ok", "Ä □")), "a box of the client's own"


def test_every_letter_said_to_be_there_is_there():
    letters = [chr(code) for first, last in _LETTERS for code in range(first, last + 1)]
    known = [letter for letter in letters if not category(letter).startswith("C")]
    assert len(known) > 1500
    lines = ["".join(known[start : start + 40]) for start in range(0, len(known), 40)]
    assert text_of(of_texts(*lines)).count("□") == 1, "the box itself is the one of them"


def test_a_long_word_keeps_to_its_column_and_is_found_as_it_is():
    account = "DE" + "0123456789" * 2
    frame = pl.DataFrame({f"account_{number}": [account, "x"] for number in range(14)})
    report = replace(sample(), sheets=(Sheet("Accounts", frame, {}),))
    assert text_of(report).replace("\n", "").count(account) == 14
    assert text_of(of_texts(account, "x")).count(account) == 1


def test_a_long_table_ends_with_where_the_rest_is():
    frame = pl.DataFrame({"id": [f"id-{row:05d}" for row in range(1000)], "currency": "EUR", "amount_minor": 100})
    sheet = Sheet("Breaks", frame, {"amount_minor": "money"}, "Open breaks")
    found = text_of(replace(sample(), sheets=(sheet,)))
    assert f"id-{ROWS_MAX - 1:05d}" in found
    assert f"id-{ROWS_MAX:05d}" not in found
    assert f"The first {ROWS_MAX} of 1,000 rows. All of them: settlement-=first bank.xlsx, sheet Breaks." in found
    assert "1,000.00" in found, "the total is of all rows"
    assert "Currency: EUR" in found, "one value is told once"


def test_a_table_without_rows_says_so():
    report = sample()
    found = text_of(replace(report, sheets=(replace(report.sheets[0], frame=report.sheets[0].frame.clear()),)))
    assert "None." in found


def test_pages_are_numbered():
    frame = pl.DataFrame({"id": [str(row) for row in range(ROWS_MAX)]})
    report = replace(sample(), sheets=tuple(Sheet(f"Table {number}", frame, {}) for number in range(4)))
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(written(report))).pages]
    assert len(pages) > 4
    assert all(f"Page {number} of {len(pages)}" in text for number, text in enumerate(pages, 1))
