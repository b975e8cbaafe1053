"""Other people's tables: every option of the mapping, what does not fit it, and amounts that must be right to the cent."""

import datetime as dt
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from canonical.contracts import Source
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked
from canonical.limits import LINE_BYTES_MAX
from canonical.money import minor_of, parse_minor
from parsers._csv_amounts import amounts_of, days_of
from parsers._csv_options import ENCODINGS, CsvOptions
from parsers.payments_csv import FORMAT, CsvFormat

IBAN = "DE89370400440532013000"
MINIMAL = {
    "end_to_end_id": 1, "execution_date": 2, "creditor_name": 3, "creditor_account": 4, "amount": 5,
    "currency": {"constant": "EUR"},
}  # fmt: skip


def read(data, reader=FORMAT, **options):
    windows = list(reader.windows(Source("f" * 20, "x.csv", data), FORMAT.options.model_validate(options)))
    frames = [pl.concat([getattr(window, name) for window in windows]) for name in ("payments", "totals", "findings")]
    for frame, schema in zip(frames, (PAYMENTS, TOTALS, FINDINGS), strict=True):
        checked(frame, schema)
    return *frames, sum(window.unreadable for window in windows)


def without_header(*rows, delimiter=";", **options):
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    width = max(len(row) for row in rows)
    agreed = {"header": False, "width": width, "delimiter": delimiter, "template": False, "columns": MINIMAL, **options}
    return read(text.encode(), **agreed)


# ------------------------------------------------------------------------------------------------ a whole foreign file


def test_a_payroll_export_is_read_by_its_mapping():
    data = (
        "Lohnlauf November;;;;;;;\r\n"
        "erstellt am 20.11.2026;;;;;;;\r\n"
        "Beleg;Fällig;Vorname;Nachname;IBAN;Betrag;S/H;Art\r\n"
        "# Abteilung Nord\r\n"
        "L-1;01.12.2026;Ada;Beispiel;DE89 3704 0044 0532 0130 00;1.234,56;S;Gehalt\r\n"
        "L-2;01.12.2026;;Muster;DE02120300000000202051;950,00;S;Bonus\r\n"
        "L-3;1.12.2026;Bo;Muster;DE02120300000000202051;12.34,00;X;\r\n"
        "Summe: 3 Sätze, 2.184,56 EUR;;;;;;;\r\n"
    ).encode("cp1252")
    payments, totals, findings, unreadable = read(
        data, delimiter=";", encoding="cp1252", skip_rows=2, comment="#", decimal=",", thousands=".", date="DD.MM.YYYY",
        template=False, totals=[{"pattern": r"Summe: (?P<count>\d+) Sätze, (?P<sum>[\d.,]+) EUR"}],
        columns={
            "end_to_end_id": "Beleg", "execution_date": "fällig", "creditor_name": {"from": ["Vorname", "Nachname"]},
            "creditor_account": "IBAN", "amount": "Betrag", "currency": {"constant": "EUR"},
            "credit_debit": {"from": "S/H", "values": {"S": "CRDT", "H": "DBIT"}},
            "category_purpose": {"from": "Art", "values": {"Gehalt": "SALA"}, "default": "OTHR"},
        },
    )  # fmt: skip
    told = payments.select(
        "row", "line", "creditor_name", "creditor_account", "amount_text", "amount_minor", "category_purpose"
    )
    assert told.rows() == [
        (1, 5, "Ada Beispiel", IBAN, "1.234,56", 123456, "SALA"),
        (2, 6, "Muster", "DE02120300000000202051", "950,00", 95000, None),
    ]
    assert [str(day) for day in payments["requested_execution_date"]] == ["2026-12-01", "2026-12-01"]
    assert unreadable == 1
    assert findings.select("rule", "row", "line", "field", "value").rows() == [
        ("csv-value", 2, 6, "category_purpose", "Bonus"),
        ("csv-direction", 3, 7, "credit_debit", "X"),
    ]
    assert "Column Art says “Bonus”" in findings["message"][0]
    assert totals.select("line", "measure", "declared_text", "declared").rows() == [
        (8, "count", "3", 3), (8, "sum", "2184,56", 218_456_000),
    ]  # fmt: skip


