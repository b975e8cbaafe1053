"""settlement-csv: Stripe's and Adyen's reports by the example mappings, statements of the corpus, statuses, each fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from canonical.contracts import Feedback, Source
from parsers.settlement_csv import FORMAT
from reconciliation.fees import is_fee

EXAMPLES = Path(__file__).parents[2] / "examples" / "settlement"
DAYS = {"account": {"constant": "A"}, "booking_date": "Date", "currency": {"constant": "EUR"}}


def options_of(name: str) -> dict[str, Any]:
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe").load(text)["feedback"][0]["options"]


def read(data: bytes | str, **options: Any) -> Feedback:
    plain = data.encode() if isinstance(data, str) else data
    return FORMAT.read(Source("0" * 20, "test.csv", plain), FORMAT.options.model_validate(options))


def plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    rows = [{key: value for key, value in row.items() if value is not None} for row in frame.to_dicts()]
    return json.loads(json.dumps(rows, default=str))


def told(feedback: Feedback) -> list[tuple[str, str, int]]:
    return list(feedback.findings.select("severity", "rule", "line").iter_rows())


def signed(frame: pl.DataFrame, column: str = "amount_minor") -> int:
    value = pl.when(pl.col("credit_debit") == "CRDT").then(column).otherwise(-pl.col(column))
    return frame.select(value.sum()).item()


@pytest.mark.parametrize("name", ["stripe", "adyen"])
def test_golden(name: str) -> None:
    feedback = read((EXAMPLES / f"{name}.csv").read_bytes(), **options_of(name))
    expected = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert {key: plain(getattr(feedback, key)) for key in expected} == expected
    assert told(feedback) == []


SIGNS: dict[str, Any] = {"columns": {**DAYS, "currency": "Ccy"}, "gross": "Amount", "fees": ["Cost"], "symbols": {
    "€": "EUR", "$": "USD", "US$": "USD", "EUR": "EUR", "Fr.": "CHF",
}}  # fmt: skip
EURO, DOLLAR = {**SIGNS, "decimal": ",", "thousands": "."}, {**SIGNS, "thousands": ","}


@pytest.mark.parametrize(
    ("options", "currency", "text", "minor"),
    [
        (EURO, "EUR", "€ 12,50", 1250),
        (EURO, "EUR", "12,50 €", 1250),
        (EURO, "EUR", "12,50\u00a0€", 1250),
        (EURO, "EUR", "1.234,50€", 123450),
        (EURO, "EUR", "-€ 12,50", -1250),
        (EURO, "EUR", "€ -12,50", -1250),
        (EURO, "EUR", "12,50 EUR", 1250),
        (EURO, "EUR", "12,50-", -1250),
        (EURO, "EUR", "\u221212,50 €", -1250),
        (DOLLAR, "USD", "$1,234.50", 123450),
        (DOLLAR, "USD", "-$1,234.50", -123450),
        (DOLLAR, "USD", "($1,234.50)", -123450),
        (DOLLAR, "USD", "(1,234.50)", -123450),
        (DOLLAR, "USD", "US$ 0.99", 99),
        (DOLLAR, "USD", "+$5.00", 500),
        (DOLLAR, "USD", "5.00", 500),
        (SIGNS, "EUR", "12.50 EUR", 1250),
        (SIGNS, "CHF", "Fr. 12.50", 1250),
        (SIGNS, "CHF", "12.50 Fr.", 1250),
    ],
)
def test_amounts_with_currency_signs(options: dict[str, Any], currency: str, text: str, minor: int) -> None:
    feedback = read(f'Date,Ccy,Amount,Cost\n2026-01-05,{currency},"{text}",\n', **options)
    assert told(feedback) == []
    assert signed(feedback.entries) == minor


@pytest.mark.parametrize(
    ("options", "currency", "text"),
    [
        (DOLLAR, "EUR", "$5.00"),
        (DOLLAR, "USD", "£5.00"),
        (DOLLAR, "USD", "$5.00 $"),
        (DOLLAR, "USD", "-$5.00-"),
        (DOLLAR, "USD", "(-5.00)"),
        (DOLLAR, "USD", "(5.00"),
        (DOLLAR, "USD", "5.00)"),
        (DOLLAR, "USD", "$"),
        (DOLLAR, "USD", "$ "),
        (DOLLAR, "USD", "$12,34.50"),
        (DOLLAR, "USD", "--5.00"),
        (DOLLAR, "USD", "5.00+"),
        ({**DOLLAR, "symbols": {}}, "USD", "$5.00"),
    ],
)
def test_what_is_no_amount_with_a_currency_sign(options: dict[str, Any], currency: str, text: str) -> None:
    feedback = read(f'Date,Ccy,Amount,Cost\n2026-01-05,{currency},7.00,"{text}"\n', **options)
    assert told(feedback) == [("fatal", "settlement-csv-value", 2)]
    assert feedback.findings["field"].to_list() == ["Cost"]
    assert feedback.entries.is_empty()


@pytest.mark.parametrize(
    ("text", "why"), [("£5.00", "has a currency sign"), ("5.001", "is no amount in the row's currency")]
)
def test_why_an_amount_is_none(text: str, why: str) -> None:
    (message,) = read(f"Date,Ccy,Amount,Cost\n2026-01-05,USD,7.00,{text}\n", **DOLLAR).findings["message"]
    assert message.startswith(f"“{text}” {why}")


def test_columns_without_headings_are_named_by_their_position() -> None:
    options = {**SIGNS, "header": False, "columns": {**DAYS, "booking_date": 1}, "gross": 2, "fees": [3], "width": 3}
    found = read("2026-01-05,7.00,x\n", **options).findings
    assert found["field"].to_list() == ["column 3"]


def test_what_one_amount_is_made_of_is_named_together() -> None:
    options = {**SIGNS, "gross": {"credit": "In", "debit": "Out"}, "fees": []}
    found = read("Date,Ccy,In,Out\n2026-01-05,EUR,,\n", **options).findings
    assert found.select("rule", "field").rows() == [("settlement-csv-missing", "In, Out")]


@pytest.mark.parametrize("symbol", ["-", "5", "(", " ", "", "EUROS"])
def test_what_is_no_currency_sign(symbol: str) -> None:
    with pytest.raises(ValidationError):
        FORMAT.options.model_validate({**SIGNS, "symbols": {symbol: "EUR"}})


def test_details_add_up_and_a_batch_that_was_paid_out_is_nothing() -> None:
    feedback = read((EXAMPLES / "adyen.csv").read_bytes(), **options_of("adyen"))
    assert signed(feedback.entries) == 0
    assert feedback.statements.select(pl.col("credits_minor") == pl.col("debits_minor")).item()
    assert feedback.entries.filter(is_fee())["amount_minor"].sum() == 135 + 75 + 25 + 10 + 750 + 120
    stripe = read((EXAMPLES / "stripe.csv").read_bytes(), **options_of("stripe")).entries.filter(currency="USD")
    assert signed(stripe) == 11622 + 7787 - 2000 - 9550 - 200


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("116.22", "116.23", ("error", "settlement-csv-sum", 2)),
        ("116.22", "116,22", ("fatal", "settlement-csv-columns", 2)),
        ("116.22", "116.222", ("fatal", "settlement-csv-value", 2)),
        ("116.22", "1e2", ("fatal", "settlement-csv-value", 2)),
        ("2026-01-05 09:12:44", "05.01.2026", ("fatal", "settlement-csv-value", 2)),
        ("2026-01-05 09:12:44", "", ("fatal", "settlement-csv-missing", 2)),
        (",charge,", ",surprise,", ("fatal", "settlement-csv-type", 2)),
        (",usd,", ",,", ("fatal", "settlement-csv-missing", 2)),
        ("gross,fee", "brutto,fee", ("fatal", "settlement-csv-header", 1)),
    ],
)
def test_each_fault_is_told_with_its_line(before: str, after: str, fault: tuple[str, str, int]) -> None:
    text = (EXAMPLES / "stripe.csv").read_text()
    assert before in text
    feedback = read(text.replace(before, after, 1), **options_of("stripe"))
    assert fault in told(feedback)
    assert feedback.entries.is_empty() == (fault[0] == "fatal")


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        ("2026-01-05,EUR,sale,1.005,", [("value", "Gross")]),
        ("2026-02-30,EUR,sale,1.00,", [("value", "Date")]),
        ("2026-01-05,,sale,1.00,0.1", [("missing", "Ccy")]),
        ("2026-01-05,EUR,sale,,", [("missing", "Gross")]),
        (",,,5.00,", [("missing", "Date"), ("missing", "Ccy"), ("type", "Type")]),
    ],
)
def test_each_fault_of_a_row_is_told_once(row: str, faults: list[tuple[str, str]]) -> None:
    options: dict[str, Any] = {
        "columns": {**DAYS, "currency": "Ccy", "type": "Type"}, "gross": "Gross", "fees": ["Fee"], "types": {"sale": "payment"},
    }  # fmt: skip
    found = read(f"Date,Ccy,Type,Gross,Fee\n2026-01-05,EUR,sale,2.00,0.10\n{row}\n", **options).findings
    assert found["line"].unique().to_list() == [3]
    assert sorted(found.select(pl.col("rule").str.strip_prefix("settlement-csv-"), "field").rows()) == sorted(faults)


def test_a_row_says_what_it_lacks() -> None:
    options: dict[str, Any] = {"columns": {**DAYS, "type": "Type"}, "net": "Net", "types": {"sale": "payment"}}
    assert read("Date,Type,Net\n2026-01-05,,1.00\n", **options).findings["message"].to_list() == [
        "The row has no type."
    ]
    abroad: dict[str, Any] = {"columns": {**DAYS, "gross_currency": "Of"}, "gross": "Gross"}
    (message,) = read("Date,Of,Gross\n2026-01-05,USD,1.00\n", **abroad).findings["message"].to_list()
    assert message.startswith("The gross amount is in another currency than the account")


@pytest.mark.parametrize("data", ["", "Date,Amount\n"])
def test_nothing_is_told(data: str) -> None:
    assert read(data, columns=DAYS, net="Amount").findings["rule"].to_list() == ["settlement-csv-header"]


def test_two_currencies_of_one_day_are_two_statements() -> None:
    options: dict[str, Any] = {"columns": {**DAYS, "currency": "Ccy"}, "net": "Net"}
    data = "Date,Ccy,Net\n2026-01-05,EUR,1.00\n2026-01-05,USD,2.00\n2026-01-05,EUR,-3.00\n"
    found = read(data, **options)
    assert found.statements["statement_id"].to_list() == ["2026-01-05 EUR", "2026-01-05 USD"]
    assert found.entries.select("statement_id", "position").unique().height == 3
    assert read(data.replace("USD", "EUR"), **options).statements["statement_id"].to_list() == ["2026-01-05"]


def test_cells_without_a_name_behind_the_headings_are_no_columns() -> None:
    options: dict[str, Any] = {"columns": DAYS, "net": "Net"}
    data = "Date,Net,,\n2026-01-05,1.00\n2026-01-05,2.00,,\n"
    assert read(data, **options).entries["amount_minor"].to_list() == [100, 200]
    assert ("fatal", "settlement-csv-columns", 2) in told(read(data, columns=DAYS, net=4))
    assert told(read(data.replace("2.00,", "2.00,x"), **options)) == [("fatal", "settlement-csv-columns", 3)]


def test_statuses_by_mapping() -> None:
    data = "Ref;State;Why;Sum;Ccy\nS1;done;;10,50;eur\nS2;failed;AC04;1.000,00;EUR\nS3;sent back;AC06;7,00;EUR\n"
    columns = {
        "instruction_id": "Ref", "reason": "Why", "currency": "Ccy",
        "status": {"from": "State", "values": {"done": "ACSC", "failed": "RJCT", "sent back": "RJCT"}},
        "kind": {"from": "State", "values": {"sent back": "return"}, "otherwise": "keep", "default": "status"},
    }  # fmt: skip
    agreed = {"gives": "statuses", "delimiter": ";", "decimal": ",", "thousands": ".", "amount": "Sum"}
    wrong = read(data, columns=columns, **agreed)
    assert ("fatal", "settlement-csv-kind", 2) in told(wrong)
    columns["kind"]["values"] |= {"done": "status", "failed": "status"}
    found = read(data, columns=columns, **agreed)
    assert told(found) == []
    assert plain(found.statuses.select("original_instruction_id", "kind", "status", "reason", "amount_minor", "currency")) == [
        {"original_instruction_id": "S1", "kind": "status", "status": "ACSC", "amount_minor": 1050, "currency": "EUR"},
        {"original_instruction_id": "S2", "kind": "status", "status": "RJCT", "reason": "AC04", "amount_minor": 100_000, "currency": "EUR"},
        {"original_instruction_id": "S3", "kind": "return", "status": "RJCT", "reason": "AC06", "amount_minor": 700, "currency": "EUR"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"columns": {}}, {"columns": DAYS}, {"columns": {**DAYS, "color": "x"}, "net": "N"},
        {"columns": DAYS, "net": {"credit": "C"}}, {"columns": DAYS, "net": "N", "decimal": ",", "thousands": ","},
        {"columns": DAYS, "net": "N", "types": {"a": "payment"}}, {"columns": DAYS, "net": "N", "amount": "A"},
        {"columns": {**DAYS, "type": "T"}, "net": "N", "types": {"a": "gift"}}, {"columns": DAYS, "net": "N", "encoding": "guess"},
    ],
)  # fmt: skip
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FORMAT.options.model_validate(wrong)


# ---------------------------------------------------------------------------------------------- corpus

US_DATES = {"date": "MM/DD/YYYY", "thousands": ","}
CORPUS: dict[str, tuple[dict[str, Any], int, int]] = {
    "debit_credit_amount.csv": ({"columns": DAYS, "net": {"credit": "Credit", "debit": "Debit"}, **US_DATES}, 4, -146_000),
    "multi_currency.csv": ({"columns": {**DAYS, "currency": "Currency"}, "net": "Amount", **US_DATES}, 2, -3350 + 152_500),
    "original_currency.csv": ({"columns": {**DAYS, "currency": "Currency"}, "net": "Amount", **US_DATES}, 1, 152_500),
    "original_currency_no_header.csv": (
        {"header": False, "width": 8, "columns": {**DAYS, "booking_date": 1, "currency": 3, "end_to_end_id": 8}, "net": 4, **US_DATES}, 1, 152_500,
    ),
    "sample_statement_en.csv": ({"columns": {**DAYS, "currency": "Currency"}, "net": "Amount", **US_DATES}, 2, -3350 + 152_500),
    "sample_statement_credit_card_inverse_sign_en.csv": (
        {"columns": {**DAYS, "currency": "Currency"}, "net": "Amount", "sign": "minus_in", **US_DATES}, 2, -3350 + 152_500,
    ),
    "csv_european_decimals.csv": (
        {"columns": {**DAYS, "booking_date": "Buchungstag", "currency": "CCY", "reference": "Ref"}, "net": "Betrag",
         "delimiter": ";", "decimal": ",", "thousands": "."}, 3, -123_456 + 350_000 - 450,
    ),
    "csv_french_headers.csv": (
        {"columns": {**DAYS, "booking_date": "Date opération", "currency": "Devise", "reference": "Référence"},
         "net": {"credit": "Crédit", "debit": "Débit"}, "delimiter": ";", "decimal": ","}, 3, -123_456 + 350_000 - 450,
    ),
    "sample_statement.csv": (
        {"columns": {**DAYS, "account": "Account", "currency": "Currency", "reference": "Reference"}, "net": "Amount"}, 2, 130_000,
    ),
    "viseca.csv": (
        {"columns": {**DAYS, "account": "CardId", "currency": "Currency", "reference": "TransactionId", "value_date": "ValutaDate"},
         "net": "Amount", "sign": "minus_in", "times": True}, 9, -4920,
    ),
}  # fmt: skip
"""Statement → mapping, entries, their sum. Of the manifest's statements only `invalid.csv` (one word) has none."""


