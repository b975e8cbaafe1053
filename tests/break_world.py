"""A bank that books what no payment of ours answers to: one camt.053, followed by the gateway."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import polars as pl

from gateway.books.position import everything
from gateway.breaks.breaks import breaks_of
from gateway.composition import Gateway
from gateway.feedback.follow import follow

ACCOUNT = "DE32100100100123456789"
DAY = dt.date(2026, 11, 20)


def entry_line(number: int, amount_minor: int, credit_debit: str = "CRDT", reference: str = "") -> str:
    """One booked entry."""
    told = reference or f"STRANGER-{number}"
    return f"""<Ntry><NtryRef>{number}</NtryRef><Amt Ccy="EUR">{amount_minor // 100}.{amount_minor % 100:02d}</Amt>
<CdtDbtInd>{credit_debit}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{DAY}</Dt></BookgDt><ValDt><Dt>{DAY}</Dt></ValDt>
<AcctSvcrRef>BK-{number}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
</BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{told}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>"""


def _balance(kind: str, minor: int) -> str:
    side, size = ("CRDT", minor) if minor >= 0 else ("DBIT", -minor)
    return f"""<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{size // 100}.{size % 100:02d}</Amt>
<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{DAY}</Dt></Dt></Bal>"""


def _moved(line: str) -> int:
    """Minor units that an entry's line moves."""
    whole, cents, side = re.findall(r'Ccy="EUR">(\d+)\.(\d\d)<.*\n<CdtDbtInd>(\w+)', line)[0]
    return (int(whole) * 100 + int(cents)) * (1 if side == "CRDT" else -1)


def bank_statement(gateway: Gateway, *lines: str, number: int = 1, opening: int | None = 0) -> None:
    """Put a statement with these entries where the euro bank puts its own, and fetch it. `opening` None: without balances."""
    outbox = Path(str(gateway.profiles.provider("euro_bank").transport.options["outbox"]))
    moved = sum(_moved(line) for line in lines)
    balances = "" if opening is None else _balance("OPBD", opening) + _balance("CLBD", opening + moved)
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M{number}</MsgId>
<CreDtTm>{DAY}T18:00:00</CreDtTm></GrpHdr><Stmt><Id>ST-{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb>
<CreDtTm>{DAY}T18:00:00</CreDtTm><FrToDt><FrDtTm>{DAY}T00:00:00</FrDtTm><ToDtTm>{DAY}T23:59:59</ToDtTm></FrToDt>
<Acct><Id><IBAN>{ACCOUNT}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{"".join(lines)}</Stmt></BkToCstmrStmt></Document>"""
    (outbox / f"{number}.camt053.xml").write_text(text, encoding="utf-8")
    (found,) = follow(gateway, "euro_bank")
    assert found.outcome == "applied", found


def open_items(gateway: Gateway) -> pl.DataFrame:
    """BREAKS as computed today."""
    return breaks_of(gateway, everything(gateway, DAY), DAY)


def agree_breaks(gateway: Gateway, **terms: object) -> None:
    """Change what was agreed with the euro bank on breaks, for this gateway alone."""
    known = dict(gateway.profiles.providers)
    profile = known["euro_bank"]
    known["euro_bank"] = profile.model_validate({**profile.model_dump(), "breaks": terms})
    object.__setattr__(gateway.profiles, "providers", known)
