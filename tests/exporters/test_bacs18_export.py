"""Bacs Standard 18 files for banks: golden, what is refused, and the way back through our own parser."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from provider_samples import broken_is_seen, order_for, routed, rows, written

from canonical.contracts import Order, Source, Window
from canonical.errors import ConfigError, FrameBroken
from canonical.parties import counterparty
from canonical.profiles import Account
from exporters.bacs18 import EXPORT
from parsers.bacs18 import FORMAT

GOLDEN = Path(__file__).parent / "golden" / "bacs18"
OPTIONS = {"service_user_number": "123456", "name": "HARBOUR TEA CO"}
ACCOUNT = Account(account="66374958", currency="GBP", name="Harbour Tea Company", agent="089999")
CREDIT: dict[str, Any] = {
    "amount_minor": 125_00, "currency": "GBP", "creditor_name": "A Example", "creditor_account": "88837491",
    "creditor_agent": "107999", "end_to_end_id": "SALARY 0001",
}  # fmt: skip
DEBIT: dict[str, Any] = {
    "amount_minor": 35_00, "currency": "GBP", "credit_debit": "DBIT", "debtor_name": "B Sample", "debtor_account": "63748472",
    "debtor_agent": "202959", "mandate_id": "MEMBER0002", "sequence_type": "FRST",
}  # fmt: skip


def order(**options: Any) -> Order:
    return order_for(EXPORT, ACCOUNT, {**OPTIONS, **options})


def parsed(data: bytes) -> Window:
    """Read by our parser, which has nothing to say."""
    (window,) = FORMAT.windows(Source("0" * 20, "written.txt", data), FORMAT.options())
    assert window.findings.is_empty(), window.findings.rows()
    assert window.totals.filter(pl.col("declared").ne_missing(pl.col("found"))).is_empty()
    return window


def golden_payments() -> pl.DataFrame:
    return rows(
        CREDIT,
        {**CREDIT, "creditor_name": "Zoë Müller & Söhne Export GmbH", "end_to_end_id": None, "amount_minor": 1},
        {**CREDIT, "creditor_account": "GB33BUKB20201555555555", "creditor_agent": "BUKBGB22", "purpose": "INTE"},
        DEBIT,
        {**DEBIT, "sequence_type": "RCUR", "mandate_id": "MEMBER0003", "amount_minor": 45_00},
    )


@pytest.mark.parametrize("processing", ["single", "multi"])
def test_golden(processing: str) -> None:
    data, summary = written(EXPORT, order(processing=processing), golden_payments())
    assert data == (GOLDEN / f"{processing}.txt").read_bytes()
    assert (summary.payments, summary.sums_minor) == (5, {"GBP": 330_01})
    window = parsed(data)
    assert window.payments["transaction_code"].to_list() == ["99", "99", "Z4", "01", "17"]
    assert set(window.payments["requested_execution_date"]) == {dt.date(2026, 11, 27)}
    assert {len(line) for line in data.decode().splitlines()} == {80, 100 if processing == "single" else 106}


def test_the_same_payments_give_the_same_bytes_however_they_are_cut() -> None:
    whole, _ = written(EXPORT, order(), golden_payments())
    assert [written(EXPORT, order(), golden_payments(), cut)[0] for cut in (1, 2, 3)] == [whole] * 3


def test_several_days_need_records_that_say_theirs() -> None:
    frame = routed(EXPORT, order(), golden_payments()).with_columns(
        execution_date=pl.Series([dt.date(2026, 11, 27)] * 3 + [dt.date(2026, 11, 30)] * 2)
    )
    with pytest.raises(FrameBroken, match="several"):
        written(EXPORT, order(), frame)
    data, _ = written(EXPORT, order(processing="multi"), frame)
    window = parsed(data)
    assert window.payments["batch"].to_list() == [1, 1, 1, 2, 2]
    assert sum(b"CONTRA" in line for line in data.splitlines()) == 2


def test_line_ends_and_a_bank_that_makes_the_contra_records() -> None:
    data, _ = written(EXPORT, order(line_end="crlf", contra=False), golden_payments())
    assert b"CONTRA" not in data
    assert data.count(b"\r\n") == data.count(b"\n") == 5 + 7


UNFIT = {
    "currency": {"currency": "EUR"},
    "amount_text": {"amount_minor": 0},
    "counterparty_account": {"creditor_account": "DE75512108001245126199"},
    "end_to_end_id": {"end_to_end_id": "A REFERENCE OF 19 C"},
    "end_to_end_id of other letters": {"end_to_end_id": "Rechnung §1"},
    "end_to_end_id of a contra record": {"end_to_end_id": "Contra"},
    "remittance": {"remittance": "Invoice 1"},
    "mandate_id": {**DEBIT, "mandate_id": "11111111"},
    "local_instrument": {**DEBIT, "sequence_type": "OOFF"},
}


@pytest.mark.parametrize("field", UNFIT)
def test_what_does_not_fit_is_named_and_never_cut(field: str) -> None:
    frame = rows(CREDIT, {**CREDIT, **UNFIT[field]})
    found = EXPORT.unfit(frame, EXPORT.options(**OPTIONS))
    assert found.select("row", "field").rows() == [(2, field.split(maxsplit=1)[0])]
    with pytest.raises(FrameBroken, match=r"Cannot be written as .*: 1 payment; the first"):
        written(EXPORT, order(), frame)


def test_remittance_can_be_left_out_where_the_profile_says_so() -> None:
    frame = rows({**CREDIT, "remittance": "Invoice 1"})
    assert EXPORT.unfit(frame, EXPORT.options(**OPTIONS, remittance="leave_out")).is_empty()
    written(EXPORT, order(remittance="leave_out"), frame)


def test_nothing_and_an_account_without_a_sort_code_are_refused() -> None:
    with pytest.raises(FrameBroken, match="no payments"):
        written(EXPORT, order(), rows(CREDIT).clear())
    account = ACCOUNT.model_copy(update={"agent": "EXAMGB2L"})
    with pytest.raises(ConfigError, match="sort code"):
        written(EXPORT, order_for(EXPORT, account, OPTIONS), rows(CREDIT))


def test_a_changed_file_is_seen() -> None:
    data, summary = written(EXPORT, order(), golden_payments())
    lines = data.splitlines(keepends=True)
    swapped = [*lines]
    swapped[4], swapped[5] = swapped[5][:14] + swapped[4][14:], swapped[4][:14] + swapped[5][14:]
    broken_is_seen(
        EXPORT, order(), data, summary,
        b"".join([*lines[:5], *lines[4:]]), b"".join([*lines[:4], *lines[5:]]), data.replace(b"00000012500", b"00000012600", 1),
        data.replace(b"SALARY 0001", b"SALARY 0002", 1), data[:-81], data.replace(b"CONTRA", b"CONTRB", 1),
        data.replace(b"66374958", b"66374959", 1),
        b"".join([*lines[:4], lines[4][:6] + b"00000000" + lines[4][14:], *lines[5:]]),
    )  # fmt: skip


TEXT = st.text(st.sampled_from("ABCXYZ019 .-/&"), min_size=1, max_size=18).map(str.strip).filter(bool)


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 10**7), TEXT, st.sampled_from("ABCDEFG").map(lambda c: f"MND{c}00123"),
                  st.sampled_from([None, "FRST", "RCUR", "RPRE", "FNAL"])),
        min_size=1, max_size=12,
    ),
    st.sampled_from(["single", "multi"]), st.integers(1, 5),
)  # fmt: skip
def test_what_is_written_is_read_back(given_rows, processing, cut) -> None:
    frame = rows(*(
        {**DEBIT, "amount_minor": minor, "debtor_name": name, "mandate_id": mandate, "sequence_type": kind}
        if collects else {**CREDIT, "amount_minor": minor, "creditor_name": name}
        for collects, minor, name, mandate, kind in given_rows
    ))  # fmt: skip
    data, summary = written(EXPORT, order(processing=processing), frame, cut)
    back = parsed(data).payments
    same = [
        "credit_debit",
        "amount_minor",
        "currency",
        counterparty("name"),
        counterparty("account"),
        counterparty("agent"),
    ]
    assert back.select(same).equals(frame.select(same))
    assert back.filter(pl.col("credit_debit") == "DBIT")["mandate_id"].to_list() == (
        frame.filter(pl.col("credit_debit") == "DBIT")["mandate_id"].to_list()
    )
    assert summary.payments == len(given_rows)


def test_a_clients_bacs_file_goes_through() -> None:
    folder = Path(__file__).parents[1] / "parsers" / "golden" / "bacs18"
    for name in ("single_day.txt", "multi_day.txt"):
        (window,) = FORMAT.windows(Source("0" * 20, name, (folder / name).read_bytes()), FORMAT.options())
        frame = window.payments
        assert frame.height > 2
        assert EXPORT.unfit(frame, EXPORT.options(**OPTIONS)).is_empty()
        days = pl.col("requested_execution_date").alias("execution_date")
        an_order = order(processing="multi")
        data, _ = written(EXPORT, an_order, routed(EXPORT, an_order, frame).with_columns(days))
        same = ["credit_debit", "amount_minor", "transaction_code", "end_to_end_id", "requested_execution_date",
                counterparty("name"), counterparty("account"), counterparty("agent")]  # fmt: skip
        assert parsed(data).payments.select(same).equals(frame.select(same))