def test_statements_of_the_corpus_are_read_by_mapping(corpus) -> None:
    seen = set()
    for file in corpus("csv"):
        if file.path.name not in CORPUS:
            assert file.version == "bulk-payment" or file.validity == "invalid", file.key
            continue
        options, entries, total = CORPUS[file.path.name]
        feedback = read(file.path.read_bytes(), **options)
        assert told(feedback) == [], file.key
        assert feedback.entries.height == entries, file.key
        assert signed(feedback.entries) == total, file.key
        seen.add(file.path.name)
    assert seen == set(CORPUS)


# ---------------------------------------------------------------------------------------------- what is written is read


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 10**6)), min_size=1, max_size=20))
def test_net_is_gross_less_fees(rows: list[tuple[int, int]]) -> None:
    def text(minor: int) -> str:
        return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"

    lines = [f"2026-01-05,{text(gross)},{text(fee)},{text(gross - fee)}" for gross, fee in rows]
    data = "\n".join(["Date,Gross,Fee,Net", *lines])
    whole = read(data, columns=DAYS, gross="Gross", fees="Fee", net="Net")
    assert told(whole) == []
    assert signed(whole.entries) == sum(gross - fee for gross, fee in rows)
    parts = [read(data, columns=DAYS, fees="Fee", **{name: name.title()}) for name in ("gross", "net")]
    assert all(part.entries.equals(whole.entries) for part in parts)
    once = whole.entries.unique("position")
    statement = whole.statements.row(0, named=True)
    assert once.height == len(rows) == statement["entries"]
    assert statement["credits_minor"] - statement["debits_minor"] == signed(whole.entries)


