"""Workbooks: cells as they were typed, what a spreadsheet hides, bounds, excerpts, and bytes that are no workbook."""

import datetime as dt
import io
import json
import random
import zipfile
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.contracts import Source
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked
from parsers import _xlsx_xml
from parsers._xlsx_cells import rounded
from parsers._xlsx_sheet import column_letters, column_place
from parsers.payments_csv import FORMAT as CSV
from parsers.payments_xlsx import FORMAT, XlsxFormat

GOLDEN = Path(__file__).parent / "golden" / "payments_xlsx"
TEMPLATES = Path(__file__).parents[2] / "examples" / "templates"
HEADER = ("end_to_end_id", "execution_date", "creditor_name", "creditor_account", "amount", "currency")
IBAN = "DE89370400440532013000"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(data, reader=FORMAT, **options):
    windows = list(reader.windows(Source("f" * 20, "x.xlsx", data), FORMAT.options.model_validate(options)))
    assert windows[0].header.format == "xlsx"
    frames = [pl.concat([getattr(window, name) for window in windows]) for name in ("payments", "totals", "findings")]
    for frame, schema in zip(frames, (PAYMENTS, TOTALS, FINDINGS), strict=True):
        checked(frame, schema)
    return *frames, sum(window.unreadable for window in windows)


