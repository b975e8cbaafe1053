"""A Bacs bank's reports find their payments by reference and account: returns change states, corrections reach the client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_answers import outbox
from test_journey import receive_one
from world import Clock

from gateway.answers.answer import files_with_news
from gateway.answers.corrections import corrections
from gateway.books.book import provider_book, states_of
from gateway.books.position import position
from gateway.composition import Gateway, open_gateway
from gateway.delivery.dispatch import dispatch, due
from gateway.feedback.follow import follow
from gateway.settings import Settings
from gateway.stages import outcome_answer, run_journey
from sandbox.day import iban

TODAY = dt.date(2026, 11, 20)
BANK = """
provider_id: bacs_bank
name: Sandbox Sterling Bank
export: {name: bacs18, options: {service_user_number: "123456"}}
transport: {name: folder, options: {inbox: ROOT/bacs/in, outbox: ROOT/bacs/out}}
accounts:
  - {account: "11223344", currency: GBP, name: Bulkrail Clearing, agent: "200000"}
rails:
  - {rail: bacs_credit, currencies: [GBP], account: iban, cut_off: "18:00", time_zone: Europe/London, calendar: uk,
     lead_days: 2}
  - {rail: bacs_debit, credit_debit: [DBIT], currencies: [GBP], account: iban, cut_off: "18:00",
     time_zone: Europe/London, calendar: uk, lead_days: 2}
feedback:
  - {pattern: "*.arudd.xml", format: arudd}
  - {pattern: "*.arucs.xml", format: arucs}
  - {pattern: "*.addacs.xml", format: addacs}
