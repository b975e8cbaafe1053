"""Small files for the sandbox banks, written here by hand and by no code of the gateway."""

from __future__ import annotations

import datetime as dt

DAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)
SUBMISSION = "S00000000000000000a1"
DFI, ABA = "99900001", "999000014"


def pain001(
    payments: list[tuple[str, str, str]],
    *,
    submission: str = SUBMISSION,
    account: str = "DE74999123451000000001",
    currency: str = "EUR",
    count: int | None = None,
    due: dt.date = DAY,
) -> bytes:
    """`payments`: amount text, creditor name, remittance."""
    cents = sum(int(amount.replace(".", "")) for amount, _, _ in payments)
    total = f"{cents // 100}.{cents % 100:02d}"
    number = len(payments) if count is None else count
    rows = "".join(
        f"<CdtTrfTxInf><PmtId><InstrId>{submission}-{row:04d}</InstrId><EndToEndId>E2E-{row}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{currency}">{amount}</InstdAmt></Amt><Cdtr><Nm>{name}</Nm></Cdtr>'
        "<CdtrAcct><Id><IBAN>DE62999123452000000001</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></CdtTrfTxInf>"
        for row, (amount, name, text) in enumerate(payments, start=1)
    )
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{submission}</MsgId><CreDtTm>2026-11-20T09:00:00Z</CreDtTm><NbOfTxs>{number}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>Gateway</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>{submission}</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>{number}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><ReqdExctnDt><Dt>{due}</Dt></ReqdExctnDt><Dbtr><Nm>Gateway</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{account}</IBAN></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><BICFI>EUBKDEFFXXX</BICFI></FinInstnId></DbtrAgt>{rows}</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


def nacha(entries: list[tuple[str, int, str]], *, submission: str = SUBMISSION, wrong_total: int = 0) -> bytes:
    """`entries`: transaction code, cents, individual name. One PPD batch of service class 200."""
    rdfi = "12345678"
    rows = [
        f"6{code}{rdfi}0{70000 + row:<17}{cents:010d}{f'E2E-{row}':<15}{name:<22}  0{DFI}{row:07d}"
        for row, (code, cents, name) in enumerate(entries, start=1)
    ]
    debit = sum(cents for code, cents, _ in entries if code in {"27", "37"})
    credit = sum(cents for code, cents, _ in entries if code in {"22", "32"}) + wrong_total
    sums = f"{len(rows) * int(rdfi) % 10**10:010d}{debit:012d}{credit:012d}"
    lines = [
        f"101 {ABA}1999000017{NOW:%y%m%d%H%M}A094101{'EXAMPLE BANK':<23}{'GATEWAY':<23}{'':8}",
        f"5200{'GATEWAY':<16}{submission:<20}1999000017PPD{'PAYROLL':<10}{'':6}{DAY:%y%m%d}   1{DFI}0000001",
        *rows,
        f"8200{len(rows):06d}{sums}1999000017{'':25}{DFI}0000001",
    ]
    blocks = -(-(len(lines) + 1) // 10)
    lines.append(f"9{1:06d}{blocks:06d}{len(rows):08d}{sums}{'':39}")
    lines += ["9" * 94] * (blocks * 10 - len(lines))
    assert all(len(line) == 94 for line in lines)
    return "".join(f"{line}\n" for line in lines).encode()