def book(*rows, build=None):
    """A workbook as a library writes it; every cell as its type says."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = made.add_worksheet("Payments")
    day = made.add_format({"num_format": "dd.mm.yyyy"})
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, dt.date):
                sheet.write_datetime(at, column, dt.datetime.combine(cell, dt.time()), day)
            elif cell is not None:
                sheet.write(at, column, cell)
    if build:
        build(made, sheet)
    made.close()
    return out.getvalue()


def raw(rows, *, prefix="", styles="", names="", more=None, strings=""):
    """A workbook of its XML: `rows` stand in sheetData."""
    colon = f"{prefix}:" if prefix else ""
    space = MAIN.replace("xmlns=", f"xmlns:{prefix}=") if prefix else MAIN
    sheets = names or '<sheet name="S" sheetId="1" r:id="r1"/>'
    relation = '<Relationship Id="{}" Type="{}/{}" Target="{}"/>'.format
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relation("r0", LINKS, "officeDocument", "/xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{LINKS}"><sheets>{sheets}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relation("r1", LINKS, "worksheet", "worksheets/sheet1.xml")
        + relation("r2", LINKS, "styles", "styles.xml") + relation("r3", LINKS, "sharedStrings", "sharedStrings.xml"),
        "xl/styles.xml": f"<styleSheet {MAIN}>{styles}</styleSheet>",
        "xl/sharedStrings.xml": f"<sst {MAIN}>{strings}</sst>",
        "xl/worksheets/sheet1.xml": f"<{colon}worksheet {space}><{colon}sheetData>{rows}</{colon}sheetData></{colon}worksheet>",
        **(more or {}),
    }  # fmt: skip
    wrap = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'.format
    )
    parts = {name: wrap(text) if name.endswith(".rels") else text for name, text in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def text_row(number, *cells, colon=""):
    inside = "".join(
        f'<{colon}c r="{column_letters(at)}{number}" t="inlineStr"><{colon}is><{colon}t>{cell}</{colon}t></{colon}is></{colon}c>'
        for at, cell in enumerate(cells)
    )
    return f'<{colon}row r="{number}">{inside}</{colon}row>'


def payment(number, amount, extra="", day='t="inlineStr"><is><t>2026-12-01</t></is>'):
    return (
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>E-{number}</t></is></c><c r="B{number}" {day}</c>'
        f'<c r="C{number}" t="inlineStr"><is><t>Example</t></is></c><c r="D{number}" t="inlineStr"><is><t>{IBAN}</t></is></c>'
        f'<c r="E{number}"{amount}</c><c r="F{number}" t="inlineStr"><is><t>EUR</t></is></c>{extra}</row>'
    )


# ------------------------------------------------------------------------------------------------ golden


def test_the_golden_workbook():
    options = json.loads((GOLDEN / "options.json").read_text())
    payments, totals, findings, unreadable = read((GOLDEN / "payments.xlsx").read_bytes(), **options)
    for name, frame in (("payments", payments), ("totals", totals), ("findings", findings)):
        out = io.StringIO()
        frame.select(column for column in frame.columns if frame[column].null_count() < frame.height).write_csv(out)
        assert out.getvalue() == (GOLDEN / f"expected_{name}.csv").read_text(), name
    assert unreadable == 1


def test_the_template_says_the_same_as_the_csv_template():
    data = (TEMPLATES / "payments.xlsx").read_bytes()
    assert FORMAT.sniff(data[:65536])
    assert FORMAT.complete(data[-4096:])
    payments, totals, findings, _ = read(data)
    assert findings.is_empty()
    (window,) = CSV.windows(Source("f" * 20, "x.csv", (TEMPLATES / "payments.csv").read_bytes()), CSV.options())
    # A stored number has no trailing zeros; everything else is the same.
    places = ["payment_id", "line", "offset", "length", "amount_text"]
    assert payments.drop(places).equals(window.payments.drop(places))
    assert totals["declared"].equals(window.totals["declared"])


# ------------------------------------------------------------------------------------------------ cells


def test_cells_are_read_as_they_were_typed():
    data = book(
        HEADER,
        ("007", dt.date(2026, 12, 1), "=1+1 Ltd", "00123", 1234.5, "EUR"),
        ("E-2", "2026-12-02", "  Example  ", 40044053, 9464.3, "EUR"),
        (3, dt.date(2026, 12, 3), "Zoë 日本 𝄞", IBAN, "89.90", "EUR"),
    )
    payments, _, findings, _ = read(data)
    assert payments.select("row", "line", "offset", "length").rows() == [(1, 2, 2, 0), (2, 3, 3, 0), (3, 4, 4, 0)]
    assert payments["end_to_end_id"].to_list() == ["007", "E-2", "3"]
    assert payments["creditor_name"].to_list() == ["=1+1 Ltd", "Example", "Zoë 日本 𝄞"] or findings.height
    assert payments["creditor_account"].to_list() == ["00123", "40044053", IBAN]
    assert payments["amount_minor"].to_list() == [123450, 946430, 8990]
    assert payments["amount_text"].to_list() == ["1234.5", "9464.3", "89.90"]
    assert [str(day) for day in payments["requested_execution_date"]] == ["2026-12-01", "2026-12-02", "2026-12-03"]


@pytest.mark.parametrize(
    ("stored", "text", "minor"),
    [
        ("9464.2999999999993", "9464.3", 946430),
        ("9464.299999999999", "9464.3", 946430),
        ("0.28999999999999998", "0.29", 29),
        ("1234.505", "1234.505", None),
        ("33.333333333333336", "33.3333333333333", None),
        ("1E3", "1E3", None),
        ("-5", "-5", None),
        ("1.2345678901234567E+16", "1.2345678901234567E+16", None),
        ("9999999999.9899998", "9999999999.99", 999_999_999_999),
        ("99.999999999999999", "100", 10000),
        ("0.1", "0.1", 10),
        ("100", "100", 10000),
        ("1.0", "1.0", 100),
    ],
)
def test_stored_numbers_are_taken_to_the_digit_that_was_typed(stored, text, minor):
    payments, _, findings, _ = read(raw(text_row(1, *HEADER) + payment(2, f"><v>{stored}</v>")))
    assert payments.select("amount_text", "amount_minor").row(0) == (text, minor)
    assert findings.is_empty()


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=30))
def test_every_amount_survives_the_double_behind_it(cents):
    typed = [f"{minor // 100}.{minor % 100:02d}" for minor in cents]
    for digits in (16, 17):
        stored = pl.DataFrame({"text": [f"{float(text):.{digits}g}" for text in typed]})
        back = stored.filter(~pl.col("text").str.contains("e")).select(rounded().alias("text"))
        plain = [text for text, kept in zip(typed, stored["text"], strict=True) if "e" not in kept]
        assert [text.rstrip("0").rstrip(".") if "." in text else text for text in back["text"]] == [
            text.rstrip("0").rstrip(".") for text in plain
        ]


def test_decimal_commas_are_for_text_and_not_for_numbers():
    data = book(
        HEADER,
        ("A", "01.12.2026", "N", IBAN, 1234.56, "EUR"),
        ("B", dt.date(2026, 12, 1), "N", IBAN, "1.234,56", "EUR"),
    )
    payments, *_ = read(data, decimal=",", thousands=".", date="DD.MM.YYYY")
    assert payments.select("amount_text", "amount_minor").rows() == [("1234,56", 123456), ("1.234,56", 123456)]
    assert payments["requested_execution_date"].to_list() == [dt.date(2026, 12, 1)] * 2
    with pytest.raises(ValidationError, match="cannot be told"):
        FORMAT.options.model_validate({"date": "YYYY-DD-MM"})


def test_shared_rich_and_phonetic_texts():
    strings = (
        "<si><t>E-1</t></si><si><r><t>Ex</t></r><r><rPr/><t xml:space='preserve'>am </t></r><r><t>ple</t></r>"
        "<rPh><t>not this</t></rPh></si>"
    )
    row = payment(2, "><v>1</v>").replace('t="inlineStr"><is><t>E-2</t></is>', 't="s"><v>0</v>', 1)
    row = row.replace('t="inlineStr"><is><t>Example</t></is>', 't="s"><v>1</v>', 1)
    payments, *_ = read(raw(text_row(1, *HEADER) + row, strings=strings))
    assert payments.select("end_to_end_id", "creditor_name").row(0) == ("E-1", "Exam ple")
    payments, *_ = read(raw(text_row(1, *HEADER) + row.replace("<v>1</v>", "<v>77</v>", 1), strings=strings))
    assert payments["creditor_name"].to_list() == [None]


@pytest.mark.parametrize("prefix", ["", "x"])
def test_prefixes_missing_references_and_gaps(prefix):
    colon = f"{prefix}:" if prefix else ""
    rows = text_row(3, *HEADER, colon=colon) + text_row(7, "E", "2026-12-01", "N", IBAN, "1", "EUR", colon=colon)
    rows = rows.replace('r="7"', "").replace(' r="A7"', "").replace(' r="B7"', "") if not prefix else rows
    payments, _, findings, _ = read(raw(rows, prefix=prefix))
    assert findings.is_empty()
    assert payments.select("line", "end_to_end_id", "currency").rows() == [(7 if prefix else 4, "E", "EUR")]


def test_dates_from_1904_and_custom_formats():
    styles = (
        '<numFmts><numFmt numFmtId="164" formatCode="[$-407]d. mmmm yyyy"/><numFmt numFmtId="165" formatCode="0.00&quot; Tage&quot;"/>'
        '</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/>'
        '<xf numFmtId="165"/><xf numFmtId="14"/></cellXfs>'
    )
    days = [("1", "46357"), ("3", "46357"), ("2", "46357"), ("0", "46357"), ("1", "46357.5"), ("1", "60")]
    rows = text_row(1, *HEADER) + "".join(
        payment(at, "><v>1</v>", day=f's="{style}"><v>{serial}</v>') for at, (style, serial) in enumerate(days, 2)
    )
    payments, *_ = read(raw(rows, styles=styles))
    told = payments["requested_execution_date_text"].to_list()
    assert told == ["2026-12-01", "2026-12-01", "46357", "46357", "46357.5", "60"]
    of_1904 = f'<workbook {MAIN} xmlns:r="{LINKS}"><workbookPr date1904="1"/><sheets><sheet name="S" r:id="r1"/></sheets></workbook>'
    payments, *_ = read(raw(rows, styles=styles, more={"xl/workbook.xml": of_1904}))
    assert payments["requested_execution_date_text"].to_list()[0] == "2030-12-02"


def test_errors_lost_digits_and_formulas_are_told_with_row_and_column():
    error = payment(2, "><v>1</v>").replace('t="inlineStr"><is><t>Example</t></is>', 't="e"><v>#N/A</v>', 1)
    digits = payment(3, "><v>1</v>").replace(
        f't="inlineStr"><is><t>{IBAN}</t></is>', "><v>4.0044053201300096E16</v>", 1
    )
    computed = payment(4, "><f>1+1</f><v>2</v>")
    uncomputed = payment(5, "><v>1</v>").replace('t="inlineStr"><is><t>Example</t></is>', "><f>A1</f>", 1)
    amount = payment(6, ' t="e"><v>#REF!</v>')
    payments, _, findings, unreadable = read(
        raw(text_row(1, *HEADER) + error + digits + computed + uncomputed + amount)
    )
    assert payments["row"].to_list() == [1, 2, 3, 4]
    assert payments["amount_minor"].to_list() == [100, 100, 200, 100]
    assert unreadable == 1
    assert findings.select("rule", "severity", "row", "line", "field").rows() == [
        ("xlsx-formula", "warning", None, 4, None),
        ("xlsx-value", "error", 1, 2, "creditor_name"),
        ("xlsx-value", "error", 2, 3, "creditor_account"),
        ("xlsx-value", "error", 4, 5, "creditor_name"),
        ("xlsx-direction", "error", 5, 6, "amount_text"),
    ]
    told = findings["message"].to_list()
    assert told[1].startswith("Column C (creditor_name) shows an error")
    assert "only fifteen digits" in told[2]
    assert "4.00440" not in told[2]


def test_a_direction_that_is_an_error_pays_nobody():
    cell = '<c r="G2" t="e"><v>#N/A</v></c>'
    payments, _, findings, unreadable = read(raw(text_row(1, *HEADER, "credit_debit") + payment(2, "><v>1</v>", cell)))
    assert payments.is_empty()
    assert findings["rule"].to_list() == ["xlsx-direction"]
    assert unreadable == 1


# ------------------------------------------------------------------------------------------------ sheets and rows


def test_what_is_hidden_is_told():
    def build(made, sheet):
        sheet.set_row(2, None, None, {"hidden": True})
        made.add_worksheet("Notes")
        made.add_worksheet("Old").hide()
        sheet.write(1, 7, "a note")

    rows = [("E", dt.date(2026, 12, 1), "N", IBAN, 1, "EUR")] * 3
    payments, _, findings, _ = read(book(HEADER, *rows, build=build))
    assert payments.height == 3
    assert set(findings["severity"]) == {"warning"}
    assert findings.select("rule", "line").rows() == [("xlsx-hidden", 1), ("xlsx-hidden", 3), ("xlsx-cells", 2)]
    assert "Notes, Old (hidden)" in findings["message"][0]


def test_the_agreed_sheet_is_read():
    def build(made, _):
        other = made.add_worksheet("Second")
        for at, row in enumerate((HEADER, ("E", "2026-12-01", "N", IBAN, "7", "EUR"))):
            other.write_row(at, 0, row)

    data = book(("nothing",), build=build)
    assert read(data, sheet="Second")[0]["amount_minor"].to_list() == [700]
    _, _, findings, _ = read(data, sheet="Third")
    assert findings.select("rule", "severity").rows() == [("xlsx-workbook", "fatal")]
    assert "Payments, Second" in findings["message"][0]


def test_blank_rows_skipped_rows_and_totals():
    day = dt.date(2026, 12, 1)
    data = book(
        ("Lauf 7",), (), HEADER, (), ("A", day, "N", IBAN, 1.1, "EUR"), (" ",), ("B", day, "N", IBAN, 2.2, "EUR"),
        ("Summe", None, None, 2, 3.3000000000000003),
    )  # fmt: skip
    options = {"skip_rows": 1, "totals": [{"pattern": "Summe", "count": 4, "sum": 5}]}
    payments, totals, findings, _ = read(data, **options)
    assert findings.is_empty()
    assert payments.select("row", "line").rows() == [(1, 5), (2, 7)]
    assert totals.select("line", "declared_text", "declared").rows() == [(8, "2", 2), (8, "3.3", 330_000)]


def test_windows_change_nothing():
    day = dt.date(2026, 12, 1)
    rows = [(f"E-{n}", day, "N" if n % 7 else None, IBAN, n, "EUR", f"B{n % 3}") for n in range(1, 120)]
    data = book((*HEADER, "batch_id"), *rows, ("TOTAL", 119, 7140))
    whole, parts = read(data), read(data, XlsxFormat(cells_max=40))
    assert whole[0].height == 119
    assert whole[0]["batch"].to_list()[:4] == [1, 2, 3, 1]
    for ours, theirs in zip(whole, parts, strict=True):
        assert ours.equals(theirs) if isinstance(ours, pl.DataFrame) else ours == theirs


def test_a_header_with_nothing_below_and_a_sheet_with_nothing():
    assert read(book(HEADER))[2].select("rule", "severity").rows() == [("xlsx-header", "error")]
    assert read(book())[2].select("rule", "severity").rows() == [("xlsx-workbook", "fatal")]
    assert read(book(("a", "b"), ("c", "d")))[2]["severity"].to_list().count("fatal") == 6


# ------------------------------------------------------------------------------------------------ excerpts


def test_an_excerpt_is_a_workbook_of_the_kept_rows():
    day = dt.date(2026, 12, 1)
    rows = [(f"{n:03d}", day, "Zoë", IBAN, n + 0.1, "EUR", f"note {n}") for n in range(1, 40)]
    data = book(("Lauf 7",), (*HEADER, "notes"), *rows, ("TOTAL", 39, 783.9))
    options = {"skip_rows": 1, "decimal": ","}
    payments, *_ = read(data, **options)
    kept = payments.filter(pl.col("row").is_in([2, 30]))
    agreed = FORMAT.options.model_validate(options)
    found = FORMAT.excerpt(Source("f" * 20, "x", data), kept, agreed)
    assert found == FORMAT.excerpt(Source("f" * 20, "x", data), kept, agreed)
    sheet = openpyxl.load_workbook(io.BytesIO(found))["Payments"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["Lauf 7", None, None, None, None, None, None],
        [*HEADER, "notes"],
        ["002", "2026-12-01", "Zoë", IBAN, "2,1", "EUR", "note 2"],
        ["030", "2026-12-01", "Zoë", IBAN, "30,1", "EUR", "note 30"],
        ["TOTAL", "2", "32,20", None, None, None, None],
    ]
    again, totals, findings, _ = read(found, **options)
    same = ["end_to_end_id", "amount_minor", "requested_execution_date", "creditor_name"]
    assert again.select(same).equals(kept.select(same))
    assert totals["declared"].to_list() == [2, 3_220_000]
    assert findings["severity"].to_list() == ["warning"]


def test_what_is_mended_in_an_excerpt_becomes_an_amount_and_a_day():
    data = book(HEADER, ("1", dt.date(2026, 12, 1), "Zoë", IBAN, "1.250,50", "EUR"))
    payments, *_ = read(data)
    found = FORMAT.excerpt(Source("f" * 20, "x", data), payments, FORMAT.options())
    sheet = openpyxl.load_workbook(io.BytesIO(found)).active
    assert {cell.value: cell.number_format for cell in sheet[2]} == {
        "1": "@", "2026-12-01": "General", "Zoë": "@", IBAN: "@", "1.250,50": "General", "EUR": "@",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ bounds and damage


def damaged(data, words, **options):
    payments, _, findings, _ = read(data, **options)
    assert payments.is_empty()
    assert findings.select("rule", "severity").rows() == [("xlsx-workbook", "fatal")]
    assert words in findings["message"][0]


def test_what_is_no_workbook():
    damaged(b"PK\x03\x04 and nothing", "damaged")
    whole = book(HEADER)
    damaged(whole[: len(whole) // 2], "damaged")
    entry = whole.index(b"PK\x01\x02")
    damaged(whole[: entry + 6] + b"\x40" + whole[entry + 7 :], "damaged")  # a version of zip that there is not
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    damaged(out.getvalue(), "no workbook")


def test_entities_are_refused():
    bomb = f'<!DOCTYPE w [<!ENTITY a "aaaa">]><worksheet {MAIN}><sheetData/></worksheet>'
    damaged(raw("", more={"xl/worksheets/sheet1.xml": bomb}), "document type")


def test_bombs_are_refused(monkeypatch):
    monkeypatch.setattr(_xlsx_xml, "ENVELOPE_FREE_BYTES", 2**16)
    damaged(raw(text_row(1, *HEADER) + "<!--" + "x" * 2**23 + "-->"), "times its size")
    monkeypatch.setattr(_xlsx_xml, "WORKBOOK_PART_BYTES_MAX", 2**16)
    noise = random.Random(1).randbytes(2**18).hex()
    damaged(raw(text_row(1, *HEADER, noise)), "larger than")
    texts = f"<sst {MAIN}><si><t>{'x' * 200}</t></si></sst>"
    monkeypatch.setattr(_xlsx_xml, "XML_TEXT_BYTES_MAX", 100)
    damaged(raw(text_row(1, *HEADER), more={"xl/sharedStrings.xml": texts}), "longer texts")


def test_depth_order_and_places_are_bounded():
    damaged(raw("<a>" * 100 + "</a>" * 100), "deeper than")
    damaged(raw(text_row(3, *HEADER) + text_row(2, "x")), "not in order")
    damaged(raw(text_row(2_000_000, *HEADER)), "not in order")
    damaged(raw('<row r="1"><c r="ZZZZ1"><v>1</v></c></row>'), "no place")
    damaged(raw('<row r="1"><c r="A1"><v>1</v></c>'), "damaged")


@given(st.data())
def test_no_bytes_break_the_reader(data):
    sound = bytearray(raw(text_row(1, *HEADER) + payment(2, "><v>1</v>")))
    for _ in range(data.draw(st.integers(1, 6))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sound)))
    read(bytes(sound[:cut] if data.draw(st.booleans()) else sound))


@given(
    st.lists(
        st.sampled_from([
            "<row>", '<row r="1">', '<row r="9">', "</row>", '<c r="A1">', '<c t="s">', '<c t="e">', '<c r="1">', "</c>", "<v>1</v>",
            "<v>x</v>", "<f>1</f>", "<is><t>y</t></is>", "<t>z</t>", '<c s="9" t="b"><v>1</v></c>', "<v/>", "<rPh>", "</rPh>",
        ]), max_size=14,
    )
)  # fmt: skip
def test_no_xml_breaks_the_reader(parts):
    read(raw(text_row(1, *HEADER) + "".join(parts)))


def test_columns_have_letters():
    for place in (0, 25, 26, 701, 702, 16_383):
        assert column_place(column_letters(place)) == place
    assert column_letters(702) == "AAA"


def test_a_row_that_sums_up_is_no_payment_and_is_told_once():
    paid = ("E-1", "2026-12-01", "Example Ltd", IBAN, 0.1, "EUR")
    more = ("E-2", "2026-12-01", "Example Ltd", IBAN, 0.2, "EUR")
    payments, _, findings, unreadable = read(book(HEADER, paid, more, ("Summe", None, None, None, 0.3)))
    assert (payments["row"].to_list(), unreadable) == ([1, 2], 0)
    assert findings.select("rule", "severity", "row", "line").rows() == [("xlsx-summary", "warning", 3, 4)]


def test_a_date_or_a_truth_value_is_no_account():
    day = dt.date(2026, 12, 1)
    data = book(
        HEADER, ("E-1", day, "A", day, 1, "EUR"), ("E-2", day, "A", True, 1, "EUR"), (day, day, "A", IBAN, 1, "EUR")
    )
    payments, _, findings, unreadable = read(data)
    assert (payments.height, unreadable) == (3, 0)
    assert findings.select("rule", "severity", "row", "field").rows() == [
        ("xlsx-value", "error", 1, "creditor_account"), ("xlsx-value", "error", 2, "creditor_account"),
    ]  # fmt: skip


def test_a_formula_without_a_value_is_told_as_that_alone():
    def build(_, sheet):
        sheet.write_formula(1, 4, "=1+1", None, "")

    _, _, findings, unreadable = read(book(HEADER, ("E-1", dt.date(2026, 12, 1), "A", IBAN, None, "EUR"), build=build))
    assert unreadable == 1
    assert findings["rule"].to_list() == ["xlsx-direction"]