CHARGES = "account,currency,date,net,fee,type,reference\nA,EUR,2026-11-20,9.50,0.50,charge,ch_1\nA,{second},2026-11-20,19.50,0.50,charge,ch_2\n"
CHARGED: dict[str, Any] = {
    "columns": {"account": "account", "currency": "currency", "booking_date": "date", "type": "type", "reference": "reference"},
    "types": {"charge": "payment"}, "net": "net", "fees": ["fee"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "second", "severity", "words"),
    [
        ("Total,,,29.00,1.00,,", "EUR", "warning", "has their sums"),
        (",,,29.00,,,Grand total:", "EUR", "warning", "has their sums"),
        ("Total,,,29.01,1.00,,", "EUR", "fatal", "net 29.01 EUR; they sum to 29.00"),
        ("Total,,,29.00,2.00,,", "EUR", "fatal", "fee 2.00 EUR; they sum to 1.00"),
        ("Total,,,29.00,1.00,,", "USD", "warning", "not in one currency"),
        ("Total,,,x,,,", "EUR", "warning", "cannot be read"),
    ],
)
def test_a_last_row_that_sums_up_is_told_once_and_is_no_entry(row: str, second: str, severity: str, words: str) -> None:
    found = read(CHARGES.format(second=second) + row + "\n", **CHARGED)
    assert told(found) == [(severity, "settlement-csv-summary", 4)]
    assert words in found.findings["message"][0]
    assert found.entries["entry_id"].n_unique() == (0 if severity == "fatal" else 4)