def test_terms_are_the_clients_own_words():
    options = CsvOptions.model_validate(
        {"columns": {"creditor_name": {"from": ["First Name", 3]}, "amount": "Betrag", "currency": {"constant": "EUR"}}}
    )
    assert FORMAT.facts.agreed is not None
    terms = FORMAT.facts.agreed(FORMAT.facts, options).terms
    assert (terms["creditor_name"], terms["amount_text"]) == ("First Name + column 3", "Betrag")
    assert terms["creditor_account"] == "creditor_account"
    assert terms["requested_execution_date_text"] == "execution_date"
    assert set(FORMAT.facts.terms) <= set(PAYMENTS.columns)


@pytest.mark.parametrize(
    ("agreed", "amount", "day"),
    [
        ({}, "1234.50", "2026-12-01"),
        ({"decimal": ",", "date": "DD.MM.YYYY"}, "1234,50", "01.12.2026"),
        (
            {"minor_units": True, "totals": [], "columns": {"execution_date": {"from": "due", "date": "M/D/YY"}}},
            "123450",
            "12/01/26",
        ),
    ],
)
def test_remedies_write_as_agreed(agreed, amount, day):
    assert FORMAT.facts.agreed is not None
    facts = FORMAT.facts.agreed(FORMAT.facts, CsvOptions.model_validate(agreed))
    assert facts.amount_example == amount
    assert dt.date(2026, 12, 1).strftime(facts.date_format) == day


# ------------------------------------------------------------------------------------------------ amounts


@pytest.mark.parametrize(
    ("text", "options", "minor"),
    [
        ("1.234,56", {"decimal": ",", "thousands": "."}, 123456),
        ("1234,56", {"decimal": ",", "thousands": "."}, 123456),
        ("1.234.567", {"decimal": ",", "thousands": "."}, 123456700),
        ("12.34,56", {"decimal": ",", "thousands": "."}, None),
        ("1.2345,6", {"decimal": ",", "thousands": "."}, None),
        ("1234.567,00", {"decimal": ",", "thousands": "."}, None),
        ("1.23", {"decimal": ",", "thousands": "."}, None),
        ("1,234.56", {"thousands": ","}, 123456),
        ("1,23", {"thousands": ","}, None),
        ("1 234,56", {"decimal": ",", "thousands": " "}, 123456),
        ("1\u00a0234,56", {"decimal": ",", "thousands": " "}, 123456),
        ("1'234.56", {"thousands": "'"}, 123456),
        ("123456", {"minor_units": True, "totals": []}, 123456),
        ("1234.56", {"minor_units": True, "totals": []}, None),
        ("-5.00", {}, None),
        ("+5.00", {}, None),
        ("5.005", {}, None),
        ("5.5", {}, 550),
        ("5", {}, 500),
        ("5.", {}, 500),
        ("5.5000", {}, 550),
        (".5", {}, 50),
        (" +5.00", {}, None),
        (".", {}, None),
        (",5", {"decimal": ","}, 50),
        ("5,", {"decimal": ","}, 500),
        (",50", {"decimal": ",", "thousands": "."}, 50),
        (".500", {"decimal": ",", "thousands": "."}, None),
        ("+5,00", {"decimal": ",", "thousands": "."}, None),
        ("€ 1.234,56", {"decimal": ",", "thousands": ".", "symbols": {"€": "EUR"}}, 123456),
        ("1.234,56\u00a0€", {"decimal": ",", "thousands": ".", "symbols": {"€": "EUR"}}, 123456),
        ("1234.56 EUR", {"symbols": {"EUR": "EUR"}}, 123456),
        ("EUR1,234.56", {"thousands": ",", "symbols": {"EUR": "EUR", "E": "EUR"}}, 123456),
        ("€5.00 €", {"symbols": {"€": "EUR"}}, None),
        ("€€5.00", {"symbols": {"€": "EUR"}}, None),
        ("$5.00", {"symbols": {"€": "EUR"}}, None),
        ("$5.00", {"symbols": {"€": "EUR", "$": "USD"}}, None),
        ("€5.00", {}, None),
        ("€", {"symbols": {"€": "EUR"}}, None),
        ("-€5.00", {"symbols": {"€": "EUR"}}, None),
        ("1e3", {}, None),
        ("٣", {}, None),
        ("1_0", {}, None),
        ("12.3.4", {}, None),
        ("10000000000.00", {}, 10**12),
        ("10000000000.01", {}, None),
        ("9" * 18, {}, None),
        ("0" * 17 + "1", {}, 100),
        ("0" * 18 + "1", {}, None),
    ],
)
def test_amounts_are_read_as_agreed_and_not_otherwise(text, options, minor):
    payments, *_ = without_header(("E-1", "2026-12-01", "Example", IBAN, text), **options)
    assert payments["amount_minor"].to_list() == [minor]


