"""CSV payment files: exact places, and every bad row told alone."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.contracts import Source
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked
from canonical.limits import LINE_BYTES_MAX
from parsers.payments_csv import FORMAT, CsvFormat

GOLDEN = Path(__file__).parent / "golden" / "payments_csv"
TEMPLATE = Path(__file__).parents[2] / "examples" / "templates" / "payments.csv"
HEADER = "end_to_end_id,execution_date,creditor_name,creditor_account,amount,currency,remittance\n"


def read(data, reader=FORMAT, **options):
    windows = list(reader.windows(Source("f" * 20, "payments.csv", data), reader.options.model_validate(options)))
    assert windows[0].header.format == "csv"
    frames = [pl.concat([getattr(window, name) for window in windows]) for name in ("payments", "totals", "findings")]
    for frame, schema in zip(frames, (PAYMENTS, TOTALS, FINDINGS), strict=True):
        checked(frame, schema)
    return *frames, sum(window.unreadable for window in windows)


def row(number, name="Example Ltd", remittance="r"):
    return f"E-{number},2026-12-01,{name},DE89370400440532013000,1.00,EUR,{remittance}\n"


def rules(findings):
    return findings.select("rule", "severity", "row", "line").rows()


def test_what_spreadsheets_and_systems_add_at_the_ends_is_no_cell():
    table = HEADER + row(1) + "TOTAL,1,1.00,,,,\n"
    wide = table.replace("\n", ",,,\n").encode()
    for data in (wide, table.encode() + b"\x1a"):
        assert FORMAT.sniff(data)
        payments, totals, findings, unreadable = read(data)
        assert (payments["amount_minor"].to_list(), totals.height, findings.height, unreadable) == ([100], 2, 0, 0)


def test_the_golden_file():
    options = json.loads((GOLDEN / "options.json").read_text())
    data = (GOLDEN / "payments.csv").read_bytes()
    payments, totals, findings, unreadable = read(data, **options)
    for name, frame in (("payments", payments), ("totals", totals), ("findings", findings)):
        out = io.StringIO()
        frame.select(column for column in frame.columns if frame[column].null_count() < frame.height).write_csv(out)
        assert out.getvalue() == (GOLDEN / f"expected_{name}.csv").read_text()
    assert unreadable == 3
    for offset, length, name in payments.select("offset", "length", "end_to_end_id").rows():
        assert data[offset : offset + length].startswith(name.encode())


def test_the_template_is_read_without_a_finding():
    data = TEMPLATE.read_bytes()
    assert FORMAT.sniff(data[:4096])
    assert FORMAT.complete(data[-4096:])
    payments, totals, findings, unreadable = read(data)
    assert findings.is_empty()
    assert unreadable == 0
    assert payments["amount_minor"].to_list() == [125_000, 8_990, 4_999]
    assert payments["credit_debit"].to_list() == ["CRDT", "CRDT", "DBIT"]
    assert payments["batch"].to_list() == [1, 1, 2]
    assert totals["declared"].to_list() == [3, 138_989_000]


@pytest.mark.parametrize(
    ("data", "rule", "severity", "words"),
    [
        (b"", "csv-header", "fatal", "empty"),
        (b"\xef\xbb\xbf\r\n \r\n", "csv-header", "fatal", "empty"),
        (b"\n" + HEADER.encode(), "csv-header", "fatal", "stands in line 2"),
        (b"\n\n", "csv-header", "fatal", "empty"),
        (HEADER.encode(), "csv-header", "error", "no payments"),
        (HEADER.replace(",", ";").encode(), "csv-header", "fatal", "is divided by a semicolon; a comma was agreed"),
        (HEADER.replace(",", "\t").encode(), "csv-header", "fatal", "is divided by a tab; a comma was agreed"),
        (HEADER.replace("amount,", "").encode(), "csv-header", "fatal", "Column amount is missing"),
        (HEADER.replace("remittance", "amount").encode(), "csv-header", "fatal", "names amount twice"),
        (HEADER.encode("utf-16"), "csv-encoding", "fatal", "UTF-16"),
        (HEADER.replace("remittance", "é").encode("cp1252"), "csv-encoding", "fatal", "not utf-8"),
        ((HEADER + row(1)).replace("\n", "\r").encode(), "csv-header", "fatal", "CR alone"),
    ],
)
def test_files_that_cannot_be_read(data, rule, severity, words):
    payments, _, findings, _ = read(data)
    assert payments.is_empty()
    assert (findings.item(0, "rule"), findings.item(0, "severity")) == (rule, severity)
    assert words in findings.item(0, "message")


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (b"E-2,2026-12-01,Example,DE89,1.00,EUR\n", "csv-columns"),
        (b"E-2,2026-12-01,Example, Ltd,DE89,1.00,EUR,r\n", "csv-columns"),
        (b'E-2,2026-12-01,19" rack,DE89,1.00,EUR,r\n', "csv-quotes"),
        (b'E-2,2026-12-01,"Example" Ltd,DE89,1.00,EUR,r\n', "csv-quotes"),
        (b'E-2,2026-12-01,"Example,DE89,1.00,EUR,r\n', "csv-quotes"),
        (b"E-2,2026-12-01,Caf\xe9,DE89,1.00,EUR,r\n", "csv-encoding"),
        (b"E-2,2026-12-01,Ex\0mple,DE89,1.00,EUR,r\n", "csv-nul"),
        (b"E-2,2026-12-01,Example,DE89,1.00,EUR," + b"r" * LINE_BYTES_MAX + b"\n", "csv-line-length"),
        (b"E-2\n", "csv-columns"),
    ],
)
def test_a_bad_row_is_told_and_the_others_go_on(bad, rule):
    data = HEADER.encode() + row(1).encode() + bad + row(3, '"Quoted, Ltd"').encode() + row(4, '"A\nB"').encode()
    payments, _, findings, unreadable = read(data)
    assert rules(findings) == [(rule, "error", 2, 3)]
    assert unreadable == 1
    assert payments.select("row", "line", "end_to_end_id").rows() == [(1, 2, "E-1"), (3, 4, "E-3"), (4, 5, "E-4")]


def test_every_row_may_be_bad():
    data = HEADER.encode() + b'"\n' * 500 + b'x,"\n' * 500
    payments, _, findings, unreadable = read(data)
    assert payments.is_empty()
    assert findings["line"].to_list() == list(range(2, 1002))
    assert unreadable == 1000


def test_a_stray_quote_swallows_nothing():
    many = "".join(row(number, f'"Name {number}\nLtd"') for number in range(2, 400))
    payments, _, findings, _ = read((HEADER + row(1, '"open') + many).encode())
    assert rules(findings) == [("csv-quotes", "error", 1, 2)]
    assert payments.height == 398


@pytest.mark.parametrize(
    ("last", "complete", "declared"),
    [
        ("TOTAL,1,1.00", True, [("count", 1), ("sum", 100_000)]),
        ('"TOTAL",1,1.00,,,,\n\n', True, [("count", 1), ("sum", 100_000)]),
        ("TOTAL,one,", True, [("count", None)]),
        ("TOTAL,1,1e3", True, [("count", 1), ("sum", None)]),
        ("", False, []),
    ],
)
def test_totals(last, complete, declared):
    data = (HEADER + row(1) + last).encode()
    payments, totals, findings, _ = read(data)
    assert FORMAT.complete(data[-4096:]) is complete
    assert totals.select("measure", "declared").rows() == declared
    assert payments.height == 1
    assert findings.is_empty()


def test_a_total_that_is_not_last_is_a_bad_row():
    _, totals, findings, _ = read((HEADER + row(1) + "TOTAL,1,1.00\n" + row(3)).encode())
    assert totals.is_empty()
    assert rules(findings) == [("csv-columns", "error", 2, 3)]


def test_text_is_text():
    payments, *_ = read((HEADER + "007,2026-12-01,=1+1,00123,1.00,EUR,+1\n").encode())
    told = payments.select("end_to_end_id", "creditor_name", "creditor_account", "remittance").row(0)
    assert told == ("007", "=1+1", "00123", "+1")


@pytest.mark.parametrize(
    ("text", "decimal", "minor"),
    [
        ("1.50", ".", 150),
        ("1,50", ",", 150),
        ("1,50", ".", None),
        ("1.50", ",", None),
        ("1.234,50", ",", None),
        ("2", ",", 200),
    ],
)
def test_the_decimal_sign_is_agreed(text, decimal, minor):
    data = (HEADER + row(1)).replace(",", ";").replace("1.00", text).encode()
    payments, *_ = read(data, delimiter=";", decimal=decimal)
    assert payments.select("amount_text", "amount_minor").row(0) == (text, minor)


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-15", "utf-8"])
def test_encodings(encoding):
    data = (HEADER + row(1, "Café Zoë") + row(2)).encode(encoding)
    payments, _, findings, _ = read(data, encoding=encoding)
    assert findings.is_empty()
    assert payments["creditor_name"][0] == "Café Zoë"
    offset, length = payments.select("offset", "length").row(1)
    assert data[offset : offset + length].decode(encoding) == row(2).strip()


def test_headings_of_the_client():
    data = (HEADER.replace("creditor_name", "Pay To").replace("amount", "AMOUNT") + row(1)).encode()
    payments, _, findings, _ = read(data, columns={"creditor_name": "pay to"})
    assert findings.is_empty()
    assert payments["creditor_name"][0] == "Example Ltd"
    with pytest.raises(ValidationError, match="no columns of ours: payee"):
        FORMAT.options.model_validate({"columns": {"payee": "Pay To"}})


def test_too_many_rows():
    reader = CsvFormat(window_bytes=200, rows_max=5)
    payments, _, findings, _ = read((HEADER + "".join(map(row, range(20)))).encode(), reader)
    assert payments.height <= 5
    assert rules(findings) == [("csv-rows", "fatal", None, 1)]


@pytest.mark.parametrize(
    "head", [b"101 076401251 0764012510807291511A094101", b"<?xml version='1.0'?>", b":20:X\n:25:Y", b"", b"a,b"]
)
def test_other_files_are_not_taken_for_csv(head):
    assert not FORMAT.sniff(head)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=12)


@given(cells=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=30), breaks=st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_csv_writer_writes_is_read_back(cells, breaks):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=breaks)
    for number, (name, remittance) in enumerate(cells, 1):
        writer.writerow([f"E-{number}", "2026-12-01", name, "DE89", "1.00", "EUR", remittance])
    data = (HEADER + out.getvalue()).encode()
    payments, _, findings, _ = read(data)
    assert findings.is_empty()
    assert payments["row"].to_list() == list(range(1, len(cells) + 1))
    names = [" ".join(name.split()) for name, _ in cells]
    assert [" ".join((name or "").split()) for name in payments["creditor_name"]] == names
    for offset, length, line, number in payments.select("offset", "length", "line", "row").rows():
        assert data[offset : offset + length].startswith(f"E-{number},".encode())
        assert data[:offset].count(b"\n") + 1 == line


@given(
    lines=st.lists(st.sampled_from(["good", '"A\nB"', "bad", '"', 'x"', '"open', ""]), max_size=40),
    window=st.integers(200, 900),
)
def test_windows_change_nothing(lines, window):
    body = "".join(
        row(n, name) if name in {"good", '"A\nB"', '"open'} else f"{name}\n" for n, name in enumerate(lines, 1)
    )
    data = (HEADER + row(0) + body).encode()
    whole, parts = read(data), read(data, CsvFormat(window_bytes=window))
    for ours, theirs in zip(whole, parts, strict=True):
        assert ours.equals(theirs) if isinstance(ours, pl.DataFrame) else ours == theirs
    read_rows = sorted([*whole[0]["row"], *whole[2]["row"].drop_nulls()])
    assert read_rows == list(range(1, len(read_rows) + 1))


@pytest.mark.parametrize("window_bytes", [70, 2**20])
def test_a_row_that_sums_up_is_no_payment_and_is_told_once(window_bytes):
    reader = CsvFormat(window_bytes=window_bytes)
    below = ",,Subtotal,,2.00,,\n" + row(3) + "Total:,,,,1.00,EUR,1\n,,Grand total,,3.00,EUR,3\n"
    payments, _, findings, unreadable = read((HEADER + row(1) + row(2) + below).encode(), reader)
    assert payments["row"].to_list() == [1, 2, 4]
    assert unreadable == 0
    assert rules(findings) == [("csv-summary", "warning", n, n + 1) for n in (3, 5, 6)]
    assert "“Subtotal” and names no account" in findings["message"][0]
    assert findings["remedy"][0].startswith("Delete the row")


@pytest.mark.parametrize(
    "label", ["Somme totale", "Total payments: 2", "Total net pay", "Yhteensä", "Итого:", "TOPLAM", "Összesen 2", "合計", "Total a pagar", "Total = 2"]
)  # fmt: skip
def test_sums_are_known_by_their_words_in_many_languages(label):
    payments, _, findings, unreadable = read(f"{HEADER}{row(1)}{row(2)},,{label},,2.00,,\n".encode())
    assert (payments["row"].to_list(), unreadable) == ([1, 2], 0)
    assert rules(findings) == [("csv-summary", "warning", 3, 4)]


def test_a_sum_may_stand_in_the_column_of_accounts_but_an_account_beside_it_is_a_payment():
    payments, _, findings, _ = read(f"{HEADER}{row(1)}{row(2)},,,Gesamtsumme EUR,2.00,,\n".encode())
    assert payments["row"].to_list() == [1, 2]
    assert rules(findings) == [("csv-summary", "warning", 3, 4)]
    payments, _, findings, _ = read(f"{HEADER}{row(1)}{row(2)},,Total,12345678,2.00,,\n".encode())
    assert payments["row"].to_list() == [1, 2, 3]
    assert findings.is_empty()


@pytest.mark.parametrize("label", ["Total Energies", "Summa Equity 2", "Totalview", "Razem Sp 2"])
def test_a_name_that_begins_like_a_sum_is_a_name(label):
    payments, _, findings, _ = read(f"{HEADER}{row(1)},,{label},,1.00,,\n".encode())
    assert payments["row"].to_list() == [1, 2]
    assert findings.is_empty()


def test_a_column_that_stands_twice_is_not_also_unknown():
    _, _, findings, _ = read(HEADER.replace("remittance", "amount").encode())
    assert findings["message"].to_list() == ["The header names amount twice"]


@pytest.mark.parametrize("amount", ["3.00", "", "about 2"])
def test_a_sum_that_is_not_that_of_the_rows_above_is_an_error(amount):
    data = f"{HEADER}{row(1)}{row(2)},,Total,,{amount},,\n"
    payments, _, findings, unreadable = read(data.encode())
    assert payments["row"].to_list() == [1, 2]
    assert unreadable == 1
    assert rules(findings) == [("csv-summary", "error", 3, 4)]
    assert "what was read above gives 2.00" in findings["message"][0]


@pytest.mark.parametrize("window_bytes", [70, 2**20])
def test_a_sum_above_which_an_amount_could_not_be_read_is_not_compared(window_bytes):
    data = HEADER + row(1).replace("1.00", "-1.00") + row(2) + ",,Subtotal,,0.00,,\n" + row(3) + ",,Total,,1.50,,\n"
    payments, _, findings, unreadable = read(data.encode(), CsvFormat(window_bytes=window_bytes))
    assert (payments.height, unreadable) == (3, 0)
    assert rules(findings) == [("csv-summary", "warning", 3, 4), ("csv-summary", "warning", 5, 6)]
    assert all("1 amount above it could not be read" in message for message in findings["message"])


@pytest.mark.parametrize(
    "line", [row(1), "E,12.30,OAK\n", "E;30.11.2026;OAK\n", "OAK,30/11/26,1\n", "OAK,DE89370400440532013000\n"]
)
def test_values_where_headings_must_stand_are_one_fault(line):
    _, _, findings, _ = read((line + row(2)).encode(), delimiter=";" if ";" in line else ",")
    assert findings.select("rule", "severity", "line", "message").rows() == [
        ("csv-header", "fatal", 1, "The line holds values where the headings must stand")
    ]


def test_headings_of_days_and_amounts_are_headings():
    _, _, findings, _ = read(b"no,2026,Q4 2026,amount 1.0,IBAN DE\n")
    assert "The line holds values" not in " ".join(findings["message"])


def test_a_sum_without_a_direction_is_told_once_too():
    data = "no,on,who,iban,eur,cur,way\n" + row(1, remittance="out") + ",,Total,,1.00,,\n"
    headings = ["end_to_end_id", "execution_date", "creditor_name", "creditor_account", "amount", "currency"]
    columns = dict(zip(headings, ("no", "on", "who", "iban", "eur", "cur"), strict=True))
    way = {"from": "way", "values": {"out": "CRDT", "in": "DBIT"}}
    payments, _, findings, unreadable = read(data.encode(), template=False, columns={**columns, "credit_debit": way})
    assert (payments.height, unreadable, rules(findings)) == (1, 0, [("csv-summary", "warning", 2, 3)])


@pytest.mark.parametrize(
    "last",
    [
        ",,Total,DE89370400440532013000,2.00,EUR,",  # names an account
        ",2026-12-01,Total,,2.00,EUR,",  # names a day
        "E-3,,Total,,2.00,EUR,",  # names itself
        ",,Totalschaden GmbH,,2.00,EUR,",  # a name
        ",,,,2.00,EUR,",  # no word
    ],
)
def test_what_may_be_a_payment_stays_one(last):
    payments, _, findings, unreadable = read((HEADER + row(1) + row(2) + last + "\n").encode())
    assert (payments.height, findings.height, unreadable) == (3, 0, 0)