@pytest.mark.parametrize(
    "row",
    ["A,,,29.00,1.00,,", ",,,29.00,1.00,,", "Total,EUR,,29.00,1.00,,", "Total,,2026-11-20,29.00,1.00,charge,ch_3"],
)
def test_a_last_row_that_says_more_is_a_faulty_row(row: str) -> None:
    found = read(CHARGES.format(second="EUR") + row + "\n", **CHARGED)
    assert found.entries.is_empty()
    assert "settlement-csv-missing" in set(found.findings["rule"])
    assert "settlement-csv-summary" not in set(found.findings["rule"])


def test_a_table_that_is_divided_otherwise_than_agreed_is_one_fault() -> None:
    found = read(CHARGES.format(second="EUR").replace(",", ";"), **CHARGED)
    assert found.findings["message"].to_list() == ["The header is divided by a semicolon; a comma was agreed"]


def test_a_title_above_the_header_is_told_with_what_to_agree() -> None:
    text = "Settlement report\nGenerated: 29 Sep 2026\n\n" + CHARGES.format(second="EUR")
    found = read(text, **CHARGED)
    assert told(found) == [("fatal", "settlement-csv-header", 4)]
    assert found.findings["remedy"].to_list() == ["Delete the lines above the header, or agree skip_rows: 3."]
    assert read(text, **CHARGED, skip_rows=3).findings.is_empty()


def test_where_gross_less_fees_is_not_net_the_row_is_taken_and_the_remedy_says_so() -> None:
    mapping = {**CHARGED, "columns": {**CHARGED["columns"], "remittance": "gross"}, "gross": "gross"}
    text = "account,currency,date,gross,net,fee,type,reference\nA,EUR,2026-11-20,10.00,9.60,0.50,charge,ch_1\n"
    found = read(text, **mapping)
    assert told(found) == [("error", "settlement-csv-sum", 2)]
    assert "Nothing of the file" not in found.findings["remedy"][0]
    assert found.statements["credits_minor"].to_list() == [960]
