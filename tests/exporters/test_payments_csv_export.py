"""Tables of payments for providers: golden, the mapping, formulas, what is refused, and what other readers make of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from provider_samples import broken_is_seen, order_for, rows, written
from pydantic import ValidationError

from canonical.contracts import Order, Source
from canonical.errors import FrameBroken
from canonical.profiles import Account
from exporters.payments_csv import EXPORT, Options
from parsers.payments_csv import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "csv"
ACCOUNT = Account(account="DE75512108001245126199", currency="EUR", name="Gateway Payments", agent="SOGEDEFFXXX")
COLUMNS = [
    {"name": "Ref", "value": "reference"}, {"name": "Name", "value": "counterparty_name", "chars_max": 30, "needed": True},
    {"name": "IBAN", "value": "counterparty_account"}, {"name": "Amount", "value": "amount"}, {"name": "Ccy", "value": "currency"},
    {"name": "Date", "value": "execution_date"}, {"name": "Text", "value": "remittance"},
    {"name": "Charges", "value": "charge_bearer", "values": {"SHAR": "SHA", "DEBT": "OUR"}}, {"name": "Kind", "constant": "TRANSFER"},
]  # fmt: skip
OPTIONS: dict[str, Any] = {
    "columns": COLUMNS, "delimiter": ";", "decimal": ",", "date": "DD.MM.YYYY", "encoding": "cp1252",
    "first": [["H", "{submission_id}", "{created_date}"]], "last": [["T", "{count}", "{sum}", "{own_account}"]],
}  # fmt: skip
PAYMENT: dict[str, Any] = {
    "amount_minor": 1250_50, "currency": "EUR", "creditor_name": "Müller; Söhne", "creditor_account": "FR1420041010050500013M02606",
    "remittance": 'Invoice "7"\nMay', "charge_bearer": "SHAR",
}  # fmt: skip


def order(**options: Any) -> Order:
    return order_for(EXPORT, ACCOUNT, {**OPTIONS, **options})


def golden_payments() -> pl.DataFrame:
    return rows(
        PAYMENT, {**PAYMENT, "creditor_name": "Anna", "remittance": None, "amount_minor": 5, "charge_bearer": "DEBT"}
    )


def test_golden() -> None:
    data, summary = written(EXPORT, order(), golden_payments())
    assert data == (GOLDEN / "expected.csv").read_bytes()
    assert (summary.payments, summary.sums_minor) == (2, {"EUR": 125055})
    lines = data.decode("cp1252").split("\r\n")
    assert (lines[0], lines[-2:]) == ("H;S0123456789abcdef012;26.11.2026", ["T;2;1250,55;DE75512108001245126199", ""])
    body = "\n".join(lines[1:-2]).encode()
    read = pl.read_csv(io.BytesIO(body), separator=";", infer_schema=False)
    assert read["Name"].to_list() == ["Müller; Söhne", "Anna"]
    assert read["Text"].to_list() == ['Invoice "7" May', None]
    assert read["Charges"].to_list() == ["SHA", "OUR"]


def test_the_same_payments_give_the_same_bytes_however_they_are_cut() -> None:
    assert written(EXPORT, order(), golden_payments(), 1)[0] == written(EXPORT, order(), golden_payments())[0]


def test_our_own_reader_reads_it() -> None:
    columns = [
        {"name": "end_to_end_id", "value": "reference"}, {"name": "creditor_name", "value": "counterparty_name"},
        {"name": "creditor_account", "value": "counterparty_account"}, {"name": "amount", "value": "amount"},
        {"name": "currency", "value": "currency"}, {"name": "debtor_name", "value": "own_name"}, {"name": "debtor_account", "value": "own_account"},
        {"name": "execution_date", "value": "execution_date"},
    ]  # fmt: skip
    data, _ = written(EXPORT, order_for(EXPORT, ACCOUNT, {"columns": columns}), golden_payments())
    options = FORMAT.options.model_validate(
        {"template": False, "columns": {item["name"]: item["name"] for item in columns}, "totals": []}
    )
    (window,) = FORMAT.windows(Source("0" * 20, "out.csv", data), options)
    assert window.findings.is_empty(), window.findings.rows()
    assert window.payments["amount_minor"].to_list() == [125050, 5]
    assert window.payments["creditor_account"].to_list() == golden_payments()["creditor_account"].to_list()


UNFIT = {
    "credit_debit": {"credit_debit": "DBIT", "debtor_name": "A", "debtor_account": "B"},
    "counterparty_name": {"creditor_name": "x" * 31},
    "counterparty_name that is needed": {"creditor_name": None},
    "counterparty_name of other letters": {"creditor_name": "Łukasz"},
    "counterparty_account": {"creditor_account": None},
    "remittance": {"remittance": "=HYPERLINK(1)"},
    "remittance after a line": {"remittance": "-2+3"},
    "remittance with a control character": {"remittance": "a\x07b"},
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_does_not_fit_is_named_and_never_cut(field: str) -> None:
    frame = rows(PAYMENT, {**PAYMENT, **UNFIT[field]})
    found = EXPORT.unfit(frame, Options.model_validate(OPTIONS))
    assert found.select("row", "field").rows() == [(2, field.split(maxsplit=1)[0])], found["message"].to_list()
    with pytest.raises(FrameBroken, match=r"Cannot be written as .*: 1 payment; the first"):
        written(EXPORT, order(), frame)


def test_a_formula_gets_an_apostrophe_or_stays_where_the_profile_says_so() -> None:
    frame = rows({**PAYMENT, "remittance": "=1+1", "creditor_account": "-12"})
    data, _ = written(EXPORT, order(formulas="apostrophe"), frame)
    assert b";'=1+1;" in data
    assert b";'-12;" in data
    assert b";=1+1;" in written(EXPORT, order(formulas="keep"), frame)[0]


def test_words_can_be_transliterated_and_cells_quoted() -> None:
    data, _ = written(
        EXPORT,
        order(transliterate=True, quotes="always", line_end="lf", header=False, first=[], last=[]),
        rows({**PAYMENT, "creditor_name": "Łukasz"}),
    )
    assert data.startswith(b'"0123456789abcdef0123-000000000001";"Lukasz";"FR14')
    assert data.endswith(b'"TRANSFER"\n')


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": COLUMNS[1:]}, "without columns of reference"),
        ({"columns": [*COLUMNS[:3], *COLUMNS[4:]]}, "amount or amount_minor"),
        ({"columns": [*COLUMNS, {"name": "x", "value": "shoe"}]}, "no value named shoe"),
        ({"columns": [*COLUMNS, {"name": "x"}]}, "either value or constant"),
        ({"date": "DD.MM"}, "no date pattern"),
        ({"last": [["{total}"]]}, "no figures of a file: total"),
        ({"credit_debit": "both"}, "credit_debit"),
        ({"encoding": "ebcdic"}, "encoding"),
    ],
)  # fmt: skip
def test_a_mapping_is_checked_when_it_is_read(options, words) -> None:
    with pytest.raises(ValidationError, match=words):
        Options.model_validate({**OPTIONS, **options})


def test_a_changed_file_is_seen() -> None:
    data, summary = written(EXPORT, order(), golden_payments())
    lines = data.splitlines(keepends=True)
    broken_is_seen(
        EXPORT, order(), data, summary,
        b"".join([*lines[:3], *lines[2:]]), b"".join([*lines[:2], *lines[3:]]), data.replace(b"1250,50", b"1250,51"),
        data.replace(b"FR142004", b"FR142005", 1), data.replace(b"T;2;", b"T;3;"), data.replace(b";TRANSFER", b"", 1), data.replace(b"0000000001;", b"0000000009;"),
    )  # fmt: skip


def test_a_line_that_tells_one_sum_needs_one_currency() -> None:
    frame = rows(PAYMENT, {**PAYMENT, "currency": "CHF"})
    with pytest.raises(FrameBroken, match="several"):
        written(EXPORT, order(), frame)
    written(EXPORT, order(last=[["{count}"]]), frame)
    with pytest.raises(FrameBroken, match="no payments"):
        written(EXPORT, order(), frame.clear())


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=20)


@given(
    st.lists(st.tuples(st.integers(0, 10**12), TEXT.filter(bool), TEXT), min_size=1, max_size=6), st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["needed", "always"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le"]), st.integers(1, 4),
)  # fmt: skip
def test_any_text_is_written_and_read_back(given_rows, delimiter, quotes, encoding, cut) -> None:
    columns = [
        *(
            {"name": item["name"], **{key: value for key, value in item.items() if key in {"value", "constant"}}}
            for item in COLUMNS
        )
    ]
    options = {
        "columns": columns,
        "delimiter": delimiter,
        "quotes": quotes,
        "encoding": encoding,
        "formulas": "keep",
        "last": [["{count}", "{sum_minor}"]],
    }
    frame = rows(
        *(
            {**PAYMENT, "amount_minor": minor, "creditor_name": name, "remittance": text}
            for minor, name, text in given_rows
        )
    )
    data, _ = written(EXPORT, order_for(EXPORT, ACCOUNT, options), frame, cut)
    body = data.decode(encoding).rsplit("\r\n", 2)[0]
    read = pl.read_csv(io.BytesIO(body.encode()), separator=delimiter, infer_schema=False).fill_null("")
    assert read["Name"].to_list() == [name for _, name, _ in given_rows]
    assert read["Text"].to_list() == [text for _, _, text in given_rows]
