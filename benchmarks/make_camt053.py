"""Seeded camt.053.001.08 statements: the same arguments give the same bytes.

`python benchmarks/make_camt053.py PATH ENTRIES [SEED]`: payments out, money in, returns, bank charges, and batch entries of two
to four details, in one statement that ties out.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

_PART_ENTRIES = 5_000
_OPENING_CENTS = 10**12
_NAMES = (
    "Example Supplies SARL",
    "Muster Papier GmbH",
    "Hazel Kantoor BV",
    "Aspen Research",
    "Café Zoë",
    "Linde, Söhne &amp; Co",
)
_OWN = "DE75512108001245126199"
_OTHERS = ("FR1420041010050500013M02606", "NL91ABNA0417164300", "BE68539007547034")
_CODE = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{}</Cd><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn></BkTxCd>"
_DAY = "<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt>"
_RETURN = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Account closed</AddtlInf></RtrInf>"


def write(path: Path, entries: int, seed: int) -> int:
    """The statement; sum of its credits less its debits in cents."""
    body: list[str] = []
    counted = {"CRDT": [0, 0], "DBIT": [0, 0]}
    spool = path.with_suffix(".entries")
    with spool.open("w", encoding="utf-8") as out:
        for text, side, cents in _entries(random.Random(seed), entries):
            body.append(text)
            counted[side][0] += 1
            counted[side][1] += cents
            if len(body) == _PART_ENTRIES:
                out.write("".join(body))
                body = []
        out.write("".join(body))
    moved = counted["CRDT"][1] - counted["DBIT"][1]
    with path.open("w", encoding="utf-8") as whole, spool.open(encoding="utf-8") as held:
        whole.write(_head(counted, _OPENING_CENTS + moved))
        while part := held.read(2**20):
            whole.write(part)
        whole.write("    </Stmt>\n  </BkToCstmrStmt>\n</Document>\n")
    spool.unlink()
    return moved


def _head(counted: dict[str, list[int]], closing: int) -> str:
    balances = "".join(
        f'      <Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{_text(cents)}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
        "<Dt><Dt>2026-11-20</Dt></Dt></Bal>\n"
        for kind, cents in (("OPBD", _OPENING_CENTS), ("CLBD", closing))
    )
    sides = "".join(
        f"<{element}><NbOfNtries>{counted[side][0]}</NbOfNtries><Sum>{_text(counted[side][1])}</Sum></{element}>"
        for element, side in (("TtlCdtNtries", "CRDT"), ("TtlDbtNtries", "DBIT"))
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">\n'
        "  <BkToCstmrStmt>\n    <GrpHdr><MsgId>STM-1</MsgId><CreDtTm>2026-11-20T19:00:00</CreDtTm></GrpHdr>\n    <Stmt>\n"
        "      <Id>2026-224</Id><ElctrncSeqNb>224</ElctrncSeqNb><CreDtTm>2026-11-20T19:00:00</CreDtTm>\n"
        f"      <Acct><Id><IBAN>{_OWN}</IBAN></Id><Ccy>EUR</Ccy></Acct>\n{balances}      <TxsSummry>{sides}</TxsSummry>\n"
    )


def _text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _entries(chance: random.Random, entries: int) -> Iterator[tuple[str, str, int]]:
    """Text, direction and cents of each entry."""
    for number in range(1, entries + 1):
        kind = chance.random()
        side = "CRDT" if kind < 0.3 else "DBIT"
        parts = [chance.randrange(1, 2_000_000) for _ in range(chance.randrange(2, 5) if kind > 0.97 else 1)]
        cents = sum(parts)
        code = _CODE.format("RCDT" if side == "CRDT" else "ICDT", "ESCT")
        if 0.9 < kind <= 0.95:
            details, code, note = "", _CODE.format("MDOP", "CHRG"), "<AddtlNtryInf>Account fee</AddtlNtryInf>"
        else:
            note = ""
            batch = f"<Btch><NbOfTxs>{len(parts)}</NbOfTxs></Btch>" if len(parts) > 1 else ""
            told = "".join(
                _detail(chance, f"{number:09d}-{place}", side, part, returned=kind < 0.02)
                for place, part in enumerate(parts)
            )
            details = f"        <NtryDtls>{batch}{told}</NtryDtls>\n"
        text = (
            f'      <Ntry>\n        <NtryRef>{number}</NtryRef><Amt Ccy="EUR">{_text(cents)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
            f"<Sts><Cd>BOOK</Cd></Sts>\n        {_DAY}<AcctSvcrRef>BANK-{number:012d}</AcctSvcrRef>\n        {code}\n{details}"
            f"        {note}\n      </Ntry>\n"
        )
        yield text, side, cents


def _detail(chance: random.Random, reference: str, side: str, cents: int, *, returned: bool) -> str:
    other, name = chance.choice(_OTHERS), chance.choice(_NAMES)
    debtor, creditor = ((name, other), ("Northwind Example AG", _OWN))[:: 1 if side == "CRDT" else -1]
    remittance = "".join(
        f"<Ustrd>Invoice {chance.randrange(10**6)} of our order {reference}</Ustrd>"
        for _ in range(chance.randrange(1, 3))
    )
    return (
        f"\n          <TxDtls>\n            <Refs><MsgId>S0123456789abcdef012</MsgId><InstrId>P-{reference}</InstrId>"
        f'<EndToEndId>E2E-{reference}</EndToEndId></Refs>\n            <Amt Ccy="EUR">{_text(cents)}</Amt><CdtDbtInd>{side}</CdtDbtInd>\n'
        f'            <AmtDtls><TxAmt><Amt Ccy="EUR">{_text(cents)}</Amt></TxAmt></AmtDtls>\n            <RltdPties>'
        f"<Dbtr><Pty><Nm>{debtor[0]}</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{debtor[1]}</IBAN></Id></DbtrAcct>"
        f"<Cdtr><Pty><Nm>{creditor[0]}</Nm></Pty></Cdtr><CdtrAcct><Id><IBAN>{creditor[1]}</IBAN></Id></CdtrAcct></RltdPties>\n"
        f"            <RltdAgts><DbtrAgt><FinInstnId><BICFI>SOGEDEFFXXX</BICFI></FinInstnId></DbtrAgt></RltdAgts>\n"
        f"            <RmtInf>{remittance}</RmtInf>{_RETURN if returned else ''}\n          </TxDtls>"
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