AMOUNT = st.one_of(
    st.from_regex(r"[0-9]{1,19}(\.[0-9]{0,7})?", fullmatch=True),
    st.text("0123456789.,+-eE ", max_size=12),
    st.decimals(0, 10**11, places=2, allow_nan=False).map(str),
)


@given(st.lists(st.tuples(AMOUNT, st.sampled_from(["EUR", "JPY", "BHD", "XXX", "CLF"])), min_size=1, max_size=30))
def test_the_quick_way_reads_what_the_exact_way_reads(cells):
    texts, currencies = (pl.Series(list(column), dtype=pl.String) for column in zip(*cells, strict=True))
    assert minor_of(texts, currencies).to_list() == [parse_minor(text, currency) for text, currency in cells]


@given(st.integers(0, 10**11), st.sampled_from([".", ","]), st.sampled_from(["", ".", ",", " ", "'"]))
def test_whatever_is_written_with_groups_is_read_back(minor, decimal, thousands):
    if decimal == thousands:
        return
    whole = f"{minor // 100:,}".replace(",", thousands)
    text = f"{whole}{decimal}{minor % 100:02d}"
    options = CsvOptions(decimal=decimal, thousands=thousands)
    found = amounts_of(pl.Series([text]), pl.Series(["EUR"]), options)
    assert found.minor.to_list() == [minor]


@pytest.mark.parametrize(
    ("sign", "text", "expected"),
    [
        ("minus_pays", "-1.50", ("CRDT", 150)),
        ("minus_pays", "1.50-", ("CRDT", 150)),
        ("minus_pays", "1.50", ("DBIT", 150)),
        ("minus_collects", "-1.50", ("DBIT", 150)),
        ("minus_collects", "+1.50", ("CRDT", 150)),
        ("minus_collects", "+.50", ("CRDT", 50)),
        ("minus_pays", "-€ 1.50", ("CRDT", 150)),
        ("minus_pays", "€-1.50", ("CRDT", 150)),
        ("minus_pays", "1.50 €-", ("CRDT", 150)),
        ("minus_pays", "1.50-€", ("CRDT", 150)),
        ("minus_pays", "€ 1.50", ("DBIT", 150)),
        ("minus_collects", "-.50", ("DBIT", 50)),
        ("minus_collects", ".50-", ("DBIT", 50)),
        ("minus_collects", "-", ("DBIT", None)),
        ("minus_collects", "--1", ("DBIT", None)),
        ("minus_collects", "-1-", ("DBIT", None)),
        ("minus_collects", "1-2", ("CRDT", None)),
    ],
)
def test_a_sign_tells_the_direction_where_that_was_agreed(sign, text, expected):
    payments, *_ = without_header(("E-1", "2026-12-01", "Example", IBAN, text), sign=sign, symbols={"€": "EUR"})
    assert payments.select("credit_debit", "amount_minor").row(0) == expected


def test_two_columns_tell_the_direction():
    columns = {key: value for key, value in MINIMAL.items() if key != "amount"}
    rows = [("10,00", ""), ("", "20,00"), ("0,00", "30,00"), ("1,00", "2,00"), ("", "")]
    payments, _, findings, unreadable = without_header(
        *(("E", "2026-12-01", "Example", IBAN, pays, collects) for pays, collects in rows),
        columns=columns, amounts={"pays": 5, "collects": 6}, decimal=",",
    )  # fmt: skip
    assert payments.select("row", "credit_debit", "amount_minor").rows() == [
        (1, "CRDT", 1000), (2, "DBIT", 2000), (3, "DBIT", 3000),
    ]  # fmt: skip
    assert findings.select("rule", "row", "field").rows() == [
        ("csv-direction", 4, "amount_text"), ("csv-direction", 5, "amount_text"),
    ]  # fmt: skip
    assert unreadable == 2


