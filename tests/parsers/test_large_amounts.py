"""Statements in currencies of small units: what one entry books is far above what one payment may be, and no sum wraps."""

from __future__ import annotations

import pytest

from canonical.contracts import Feedback, Source
from canonical.limits import ENTRY_MINOR_MAX, STATEMENT_SUM_MINOR_MAX
from canonical.plugins import lookup
from canonical.profiles import NoOptions
from parsers._settlement_options import SettlementOptions

FITTING = STATEMENT_SUM_MINOR_MAX // ENTRY_MINOR_MAX
"""Entries of the largest amount that one file may have."""
CAMT = (
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>'
    "<CreDtTm>2026-11-27T06:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id><Acct><Id><Othr><Id>7001</Id></Othr></Id><Ccy>IDR</Ccy></Acct>"
    "{balances}{entries}</Stmt></BkToCstmrStmt></Document>"
)
BALANCE = (
    '<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="IDR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
    "<Dt><Dt>2026-11-26</Dt></Dt></Bal>"
)
ENTRY = (
    '<Ntry><Amt Ccy="IDR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-26</Dt></BookgDt>'
    '<NtryDtls><TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs><Amt Ccy="IDR">{amount}</Amt></TxDtls></NtryDtls></Ntry>'
)


def units(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def camt(minor: int, number: int) -> Feedback:
    balances = BALANCE.format(kind="OPBD", amount=1) + BALANCE.format(kind="CLBD", amount=units(minor * number + 100))
    entries = "".join(ENTRY.format(amount=units(minor), n=n) for n in range(number))
    return read("camt.053", CAMT.format(balances=balances, entries=entries))


def mt940(minor: int, number: int) -> Feedback:
    comma = units(minor).replace(".", ",")
    closing = units(minor * number + 100).replace(".", ",")
    lines = [":20:X", ":25:7001", ":28C:1/1", ":60F:C261126IDR1,00"]
    lines += [f":61:2611261126C{comma}NTRFE{n}" for n in range(number)]
    return read("mt940", "\r\n".join([*lines, f":62F:C261126IDR{closing}", "-", ""]))


def bai2(minor: int, number: int) -> Feedback:
    total = 100 + minor * number + minor * number + 100
    details = [f"16,195,{minor},Z,,E{n}/" for n in range(number)]
    lines = [
        "01,S,R,261127,0600,1,80,,2/",
        "02,R,O,1,261126,,IDR,2/",
        f"03,7001,IDR,010,100,,,015,{minor * number + 100},,/",
        *details,
    ]
    lines += [f"49,{total},{number + 2}/", f"98,{total},1,{number + 4}/", f"99,{total},1,{number + 6}/"]
    return read("bai2", "\n".join(lines) + "\n")


def settlement(minor: int, number: int) -> Feedback:
    columns = {name: name for name in ("account", "currency", "booking_date", "reference")}
    options = SettlementOptions.model_validate({"columns": columns, "net": "net"})
    rows = "".join(f"psp,IDR,2026-11-26,{units(minor)},E{n}\n" for n in range(number))
    text = "account,currency,booking_date,net,reference\n" + rows
    return lookup("parsers", "FORMAT", "settlement-csv").read(source(text), options)


def source(text: str) -> Source:
    return Source("F", "file", text.encode())


def read(name: str, text: str) -> Feedback:
    found = lookup("parsers", "FORMAT", name)
    return found.read(source(text), found.options() if found.options is not NoOptions else NoOptions())


READERS = {"camt": camt, "mt940": mt940, "bai2": bai2, "settlement": settlement}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("minor", [10**12 + 1, 123_456_789_012_345, ENTRY_MINOR_MAX])
def test_an_entry_of_a_batch_in_rupiah_is_read(name: str, minor: int) -> None:
    found = READERS[name](minor, 2)
    assert found.findings.is_empty(), found.findings["message"].to_list()
    assert found.entries["amount_minor"].to_list() == [minor, minor]
    assert found.statements["credits_minor"].to_list() == [2 * minor]


@pytest.mark.parametrize("name", READERS)
def test_an_entry_above_the_bound_is_told_as_that(name: str) -> None:
    found = READERS[name](ENTRY_MINOR_MAX + 1, 1)
    assert found.entries.is_empty()
    assert found.findings.filter(severity="fatal").height == 1
    assert found.findings.height == 1, found.findings["message"].to_list()
    assert any(words in found.findings["message"][0] for words in ("above the largest", "no amount"))


@pytest.mark.parametrize("name", READERS)
def test_entries_that_fit_one_by_one_and_not_together_are_refused(name: str) -> None:
    fits = READERS[name](ENTRY_MINOR_MAX, FITTING)
    assert fits.entries.height == FITTING
    assert fits.findings.is_empty(), fits.findings["message"].to_list()
    # So many that an Int64 sum would wrap to something small, and to a negative one on the way.
    for number in (FITTING + 1, 2**64 // ENTRY_MINOR_MAX + 1, 2**63 // ENTRY_MINOR_MAX + 1):
        over = READERS[name](ENTRY_MINOR_MAX, number)
        assert over.entries.is_empty()
        assert over.statements.is_empty()
        assert any("add up to more than" in words for words in over.findings.filter(severity="fatal")["message"])
