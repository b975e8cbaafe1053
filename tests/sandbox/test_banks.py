"""The sandbox banks: what they book, what they answer, and statements that chain and keep their schema."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bank_files import ABA, DAY, NOW, SUBMISSION, nacha, pain001
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from property_examples import examples

from gateway.config import check_profiles
from sandbox._examples import EURO_BANK, EXAMPLES, US_BANK, BankTerms
from sandbox._reading import read_pain001
from sandbox.banks import Bank, BankConfig

GOLDEN = Path(__file__).parent / "golden" / "banks"
PAYMENTS = [
    ("100.00", "Ada Berg", "Salary 1"),
    ("200.50", "Bo Carlsen", "REJECT AC04"),
    ("300.00", "Cem Dogan", "RETURN LATER"),
]
NEXT_DAY = DAY + dt.timedelta(days=1)


def open_bank(folder: Path, terms: BankTerms = EURO_BANK) -> Bank:
    return Bank(terms, folder / "home", folder / "books.db")


def release(bank: Bank, name: str, data: bytes) -> None:
    (bank._in / name).write_bytes(data)


def parsed(path: Path) -> etree._ElementTree:
    return etree.parse(path)


def texts(tree: etree._ElementTree, path: str) -> list[str]:
    return [item.text for item in tree.iterfind(".//" + "/".join(f"{{*}}{step}" for step in path.split("/")))]


def test_answers_are_as_they_were_agreed(tmp_path, xsd) -> None:
    bank = open_bank(tmp_path)
    release(bank, "a.xml", pain001(PAYMENTS))
    bank.tick(NOW)
    bank.close_day(DAY)
    bank.close_day(NEXT_DAY)
    made = {path.name: path for path in bank._out.iterdir()}
    expected = sorted(GOLDEN.glob("*.xml"))
    assert sorted(made) == [path.name for path in expected]
    for path in expected:
        assert made[path.name].read_bytes() == path.read_bytes(), path.name
        message = "pain.002.001.10" if "pain002" in path.name else "camt.053.001.08"
        xsd(message).assertValid(parsed(path))


@pytest.mark.parametrize(
    ("payments", "status", "told"),
    [(PAYMENTS[:1], "ACCP", []), (PAYMENTS, "PART", ["ACCP", "RJCT", "ACCP"]), (PAYMENTS[1:2], "RJCT", ["RJCT"])],
)
def test_pain002_tells_what_is_rejected(tmp_path, xsd, payments, status: str, told: list[str]) -> None:
    bank = open_bank(tmp_path)
    release(bank, "a.xml", pain001(payments))
    bank.tick(NOW)
    tree = parsed(bank._out / "euro_bank-000001.pain002.xml")
    xsd("pain.002.001.10").assertValid(tree)
    assert texts(tree, "OrgnlGrpInfAndSts/OrgnlMsgId") == [SUBMISSION]
    assert texts(tree, "GrpSts") == [status]
    assert texts(tree, "TxSts") == told


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pain001(PAYMENTS, count=4), "AM18"),
        (pain001(PAYMENTS).replace(b"<CtrlSum>600.50", b"<CtrlSum>600.51"), "AM10"),
        (pain001(PAYMENTS)[:-40], "FF02"),
        (pain001(PAYMENTS).replace(b">100.00<", b">1e2<"), "AM12"),
        (b"", "FF02"),
    ],
)
def test_a_file_that_does_not_hold_is_refused_whole(tmp_path, xsd, data: bytes, reason: str) -> None:
    bank = open_bank(tmp_path)
    release(bank, "a.xml", data)
    bank.tick(NOW)
    tree = parsed(bank._out / "euro_bank-000001.pain002.xml")
    xsd("pain.002.001.10").assertValid(tree)
    assert texts(tree, "GrpSts") == ["RJCT"]
    assert texts(tree, "Rsn/Cd") == [reason]
    assert bank.paid() == []


def test_what_is_sent_twice_is_paid_twice(tmp_path) -> None:
    bank = open_bank(tmp_path)
    for _ in range(2):
        release(bank, "a.xml", pain001(PAYMENTS[:1]))
        bank.tick(NOW)
    assert [item["amount_minor"] for item in bank.paid()] == [10_000, 10_000]


def test_unreleased_files_are_left_alone(tmp_path) -> None:
    bank = open_bank(tmp_path)
    for name in (".S1.1.part", "a.part", "b.tmp"):
        release(bank, name, pain001(PAYMENTS))
    bank.tick(NOW)
    assert bank.paid() == []
    assert len(list(bank._in.iterdir())) == 3


def test_marker_bank_waits_for_the_marker(tmp_path) -> None:
    bank = open_bank(tmp_path, EURO_BANK.model_copy(update={"marker": True}))
    release(bank, "a.xml", pain001(PAYMENTS))
    bank.tick(NOW)
    assert bank.paid() == []
    release(bank, "a.xml.done", b"")
    bank.tick(NOW)
    assert len(bank.paid()) == 2
    assert list(bank._in.iterdir()) == []


def test_booking_by_turns(tmp_path) -> None:
    bank = open_bank(tmp_path)
    for name in ("a.xml", "b.xml"):
        release(bank, name, pain001(PAYMENTS))
    bank.tick(NOW)
    tree = parsed(bank.close_day(DAY))
    assert texts(tree, "Btch/NbOfTxs") == ["2"]
    assert texts(tree, "Btch/PmtInfId") == [SUBMISSION]
    assert texts(tree, "TxDtls/Refs/InstrId") == [f"{SUBMISSION}-0001", f"{SUBMISSION}-0003"]
    assert texts(tree, "SubFmlyCd").count("CHRG") == 2
    assert texts(tree, "AddtlNtryInf").count("INCOMING PAYMENT, PAYER UNKNOWN") == 1


def test_a_later_date_waits(tmp_path) -> None:
    bank = open_bank(tmp_path, EURO_BANK.model_copy(update={"unknown_credit_minor": 0}))
    release(bank, "a.xml", pain001(PAYMENTS, due=NEXT_DAY))
    bank.tick(NOW)
    assert texts(parsed(bank.close_day(DAY)), "Ntry/Amt") == []
    assert texts(parsed(bank.close_day(NEXT_DAY)), "Ntry/Amt") == ["400.00", "2.50"]


def test_a_closed_day_stays_closed(tmp_path) -> None:
    bank = open_bank(tmp_path)
    assert bank.close_day(DAY) is not None
    assert bank.close_day(DAY) is None
    assert bank.close_day(DAY - dt.timedelta(days=1)) is None


def test_nacha_settles_in_sums_and_returns_come_back(tmp_path, xsd) -> None:
    bank = open_bank(tmp_path, US_BANK)
    entries = [
        ("22", 12_345, "ADA BERG"),
        ("32", 5_000, "RETURN R01 BO"),
        ("27", 700, "CEM DOGAN"),
        ("22", 900, "RETURN LATER"),
    ]
    release(bank, "a.ach", nacha(entries))
    bank.tick(NOW)
    returns = (bank._out / "us_bank-000001-0000002.return.ach").read_bytes()
    assert returns == (GOLDEN / "us_bank-000001-0000002.return.ach").read_bytes()
    assert {len(line) for line in returns.decode().splitlines()} == {94}
    tree = parsed(bank.close_day(DAY))
    xsd("camt.053.001.08").assertValid(tree)
    assert list(zip(texts(tree, "Ntry/Amt"), texts(tree, "Ntry/CdtDbtInd"), strict=True)) == [
        ("182.45", "DBIT"), ("7.00", "CRDT"), ("1.50", "DBIT"), ("50.00", "CRDT"),
    ]  # fmt: skip
    assert texts(tree, "Btch/PmtInfId") == [SUBMISSION, SUBMISSION]
    assert texts(tree, "RtrInf/Rsn/Prtry") == ["R01"]
    assert texts(tree, "TxDtls/Refs/InstrId") == [f"{ABA[:8]}0000002"]
    later = parsed(bank.close_day(NEXT_DAY))
    assert texts(later, "RtrInf/Rsn/Prtry") == ["R02"]
    assert len(list(bank._out.glob("*.return.ach"))) == 2


def test_nacha_with_a_wrong_control_is_refused(tmp_path) -> None:
    bank = open_bank(tmp_path, US_BANK)
    release(bank, "a.ach", nacha([("22", 12_345, "ADA BERG")], wrong_total=1))
    bank.tick(NOW)
    assert bank.paid() == []
    assert "AM10" in (bank._out / "us_bank-000001.refused.txt").read_text()


@settings(max_examples=examples(15))
@given(days=st.lists(st.lists(st.integers(1, 10**8), max_size=4), min_size=1, max_size=4))
def test_balances_chain_and_references_are_unique(tmp_path_factory, days: list[list[int]]) -> None:
    bank = open_bank(tmp_path_factory.mktemp("chain"))
    closing, references, total = EURO_BANK.accounts[0].opening_minor, [], 0
    for number, amounts in enumerate(days):
        day = DAY + dt.timedelta(days=number)
        payments = [(f"{amount // 100}.{amount % 100:02d}", "Ada Berg", "x") for amount in amounts]
        if payments:
            release(bank, f"{number}.xml", pain001(payments, due=day))
        bank.tick(NOW + dt.timedelta(days=number))
        tree = parsed(bank.close_day(day))
        statement = tree.find(".//{*}Stmt")
        opening, closed = (_signed(item) for item in statement.iterfind("{*}Bal"))
        assert opening == closing
        assert closed == opening + sum(_signed(item) for item in statement.iterfind("{*}Ntry"))
        closing, total = closed, total + sum(amounts)
        references += texts(tree, "AcctSvcrRef")
    assert len(references) == len(set(references))
    fees = EURO_BANK.fee_minor * sum(1 for amounts in days if amounts)
    assert closing == EURO_BANK.accounts[0].opening_minor - total - fees + EURO_BANK.unknown_credit_minor * len(days)


def _signed(element: etree._Element) -> int:
    minor = int(element.findtext("{*}Amt").replace(".", ""))
    return minor if element.findtext("{*}CdtDbtInd") == "CRDT" else -minor


def test_the_bank_may_be_killed_anywhere(tmp_path) -> None:
    """SIGKILL after each commit and each rename, then one more tick: everything is booked and answered once."""
    script = (
        "import os, signal, sys, sqlite3, pathlib, datetime\n"
        "from sandbox._examples import EURO_BANK\nfrom sandbox.banks import Bank\n"
        "at, seen = int(sys.argv[2]), 0\n"
        "def count(event, args):\n"
        "    global seen\n"
        "    if event in ('os.rename', 'sqlite3.connect'):\n"
        "        seen += 1\n"
        "        if seen == at: os.kill(os.getpid(), signal.SIGKILL)\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "sys.addaudithook(count)\n"
        "Bank(EURO_BANK, root / 'home', root / 'books.db').tick(datetime.datetime(2026, 11, 20, 10, tzinfo=datetime.UTC))\n"
    )
    killed = 0
    for at in range(2, 30):
        folder = tmp_path / f"{at}"
        bank = open_bank(folder)
        release(bank, "a.xml", pain001(PAYMENTS))
        done = subprocess.run([sys.executable, "-c", script, str(folder), str(at)], check=False)
        bank.tick(NOW)
        assert len(bank.paid()) == 2
        assert len(list(bank._out.iterdir())) == 1
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        killed += 1
    assert killed >= 4


def test_example_banks_are_the_providers_of_the_example_configuration() -> None:
    root = Path(__file__).parents[2] / "examples" / "config"
    profiles, faults = check_profiles(root)
    assert [str(fault) for fault in faults if fault.path.parent.name == "providers"] == []
    providers = profiles.providers
    assert set(providers) == set(EXAMPLES)
    for name, terms in EXAMPLES.items():
        ours = [(item.account, item.currency, item.agent) for item in providers[name].accounts]
        assert ours == [(item.account, item.currency, item.agent) for item in terms.accounts]
        assert providers[name].export.name == terms.format


def test_config_names_an_example_or_terms(tmp_path) -> None:
    config = {"home": str(tmp_path / "h"), "books": str(tmp_path / "b.db")}
    assert BankConfig.model_validate({**config, "example": "euro_bank"}).open().terms == EURO_BANK
    for wrong in ({}, {"example": "no_bank"}, {"example": "euro_bank", "terms": US_BANK.model_dump()}):
        with pytest.raises(ValueError, match="name either terms"):
            BankConfig.model_validate({**config, **wrong})


def test_command_line_plays_one_tick(tmp_path) -> None:
    config = tmp_path / "banks.yaml"
    config.write_text(f"banks: [{{example: euro_bank, home: {tmp_path}/home, books: {tmp_path}/books.db}}]\n")
    (tmp_path / "home" / "in").mkdir(parents=True)
    (tmp_path / "home" / "in" / "a.xml").write_bytes(pain001(PAYMENTS))
    command = [sys.executable, "-m", "sandbox.banks", "--config", str(config), "--once", "--close-day"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    names = sorted(path.suffixes[0] for path in (tmp_path / "home" / "out").iterdir())
    assert names == [".camt053", ".pain002"]


def test_each_payment_is_of_its_own_batch() -> None:
    other = {"account": "DE12500105170648489890", "due": NEXT_DAY}
    first, second = pain001(PAYMENTS), pain001(PAYMENTS, submission="SECOND", **other)
    batch = second[second.index(b"<PmtInf>") : second.index(b"</CstmrCdtTrfInitn>")]
    number, total = f"<NbOfTxs>{len(PAYMENTS)}<".encode(), b"<CtrlSum>600.50<"
    data = first.replace(number, f"<NbOfTxs>{2 * len(PAYMENTS)}<".encode(), 1).replace(total, b"<CtrlSum>1201.00<", 1)
    reading = read_pain001(data.replace(b"</CstmrCdtTrfInitn>", batch + b"</CstmrCdtTrfInitn>"))
    assert reading.reason == ""
    told = [(item.batch_id, item.account, item.due) for item in reading.instructions]
    ours, theirs = (SUBMISSION, "DE74999123451000000001", DAY), ("SECOND", other["account"], NEXT_DAY)
    assert told == [*[ours] * len(PAYMENTS), *[theirs] * len(PAYMENTS)]


def test_the_reader_resolves_no_entities() -> None:
    data = pain001(PAYMENTS).replace(b"<Document", b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document')
    reading = read_pain001(data.replace(b"Ada Berg", b"&x;"))
    assert reading.reason == "FF02"