def test_two_columns_and_a_sum_with_currency_signs():
    columns = {key: value for key, value in MINIMAL.items() if key != "amount"}
    rows = [("€ 10.00", ""), ("€ 0.00", "€ 20.00")]
    payments, totals, findings, _ = without_header(
        *(("E", "2026-12-01", "Example", IBAN, pays, collects) for pays, collects in rows), ("TOTAL", "2", "€ 30.00", "", "", ""),
        columns=columns, amounts={"pays": 5, "collects": 6}, symbols={"€": "EUR"},
    )  # fmt: skip
    assert payments.select("credit_debit", "amount_minor").rows() == [("CRDT", 1000), ("DBIT", 2000)]
    assert totals.filter(measure="sum")["declared"].to_list() == [30 * 10**5]
    assert findings.is_empty()


# ------------------------------------------------------------------------------------------------ days, words, flags


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        ("DD.MM.YYYY", "01.12.2026", "2026-12-01"),
        ("DD.MM.YYYY", "1.12.2026", None),
        ("D.M.YYYY", "1.2.2026", "2026-02-01"),
        ("YYYYMMDD", "20261201", "2026-12-01"),
        ("YYYYMMDD", "20261301", None),
        ("MM/DD/YYYY", "12/31/2026", "2026-12-31"),
        ("MM/DD/YYYY", "31/12/2026", None),
        ("YYMMDD", "991231", "2099-12-31"),
        ("YYYY-MM-DD", "2026-02-29", None),
        ("YYYY-MM-DD", "2026-12-01T00:00:00", None),
    ],
)
def test_days_keep_the_agreed_pattern(pattern, text, day):
    found = days_of(pl.Series([text, None, text]), pattern).to_list()
    assert [str(item) if item else None for item in found] == [day, None, day]


@pytest.mark.parametrize("pattern", ["DD.MM", "DDMMYYYYY", "YYYY-MM-DD hh", "DMYYYY", "", "YYYY-MM-MM"])
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(ValidationError, match=r"date pattern|ambiguous"):
        CsvOptions(date=pattern)


def test_values_constants_defaults_and_flags():
    columns = {
        **MINIMAL,
        "purpose": {"from": 6, "values": {"Miete": "RENT"}, "otherwise": "keep"},
        "batch_booking": {"from": 7, "values": {"ja": "true", "nein": "false"}, "otherwise": "keep"},
        "charge_bearer": {"constant": "SLEV"},
        "remittance": {"from": [3, 6], "join": "\n"},
        "execution_date": {"from": 2, "date": "YYYYMMDD"},
    }
    rows = [
        (f"E-{n}", "20261201", "Example", IBAN, "1.00", *more)
        for n, more in enumerate([("Miete", "ja"), ("SUPP", "no"), ("", "")])
    ]
    payments, _, findings, unreadable = without_header(*rows, columns=columns)
    assert payments["purpose"].to_list() == ["RENT", "SUPP", None]
    assert payments["batch_booking"].to_list() == [True, None, None]
    assert payments["charge_bearer"].to_list() == ["SLEV"] * 3
    assert payments["remittance"].to_list() == ["Example\nMiete", "Example\nSUPP", "Example"]
    assert payments["requested_execution_date"].null_count() == 0
    assert findings.select("rule", "row", "field", "value").rows() == [("csv-value", 2, "batch_booking", "no")]
    assert unreadable == 0


def test_a_default_never_speaks_for_a_word_that_nobody_knows():
    columns = {**MINIMAL, "credit_debit": {"from": 6, "values": {"S": "CRDT", "H": "DBIT"}, "default": "CRDT"}}
    rows = [("E", "2026-12-01", "Example", IBAN, "1.00", word) for word in ("S", "H", "", "K")]
    payments, _, findings, unreadable = without_header(*rows, columns=columns)
    assert payments["credit_debit"].to_list() == ["CRDT", "DBIT", "CRDT"]
    assert findings.select("rule", "row", "value").rows() == [("csv-direction", 4, "K")]
    assert unreadable == 1
    del columns["credit_debit"]["default"]
    assert without_header(*rows, columns=columns)[0]["row"].to_list() == [1, 2]