"""
CLIENT = """
client_id: dogwood
name: Dogwood Energy Ltd
formats: [csv]
time_zone: Europe/London
currencies: [GBP]
complete: renamed
approval_limit_minor: {GBP: 100000000}
answers: [{name: answer-csv}, {name: answer-corrections}]
"""
ACCOUNTS = [iban("GB", f"BANK300001{12345678 + index:08d}") for index in range(4)]
HEAD = (
    "end_to_end_id,execution_date,credit_debit,amount,currency,debtor_name,debtor_account,creditor_name,creditor_account,"
    "local_instrument,sequence_type,mandate_id,mandate_date,creditor_scheme_id\n"
)


def files() -> bytes:
    ours = iban("GB", "BANK20000099887766")
    debits = [
        f"BILL-{n},2026-11-24,DBIT,{amount},GBP,Payer {n},{ACCOUNTS[n]},Dogwood Energy,{ours},,RCUR,ENERGY-00001{n},"
        "2025-01-01,123456"
        for n, amount in ((0, "65.00"), (1, "60.50"))
    ]
    credits_ = [
        f"REFUND {n},2026-11-24,CRDT,{amount},GBP,Dogwood Energy,{ours},Payee {n},{ACCOUNTS[n]},,,,,"
        for n, amount in ((2, "21.00"), (3, "19.99"))
    ]
    return (HEAD + "\n".join([*debits, *credits_]) + "\n").encode()


def returned(report: str, item: str, ref: str, account: str, value: str, code: str) -> bytes:
    side = "Payer" if report == "ARUDD" else "Payee"
    return (
        f'<BACSDocument><Data><{report}><Header adviceNumber="1" currentProcessingDate="2026-11-25"/><Advice>'
        f'<OriginatingAccountRecords><OriginatingAccountRecord><{item} ref="{ref}" transCode="17" returnCode="{code}" '
        f'originalProcessingDate="2026-11-24" valueOf="{value}" currency="GBP"><{side}Account number="{account[-8:]}" '
        f'sortCode="{account[-14:-12]}-{account[-12:-10]}-{account[-10:-8]}"/></{item}><Totals numberOf="1" '
        f'valueOf="{value}" currency="GBP"/></OriginatingAccountRecord></OriginatingAccountRecords></Advice></{report}></Data>'
        "</BACSDocument>"
    ).encode()


ADDACS = (
    '<BACSDocument><Data><MessagingAdvices><MessagingAdvice user-number="123456" record-type="A" reason-code="3" '
    f'reference="ENERGY-000011" payer-sort-code="300001" payer-account-number="{ACCOUNTS[1][-8:]}" '
    'payer-new-sort-code="608301" payer-new-account-number="98765432" effective-date="2026-11-25"/></MessagingAdvices></Data>'
    "</BACSDocument>"
).encode()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    config = tmp_path / "config"
    for name, text in (("providers/bacs_bank", BANK), ("clients/dogwood", CLIENT)):
        (config / f"{name}.yaml").parent.mkdir(parents=True)
        (config / f"{name}.yaml").write_text(text.replace("ROOT", str(tmp_path)), encoding="utf-8")
    for place in ("bacs/in", "bacs/out"):
        (tmp_path / place).mkdir(parents=True)
    opened = open_gateway(Settings(home=tmp_path / "home", config_dir=config), Clock())
    yield opened
    opened.registry.engine.dispose()


@pytest.fixture
def file_id(gateway: Gateway) -> str:
    found = receive_one(gateway, "dogwood", "bills.csv", files())
    run_journey(gateway, found)
    sent = due(gateway)
    assert len(sent) == 2
    for row in sent:
        dispatch(gateway, row["submission_id"])
    return found


def states(gateway: Gateway, file_id: str) -> dict[str, tuple[str, str | None]]:
    found = states_of(gateway, [file_id])
    return {
        name: (state, reason) for name, state, reason in found.select("end_to_end_id", "state", "reason").iter_rows()
    }


def bring(tmp_path: Path, gateway: Gateway, name: str, data: bytes) -> tuple[str, ...]:
    (tmp_path / "bacs/out" / name).write_bytes(data)
    (found,) = follow(gateway, "bacs_bank")
    assert found.outcome == "applied"
    return found.files


def test_a_returned_debit_is_found_by_mandate_and_account(gateway, file_id, tmp_path) -> None:
    report = returned("ARUDD", "ReturnedDebitItem", "ENERGY-000010", ACCOUNTS[0], "65.00", "1012")
    assert bring(tmp_path, gateway, "1.arudd.xml", report) == (file_id,)
    assert states(gateway, file_id) == {
        "BILL-0": ("provider_rejected", "MD01"), "BILL-1": ("outstanding", None),
        "REFUND 2": ("outstanding", None), "REFUND 3": ("outstanding", None),
    }  # fmt: skip
    bring(tmp_path, gateway, "2.arudd.xml", report + b"\n")
    assert states(gateway, file_id)["BILL-0"] == ("provider_rejected", "MD01")


def test_a_returned_credit_is_found_by_reference_and_account(gateway, file_id, tmp_path) -> None:
    report = returned("ARUCS", "ReturnedCreditItem", "REFUND 3", ACCOUNTS[3], "19.99", "5")
    bring(tmp_path, gateway, "1.arucs.xml", report)
    assert states(gateway, file_id)["REFUND 3"] == ("provider_rejected", "AC03")


@pytest.mark.parametrize("wrong", ["amount", "account", "reference", "direction"])
def test_an_item_that_differs_is_a_break_and_changes_nothing(gateway, file_id, tmp_path, wrong) -> None:
    report = returned(
        "ARUCS" if wrong == "direction" else "ARUDD",
        "ReturnedCreditItem" if wrong == "direction" else "ReturnedDebitItem",
        "ENERGY-000099" if wrong == "reference" else "ENERGY-000010",
        ACCOUNTS[1] if wrong == "account" else ACCOUNTS[0],
        "64.00" if wrong == "amount" else "65.00",
        "5",
    )
    bring(tmp_path, gateway, "1.arucs.xml" if wrong == "direction" else "1.arudd.xml", report)
    assert {state for state, _ in states(gateway, file_id).values()} == {"outstanding"}
    assert position(gateway, "bacs_bank").attribution.unknown.height == 1
    assert provider_book(gateway, "bacs_bank").height == 4


def test_a_correction_moves_nothing_and_is_news(gateway, file_id, tmp_path) -> None:
    assert bring(tmp_path, gateway, "1.addacs.xml", ADDACS) == (file_id,)
    assert {state for state, _ in states(gateway, file_id).values()} == {"outstanding"}
    assert files_with_news(gateway) == [file_id]
    outcome_answer(gateway, file_id)
    assert files_with_news(gateway) == []
    told = {name.split(".", 3)[3]: data.decode("utf-8-sig") for name, data in outbox(gateway, "dogwood").items()}
    assert sorted(told) == ["acknowledged-1.corrections.csv", "acknowledged-1.csv", "validated.csv"]
    head, row = told["acknowledged-1.corrections.csv"].splitlines()
    assert head == "row,line,end_to_end_id,mandate_id,account,code,reason,change_to,told_on,act_by"
    assert row.startswith(f"2,3,BILL-1,ENERGY-000011,{ACCOUNTS[1]},CTAM,ADDACS 3: account transferred to another bank.")
    assert row.endswith('"sort code 608301, account number 98765432",2026-11-20,2026-11-25')
    (line,) = [line for line in told["acknowledged-1.csv"].splitlines() if "BILL-1" in line]
    assert "Change its sort code and account number by 2026-11-25." in line
    assert "98765432" not in line
    bring(
        tmp_path,
        gateway,
        "2.arudd.xml",
        returned("ARUDD", "ReturnedDebitItem", "ENERGY-000010", ACCOUNTS[0], "65.00", "1"),
    )
    outcome_answer(gateway, file_id)
    assert [name for name in outbox(gateway, "dogwood") if "corrections" in name and "-2" in name] == [], "told once"


def test_a_correction_is_not_told_of_a_payment_that_was_made_after_it(gateway, file_id, tmp_path) -> None:
    bring(tmp_path, gateway, "1.addacs.xml", ADDACS)
    again = files().replace(b"BILL-", b"LATER-").replace(b"REFUND", b"REPAID")
    later = receive_one(gateway, "dogwood", "later.csv", again)
    run_journey(gateway, later)
    for row in due(gateway):
        dispatch(gateway, row["submission_id"])
    assert set(states_of(gateway, [later])["state"]) == {"outstanding"}
    assert corrections(gateway, states_of(gateway, [file_id])).height == 1
    assert corrections(gateway, states_of(gateway, [later])).is_empty()
