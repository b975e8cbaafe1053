"""MT101 requests for banks: golden, splitting, what is refused, and the way back through our own parser."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from property_examples import examples
from provider_samples import broken_is_seen, order_for, routed, rows, written

from canonical.contracts import Order, Source
from canonical.errors import FrameBroken
from canonical.profiles import Account
from exporters.mt101 import EXPORT
from parsers.mt101 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "mt101"
ENVELOPE = {"sender": "HARBGB2LAXXX", "receiver": "EXMPGB2LXXXX"}
ACCOUNT = Account(
    account="GB42ABCD10799988837491",
    currency="EUR",
    name="Harbour Tea Company Limited of Bristol Quay",
    agent="ABCDGB2L",
)
PAYMENT: dict[str, Any] = {
    "amount_minor": 1250_50, "currency": "EUR", "creditor_name": "Example Sarl", "creditor_account": "FR1420041010050500013M02606",
    "creditor_agent": "EXMPFRPPXXX", "end_to_end_id": "INV-0001", "charge_bearer": "SHAR",
}  # fmt: skip


def order(**options: Any) -> Order:
    return order_for(EXPORT, ACCOUNT, options)


def parsed(data: bytes) -> pl.DataFrame:
    """PAYMENTS read by our parser, which has nothing to say."""
    found = list(FORMAT.windows(Source("0" * 20, "written.fin", data), FORMAT.options()))
    assert all(window.findings.is_empty() for window in found), [window.findings.rows() for window in found]
    assert FORMAT.complete(data[-4096:])
    return pl.concat([window.payments for window in found])


def golden_payments() -> pl.DataFrame:
    return rows(
        {**PAYMENT, "remittance": "Invoice 0001 of November, with a text that goes on\nand on over lines"},
        {**PAYMENT, "creditor_name": "Zoë Müller", "creditor_street": "Hafenstraße", "creditor_building": "1", "creditor_town": "Kiel",
         "creditor_post_code": "24103", "creditor_country": "DE", "end_to_end_id": None, "charge_bearer": "DEBT"},
        {**PAYMENT, "currency": "JPY", "amount_minor": 500, "creditor_address_lines": "1 Main Road\nTokyo", "service_level": "URGP"},
        {**PAYMENT, "currency": "USD", "creditor_account": "000123", "creditor_agent": "021000021", "remittance_reference": "RF18539007547034"},
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["enveloped", "bare"])
def test_golden(kind: str) -> None:
    options = {**(ENVELOPE if kind == "enveloped" else {}), "payments_max": 3}
    data, summary = written(EXPORT, order(**options), golden_payments())
    assert data == (GOLDEN / f"{kind}.fin").read_bytes()
    assert (summary.payments, summary.sums_minor) == (4, {"EUR": 2501_00, "JPY": 500, "USD": 1250_50})
    back = parsed(data)
    assert back["end_to_end_id"].to_list() == ["INV-0001", back["instruction_id"][1], "INV-0001", "INV-0001"]
    assert back["batch"].to_list() == [1, 1, 1, 2]
    assert back["amount_minor"].to_list() == [1250_50, 1250_50, 500, 1250_50]
    assert back["charge_bearer"].to_list() == ["SHAR", "DEBT", "SHAR", "SHAR"]
    assert back["creditor_town"].to_list()[1] == "Kiel, 24103"


def test_the_same_payments_give_the_same_bytes_however_they_are_cut() -> None:
    options = {**ENVELOPE, "payments_max": 2}
    whole, _ = written(EXPORT, order(**options), golden_payments())
    assert [written(EXPORT, order(**options), golden_payments(), cut)[0] for cut in (1, 2, 3)] == [whole] * 3


def test_no_message_is_longer_than_the_bank_takes() -> None:
    frame = rows(*[{**PAYMENT, "remittance": "x" * 100}] * 200)
    data, _ = written(EXPORT, order(**ENVELOPE, chars_max=3_000), frame, 33)
    messages = data.decode().split("-}\r\n")[:-1]
    assert len(messages) > 5
    assert all(len(message) + 4 <= 3_000 for message in messages)
    assert len(set(parsed(data)["batch_id"])) == len(messages)


def test_no_line_begins_as_a_field_or_an_end() -> None:
    frame = rows(
        {**PAYMENT, "end_to_end_id": None, "remittance": "a" * 35 + "-" + "b" * 33 + ":cde", "creditor_name": "-:Anna"}
    )
    data, _ = written(EXPORT, order(), frame)
    assert not [line for line in data.decode().splitlines() if line.startswith("-") and line != "-"]
    assert parsed(data)["remittance"][0].replace(" ", "") == "a" * 35 + "-" + "b" * 33 + ":cde"


UNFIT = {
    "credit_debit": {"credit_debit": "DBIT"},
    "amount_text": {"amount_minor": 0},
    "creditor_account": {"creditor_account": "1" * 35},
    "end_to_end_id": {"end_to_end_id": "A//B"},
    "end_to_end_id in other letters": {"end_to_end_id": "Größe"},
    "creditor_name": {"creditor_name": None},
    "creditor_agent": {"creditor_account": "000123", "creditor_agent": "44"},
    "creditor_address_lines": {"creditor_address_lines": "a\nb\nc\nd"},
    "remittance": {"remittance": "x" * 140},
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_does_not_fit_is_named_and_never_cut(field: str) -> None:
    frame = rows(PAYMENT, {**PAYMENT, **UNFIT[field]})
    found = EXPORT.unfit(frame, EXPORT.options())
    assert set(found.select("row", "field").rows()) == {(2, field.split(maxsplit=1)[0])}
    with pytest.raises(FrameBroken, match=r"Cannot be written as .*: 1 payment; the first"):
        written(EXPORT, order(), frame)


def test_nothing_two_dates_and_half_an_envelope_are_refused() -> None:
    with pytest.raises(FrameBroken, match="no payments"):
        written(EXPORT, order(), rows(PAYMENT).clear())
    frame = routed(EXPORT, order(), golden_payments())
    days = pl.Series([dt.date(2026, 11, 27)] * 3 + [dt.date(2026, 11, 30)])
    with pytest.raises(FrameBroken, match="dates"):
        written(EXPORT, order(), frame.with_columns(execution_date=days))
    with pytest.raises(ValueError, match="sender and receiver"):
        EXPORT.options(sender="HARBGB2LAXXX")


def test_a_changed_file_is_seen() -> None:
    data, summary = written(EXPORT, order(**ENVELOPE, payments_max=2), golden_payments())
    first = data[data.index(b":21:") : data.index(b":21:", data.index(b":21:") + 1)]
    broken_is_seen(
        EXPORT, order(**ENVELOPE), data, summary,
        data.replace(first, b""), data.replace(first, first * 2), data[:-4], data.replace(b"EUR1250,50", b"EUR1250,51", 1),
        data.replace(b"FR142004", b"FR142005", 1), data.replace(b"-}\r\n{1:", b"{1:"), data.replace(b"000002\r\n:28D", b"000001\r\n:28D"),
        data.replace(b":71A:SHA", b":71A:", 1),
    )  # fmt: skip


X_SET = "abcxyzABCXYZ0189/-?:().,'+ "
TEXT = st.text(st.sampled_from(X_SET), min_size=1, max_size=80)


@settings(max_examples=examples(30))
@given(
    st.lists(
        st.fixed_dictionaries({
            "amount_minor": st.integers(1, 10**12),
            "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
            "end_to_end_id": st.none() | st.from_regex(r"[A-Z0-9]{1,27}", fullmatch=True),
            "remittance": st.none() | TEXT,
            "creditor_name": st.from_regex(r"[A-Za-z]{1,20}", fullmatch=True),
            "charge_bearer": st.sampled_from(["DEBT", "CRED", "SHAR"]),
            "creditor_agent": st.sampled_from([None, "EXMPFRPP"]),
        }),
        min_size=1, max_size=8,
    ),
    st.integers(1, 4),
)  # fmt: skip
def test_what_is_written_is_read_back(given_rows, cut) -> None:
    frame = rows(*({**PAYMENT, **row} for row in given_rows))
    refused = EXPORT.unfit(frame, EXPORT.options())["row"]
    frame = frame.filter(~pl.col("row").is_in(refused.implode()))
    if frame.is_empty():
        return
    data, _ = written(EXPORT, order(**ENVELOPE, payments_max=3), frame, cut)
    back = parsed(data)
    same = ["amount_minor", "currency", "creditor_account", "creditor_agent", "creditor_name", "charge_bearer"]
    assert back.select(same).equals(frame.select(same))
    assert [
        e2e if had else None for e2e, had in zip(back["end_to_end_id"], frame["end_to_end_id"], strict=True)
    ] == frame["end_to_end_id"].to_list()
    told = [
        (text or "").split("//", 1)[-1] if had else text or ""
        for text, had in zip(back["remittance"], frame["end_to_end_id"], strict=True)
    ]
    squeezed = ["".join((text or "").split()) for text in frame["remittance"]]
    kept = ["".join(text.split()) if want else "" for text, want in zip(told, squeezed, strict=True)]
    assert kept == squeezed