def test_a_direct_debit_by_the_template():
    header = (
        "end_to_end_id,execution_date,amount,currency,credit_debit,debtor_name,debtor_account,mandate_id,mandate_date,"
        "mandate_amended,creditor_scheme_id,sequence_type,batch_id\n"
    )
    rows = (
        f"D-1,2026-12-04,1.00,EUR,DBIT,Erika Beispiel,{IBAN},M-1,2024-02-30,true,DE98ZZZ09999999999,RCUR,B\n"
        f"D-2,2026-12-04,2.00,EUR,DEBIT,Erika Beispiel,{IBAN},M-2,2024-02-28,,DE98ZZZ09999999999,FRST,A\n"
        f"D-3,2026-12-04,3.00,EUR,DBIT,Erika Beispiel,{IBAN},M-3,2024-02-28,,DE98ZZZ09999999999,FRST,\n"
        f"D-4,2026-12-04,4.00,EUR,DBIT,Erika Beispiel,{IBAN},M-4,2024-02-28,,DE98ZZZ09999999999,FRST,B\n"
    )
    payments, _, findings, unreadable = read((header + rows).encode(), CsvFormat(window_bytes=150))
    assert payments.select("row", "batch", "batch_id", "mandate_id").rows() == [
        (1, 1, "B", "M-1"), (3, 2, None, "M-3"), (4, 1, "B", "M-4"),
    ]  # fmt: skip
    assert payments["mandate_date"].to_list()[0] is None
    assert payments["mandate_date_text"].to_list()[0] == "2024-02-30"
    assert payments["mandate_amended"].to_list() == [True, None, None]
    assert findings.select("rule", "row", "batch").rows() == [("csv-direction", 2, None)]
    assert unreadable == 1


# ------------------------------------------------------------------------------------------------ the file around it


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("window", [150, 2**20])
def test_every_encoding_is_read_with_true_offsets(encoding, window):
    name = {"cp1251": "Пример", "iso-8859-5": "Пример", "cp1253": "Παράδ", "iso-8859-7": "Παράδ"}.get(
        encoding, "Müller"
    )
    if encoding.startswith(("utf",)):
        name = "Zoë 日本 𝄞"
    rows = [f"E-{n};2026-12-01;{name};{IBAN};1.00\r\n" for n in range(9)]
    data = "".join(rows).encode(encoding)
    options = {
        "header": False,
        "width": 5,
        "delimiter": ";",
        "columns": MINIMAL,
        "template": False,
        "encoding": encoding,
    }
    payments, _, findings, unreadable = read(data, CsvFormat(window_bytes=window), **options)
    assert findings.is_empty()
    assert unreadable == 0
    assert payments["creditor_name"].to_list() == [name] * 9
    codec = "utf-16-le" if encoding == "utf-16" else encoding
    for offset, length, row in payments.select("offset", "length", "row").rows():
        assert data[offset : offset + length].decode(codec) == rows[row - 1].strip()


def test_what_no_encoding_has_spoils_its_row_alone():
    row = f"E-1;2026-12-01;Ex;{IBAN};1.00\n"
    options = {"header": False, "width": 5, "delimiter": ";", "columns": MINIMAL, "template": False}
    bad = row.encode("utf-16-le").replace("x".encode("utf-16-le"), b"\x00\xd8")
    data = row.encode("utf-16-le") + bad + row.encode("utf-16-le") + b"\n"
    payments, _, findings, unreadable = read(data, encoding="utf-16-le", **options)
    assert payments["row"].to_list() == [1, 3]
    assert findings["rule"].to_list() == ["csv-encoding", "csv-encoding"]
    assert unreadable == 2
    data = row.encode("cp1252") + row.encode().replace(b"Ex", b"E\x81") + row.encode()
    payments, _, findings, _ = read(data, encoding="cp1252", **options)
    assert payments["row"].to_list() == [1, 3]
    assert findings["rule"].to_list() == ["csv-encoding"]


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        ("ä".encode("utf-8-sig"), "cp1252", "begins as UTF-8"),
        ("ä".encode("utf-16"), "utf-8", "begins as UTF-16-LE"),
        ("ä".encode("utf-16-le"), "utf-16", "no byte order mark"),
    ],
)
def test_a_mark_of_another_encoding_is_told(data, encoding, words):
    _, _, findings, _ = read(data, encoding=encoding)
    assert findings.select("rule", "severity").rows() == [("csv-encoding", "fatal")]
    assert words in findings["message"][0]


def test_comments_are_passed_over_and_their_quotes_too():
    rows = [
        "# it's \"open", f"E-1;2026-12-01;Example;{IBAN};1.00", '# "', f'E-2;2026-12-01;"A\n# B";{IBAN};2.00',
        f"E-3;2026-12-01;#C;{IBAN};3.00", "#",
    ]  # fmt: skip
    data = ("\n".join(rows) + "\n").encode()
    options = {"header": False, "width": 5, "delimiter": ";", "columns": MINIMAL, "template": False, "comment": "#"}
    payments, _, findings, _ = read(data, **options)
    assert findings.is_empty()
    assert payments.select("row", "line", "creditor_name").rows() == [
        (1, 2, "Example"), (2, 4, "A # B"), (3, 6, "#C"),
    ]  # fmt: skip


def test_headings_may_have_line_breaks_and_the_wanted_ones_stand_once():
    data = f'"End-to-end\nid";Tag;Name;Konto;Betrag;Betrag\nE-1;2026-12-01;Example;{IBAN};1.00;9.00\n'.encode()
    columns = {**MINIMAL, "end_to_end_id": "End-to-end id", "amount": "Betrag"}
    _, _, findings, _ = read(data, delimiter=";", columns=columns)
    assert findings["message"].to_list()[0] == "The header names Betrag twice"
    payments, _, findings, _ = read(data, delimiter=";", columns={**columns, "amount": 5}, template=False)
    assert payments.select("line", "amount_minor").rows() == [(3, 100)]
    assert findings.is_empty()


def test_every_agreed_column_that_is_missing_is_told():
    columns = {**MINIMAL, "amount": 9, "remittance": "Text"}
    _, _, findings, _ = read(b"a;b;c;d;e\n1;2;3;4;5\n", delimiter=";", columns=columns, template=False)
    assert findings["message"].to_list() == [
        "Column Text is missing from the header", "Column 9 was agreed, and a row has 5 columns",
    ]  # fmt: skip
    assert set(findings["severity"]) == {"fatal"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decimal": ",", "thousands": ","}, "same sign"),
        ({"header": False}, "width must say"),
        ({"header": False, "width": 3, "columns": {"amount": "Betrag"}}, "by position"),
        ({"columns": {"amount": {"from": "a", "constant": "1"}}}, "either from"),
        ({"columns": {"amount": {}}}, "either from"),
        ({"columns": {"amount": 0}}, "greater than or equal to 1"),
        ({"columns": {"amount": " "}}, "heading is empty"),
        ({"columns": {"credit_debit": {"from": 1, "values": {"S": "DEBIT"}}}}, "CRDT or DBIT, not DEBIT"),
        ({"columns": {"purpose": {"from": 1, "date": "YYYYMMDD"}}}, "is no date"),
        ({"sign": "minus_pays", "columns": {"credit_debit": 1}}, "say the direction already"),
        ({"amounts": {"pays": 1, "collects": 2}, "sign": "minus_pays"}, "either amounts or sign"),
        ({"minor_units": True}, "constant currency"),
        ({"minor_units": True, "thousands": ","}, "no thousands sign"),
        ({"totals": [{"pattern": "("}]}, "no regular expression"),
        ({"comment": "##  "}, "should match pattern"),
        ({"delimitre": ";"}, "Extra inputs"),
    ],
)
def test_options_that_contradict_themselves_are_refused(options, words):
    with pytest.raises(ValidationError, match=words):
        CsvOptions.model_validate(options)


# ------------------------------------------------------------------------------------------------ corpus

FOREIGN = {
    "end_to_end_id": "payment_id", "batch_id": "payment_information_id", "batch_booking": "batch_booking",
    "execution_date": "requested_execution_date", "amount": "payment_amount", "currency": "payment_currency",
    "debtor_name": "debtor_name", "debtor_account": "debtor_account_IBAN", "creditor_name": "creditor_name",
    "creditor_account": "creditor_account_IBAN", "remittance": "remittance_information",
}  # fmt: skip
SUMS = {
    "data__template.csv": (4, 90_000),
    "template.csv": (4, 90_000),
    "pain.001.001.04__template.csv": (1, 30_000),
    "pain.001.001.05__template.csv": (1, 10_000),
}


def test_the_corpus_is_read(corpus):
    files = corpus("csv")
    assert len(files) == 16
    for file in files:
        data = file.path.read_bytes()
        if file.path.name in SUMS:
            payments, _, findings, unreadable = read(data, columns=FOREIGN, template=False)
            assert (payments.height, payments["amount_minor"].sum()) == SUMS[file.path.name], file.key
            assert payments.height == file.transactions
            assert findings.is_empty()
            assert unreadable == 0
            assert FORMAT.sniff(data[:65536])
        else:  # statements of accounts, one list of batch ids, one word: docs/formats/csv.md names them
            payments, _, findings, _ = read(data)
            assert payments.is_empty(), file.key
            assert "fatal" in findings["severity"], file.key


# ------------------------------------------------------------------------------------------------ excerpts


def excerpt_of(data, rows, **options):
    agreed = FORMAT.options.model_validate(options)
    payments = pl.concat([window.payments for window in FORMAT.windows(Source("f" * 20, "x", data), agreed)])
    return FORMAT.excerpt(Source("f" * 20, "x", data), payments.filter(pl.col("row").is_in(rows)), agreed)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_excerpt_keeps_bytes_and_makes_the_total_fit(encoding, ending):
    lines = [
        "Lauf 7;;;;", "id;tag;name;konto;betrag", f"E-1;2026-12-01;Zoë;{IBAN};1.000,50", "bad;row",
        f'E-2;2026-12-01;"A; ""B""";{IBAN};2,00', f"E-3;2026-12-01;C;{IBAN};3,25", "TOTAL;4;1.005,75",
    ]  # fmt: skip
    data = (ending.join(lines) + ending).encode(encoding)
    options = {
        "delimiter": ";", "encoding": encoding, "decimal": ",", "thousands": ".", "skip_rows": 1, "template": False,
        "columns": MINIMAL,
    }  # fmt: skip
    found = excerpt_of(data, [1, 3], **options)
    kept = [*lines[:3], lines[4], "TOTAL;2;1002,50"]
    assert found == (ending.join(kept) + ending).encode(encoding)
    again, totals, findings, _ = read(found, **options)
    assert findings.is_empty()
    assert totals["declared"].to_list() == [2, 100_250_000]
    assert again["amount_minor"].to_list() == [100_050, 200]
    assert excerpt_of(data, [], **options).decode(encoding).split(ending)[2] == "TOTAL;0;0,00"


def test_amounts_that_are_still_to_be_mended_are_summed_up_by_nobody():
    header = "end_to_end_id,execution_date,creditor_name,creditor_account,amount,currency\n"
    bad = f'E-2,2026-12-01,A,{IBAN},"1,5",EUR\n'
    data = f"{header}E-1,2026-12-01,A,{IBAN},1,EUR\n{bad}TOTAL,2,2.50,,,\n".encode()
    found = excerpt_of(data, [2])
    assert found.decode() == f"{header}{bad}TOTAL,1,\n"
    _, totals, findings, _ = read(found.replace(b'"1,5"', b"1.50"))
    assert totals.select("measure", "declared").rows() == [("count", 1)]
    assert findings.is_empty()


def test_an_excerpt_without_total_and_without_last_line_break():
    data = f"end_to_end_id,execution_date,creditor_name,creditor_account,amount,currency\nE-1,2026-12-01,A,{IBAN},1,EUR"
    assert excerpt_of(data.encode(), [1]) == (data + "\n").encode()


# ------------------------------------------------------------------------------------------------ bounds


def test_a_line_that_no_window_holds_is_one_bad_row():
    header = "end_to_end_id,execution_date,creditor_name,creditor_account,amount,currency\n"
    good = f"E-1,2026-12-01,A,{IBAN},1,EUR\n"
    data = (header + good + "x" * (4 * LINE_BYTES_MAX) + "\n" + good).encode()
    for window in (1000, 2 * LINE_BYTES_MAX, 2**25):
        payments, _, findings, unreadable = read(data, CsvFormat(window_bytes=window))
        assert payments.select("row", "line").rows() == [(1, 2), (3, 4)], window
        assert findings.select("rule", "row", "line").rows() == [("csv-line-length", 2, 3)]
        assert unreadable == 1


def test_a_file_that_is_one_line():
    _, _, findings, _ = read(b"x," * LINE_BYTES_MAX)
    assert findings.select("rule", "severity").rows() == [("csv-header", "fatal")]
    assert "longer than" in findings["message"][0]


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "cp1252", "utf-16-le"]), st.booleans())
def test_no_bytes_break_the_reader(data, encoding, header):
    options = {
        "header": header,
        "width": 5,
        "columns": MINIMAL,
        "template": False,
        "encoding": encoding,
        "delimiter": ";",
    }
    payments, _, findings, unreadable = read(data, CsvFormat(window_bytes=64), **options)
    assert payments.height + unreadable == max([0, *payments["row"], *findings["row"].drop_nulls()])
    FORMAT.sniff(data)
    FORMAT.complete(data)


@given(
    cells=st.lists(st.lists(st.sampled_from(["a", '"b"', '"c;d"', '"e\nf"', '"', "#x", "", " ", "1"]), min_size=1, max_size=6), max_size=25),
    window=st.integers(60, 300),
    comment=st.sampled_from([None, "#"]),
)  # fmt: skip
def test_windows_change_nothing_whatever_the_rows(cells, window, comment):
    out = io.StringIO()
    for row in cells:
        out.write(";".join(row) + "\n")
    data = out.getvalue().encode()
    options = {"header": False, "width": 5, "delimiter": ";", "columns": MINIMAL, "template": False, "comment": comment}
    whole, parts = read(data, **options), read(data, CsvFormat(window_bytes=window), **options)
    for ours, theirs in zip(whole, parts, strict=True):
        assert ours.equals(theirs) if isinstance(ours, pl.DataFrame) else ours == theirs


@pytest.mark.parametrize(
    ("head", "is_table"),
    [
        (b"Lauf 7\n\nBeleg;Betrag;Name\n1;2;3\n", True),
        (b"1;2026;Ex;DE\n2;2026;Ey;DE\n", True),
        ("Beleg;Betrag;Name\n".encode("utf-16"), True),
        ("Beleg;Betrag;Name\n".encode("utf-16-be"), True),
        (b"01,122099999,123456789,040621,0200,1,65,,2/\n02,031001234,122099999,1,040620,2359,,2/\n", False),
        (b"{1:F01AAAABB99BSMK0000000000}{2:I101X}{4:\n:20:A,B,C,D\n", False),
        (b"PK\x03\x04\x14\0\0\0", False),
        (b"a,b\n1,2\n", False),
    ],
)
def test_what_looks_like_a_table(head, is_table):
    assert FORMAT.sniff(head) is is_table


@pytest.mark.parametrize(
    ("sign", "encoding", "told"),
    [
        (",", "cp1252", ("csv-header", "The header is divided by a comma; a semicolon was agreed")),
        (";", "utf-8", ("csv-encoding", "The header is written in UTF-8; cp1252 was agreed")),
    ],
)
def test_columns_that_one_cause_hides_are_not_told_one_by_one(sign, encoding, told):
    named = {"end_to_end_id": "Beleg", "execution_date": "Fällig", "creditor_name": "Empfänger", "creditor_account": "IBAN",
             "amount": "Betrag", "currency": {"constant": "EUR"}}  # fmt: skip
    data = f"{sign.join(('Beleg', 'Fällig', 'Empfänger', 'IBAN', 'Betrag'))}\n".encode(encoding)
    *_, findings, _ = read(data, delimiter=";", encoding="cp1252", template=False, columns=named)
    assert findings.select("rule", "message").rows() == [told]
