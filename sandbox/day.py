"""The files of one bank day: what three invented clients send, with good and bad payments, the same for the same day.

What happens to a payment is written into it: a wrong check digit is refused by validation; "REJECT AC04" makes the
sandbox bank reject it, "RETURN R01" (NACHA) and "RETURN LATER" make it come back. See `sandbox.banks`.
"""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Upload:
    """One file a client uploads into its inbox."""

    client_id: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Credit:
    """A payment of the day; `amount` as the client writes it."""

    name: str
    account: str
    amount: str
    remittance: str


def iban(country: str, bban: str) -> str:
    """An IBAN with right check digits (ISO 13616)."""
    digits = "".join(str(int(character, 36)) for character in f"{bban}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{bban}"


def aba(eight_digits: str) -> str:
    """A routing number with its right check digit (ABA, weights 3-7-1)."""
    total = sum(int(digit) * weight for digit, weight in zip(eight_digits, (3, 7, 1) * 3, strict=False))
    return f"{eight_digits}{-total % 10}"


def uploads(today: dt.date) -> list[Upload]:
    """The day's files in the order they are sent. The fourth is the first once more, under another name."""
    salaries = salaries_pain001(today)
    return [
        Upload("alder", f"salaries-{today:%Y%m%d}.xml", salaries),
        Upload("birch", f"suppliers-{today:%Y%m%d}.ach", suppliers_nacha(today)),
        Upload("cedar", f"invoices-{today:%Y%m%d}.csv", invoices_csv(today)),
        Upload("alder", f"salaries-{today:%Y%m%d}-again.xml", salaries),
    ]


# ------------------------------------------------------------------------------------------------ pain.001

_EMPLOYEES = (
    "Ada Lindqvist", "Bruno Castell", "Chiara Fontana", "Dirk Vandamme", "Elif Yurdakul", "Femke de Wit",
    "Gustav Ahlgren", "Hana Novotna", "Ignacio Robles", "Jelena Markovic", "Kaspar Brandt", "Lucie Moreau",
)  # fmt: skip


def _salaries() -> list[_Credit]:
    good = [
        _Credit(name, iban("DE", f"10010010{4711000 + index * 37:010d}"), f"{2150 + index * 173}.{index * 7 % 100:02d}",
                f"Salary {index + 1:04d}")
        for index, name in enumerate(_EMPLOYEES)
    ]  # fmt: skip
    wrong_digits = good[3].account[:-2] + ("00" if good[3].account[-2:] != "00" else "11")
    good[3] = _Credit(good[3].name, wrong_digits, good[3].amount, good[3].remittance)
    good[6] = _Credit(good[6].name, good[6].account, "3187.555", good[6].remittance)
    good[8] = _Credit(good[8].name, good[8].account, good[8].amount, "Salary 0009 REJECT AC04")
    good[10] = _Credit(good[10].name, good[10].account, good[10].amount, "Salary 0011 RETURN LATER")
    return good


def salaries_pain001(today: dt.date) -> bytes:
    """pain.001.001.09 of two batches: a wrong IBAN, three decimals, one the bank rejects, one that comes back."""
    paid = _salaries()
    debtor = iban("DE", "100100109900000001")
    batches = [_batch(today, number, part, debtor) for number, part in enumerate((paid[:7], paid[7:]), start=1)]
    header = (
        f"<GrpHdr><MsgId>ALDER-{today:%Y%m%d}-1</MsgId><CreDtTm>{today}T08:00:00Z</CreDtTm>"
        f"<NbOfTxs>{len(paid)}</NbOfTxs><CtrlSum>{_total(paid)}</CtrlSum>"
        "<InitgPty><Nm>Alder Payroll SA</Nm></InitgPty></GrpHdr>"
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">\n<CstmrCdtTrfInitn>\n'
        f"{header}\n{''.join(batches)}</CstmrCdtTrfInitn>\n</Document>\n"
    )
    return text.encode()


def _batch(today: dt.date, number: int, part: list[_Credit], debtor: str) -> str:
    payments = "".join(
        f"<CdtTrfTxInf><PmtId><InstrId>ALD{number}{index:04d}</InstrId><EndToEndId>SAL-{today:%m}-{number}{index:03d}"
        f'</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">{credit.amount}</InstdAmt></Amt>'
        f"<Cdtr><Nm>{escape(credit.name)}</Nm></Cdtr><CdtrAcct><Id><IBAN>{credit.account}</IBAN></Id></CdtrAcct>"
        f"<RmtInf><Ustrd>{escape(credit.remittance)}</Ustrd></RmtInf></CdtTrfTxInf>\n"
        for index, credit in enumerate(part, start=1)
    )
    return (
        f"<PmtInf><PmtInfId>ALDER-{today:%Y%m%d}-B{number}</PmtInfId><PmtMtd>TRF</PmtMtd>"
        f"<NbOfTxs>{len(part)}</NbOfTxs><CtrlSum>{_total(part)}</CtrlSum>"
        "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><CtgyPurp><Cd>SALA</Cd></CtgyPurp></PmtTpInf>"
        f"<ReqdExctnDt><Dt>{today}</Dt></ReqdExctnDt><Dbtr><Nm>Alder Payroll SA</Nm></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{debtor}</IBAN></Id></DbtrAcct>"
        "<DbtrAgt><FinInstnId><BICFI>ALDRDEFFXXX</BICFI></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>\n"
        f"{payments}</PmtInf>\n"
    )


def _total(part: list[_Credit]) -> str:
    """Control sum in thousandths: one of the day's amounts has three decimals, and the client's sum counts them."""
    thousandths = sum(
        int(f"{whole}{fraction:0<3}") for whole, _, fraction in (credit.amount.partition(".") for credit in part)
    )
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


# ------------------------------------------------------------------------------------------------ NACHA

_SUPPLIERS = (
    ("Juniper Tool Works", 1250075), ("Larch Paper Co", 88410), ("Maple Freight LLC", 430000),
    ("Oak Ridge Dairy", 129999), ("Pine Street Print", 5600), ("RETURN R01 Poplar", 217345),
    ("Rowan Electric", 76020), ("Spruce Cleaning", 31500),
)  # fmt: skip


def suppliers_nacha(today: dt.date) -> bytes:
    """NACHA file with a CCD batch of eight credits: one with a wrong routing number, one that comes back as R01."""
    origin, destination = aba("12300045"), aba("09100077")
    routing = [aba(f"0{31 + index:02d}00{50 + index:03d}") for index in range(len(_SUPPLIERS))]
    routing[3] = routing[3][:8] + str((int(routing[3][8]) + 1) % 10)
    entries = [
        f"622{routing[index]}{40010200 + index * 7:<17}{cents:010d}{f'INV-{2200 + index}':<15}{name:<22}  0"
        f"{origin[:8]}{index + 1:07d}"
        for index, (name, cents) in enumerate(_SUPPLIERS)
    ]
    entry_hash = sum(int(number[:8]) for number in routing) % 10**10
    total = sum(cents for _, cents in _SUPPLIERS)
    lines = [
        f"101 {destination} {origin}{today:%y%m%d}0800A094101{'SANDBOX US BANK':<23}{'BIRCH SUPPLIES INC':<23}{'':8}",
        f"5220{'BIRCH SUPPLIES':<16}{'':20}1987654321CCD{'SUPPLIERS':<10}{today:%y%m%d}{today:%y%m%d}   1{origin[:8]}0000001",
        *entries,
        f"8220{len(entries):06d}{entry_hash:010d}{0:012d}{total:012d}1987654321{'':19}{'':6}{origin[:8]}0000001",
    ]
    blocks = -(-(len(lines) + 1) // 10)
    lines.append(f"9{1:06d}{blocks:06d}{len(entries):08d}{entry_hash:010d}{0:012d}{total:012d}{'':39}")
    lines += ["9" * 94] * (blocks * 10 - len(lines))
    return ("\n".join(lines) + "\n").encode("ascii")


# ------------------------------------------------------------------------------------------------ CSV


def invoices_csv(today: dt.date) -> bytes:
    """CSV by the template: euro and dollar, an unknown currency, a missing name, an amount over the client's limit."""
    euro = [iban("NL", f"BANK{417164300 + index:010d}") for index in range(8)]
    rows = [
        ("INV-1001", "Hazel Kantoor BV", euro[0], "", "1210.00", "EUR", "Invoice 1001"),
        ("INV-1002", "Iepen Logistiek BV", euro[1], "", "84.95", "EUR", "Invoice 1002"),
        ("INV-1003", "", euro[2], "", "312.40", "EUR", "Invoice 1003"),
        ("INV-1004", "Linde Catering", euro[3], "", "95.10", "EUX", "Invoice 1004"),
        ("INV-1005", "Wilg Software, Utrecht", euro[4], "", "18400.00", "EUR", "Invoice 1005"),
        ("INV-1006", "Beuk Bouw NV", euro[5], "", "26000.00", "EUR", "Invoice 1006 over the limit"),
        ("INV-1007", "Aspen Research Corp", "5501127788", aba("11100002"), "4999.99", "USD", "Invoice 1007"),
        ("INV-1008", "Tulip Tree Labs", "5501127799", aba("11100002"), "750.25", "USD", "Invoice 1008"),
        ("INV-1009", "Eik & Zonen", euro[6], "", "66.60", "EUR", "Invoice 1009"),
    ]
    total = sum(int(row[4].replace(".", "")) for row in rows)
    lines = ["end_to_end_id,execution_date,creditor_name,creditor_account,creditor_agent,amount,currency,remittance"]
    lines += [
        f'{e2e},{today},"{name}",{account},{agent},{amount},{currency},{text}'
        for e2e, name, account, agent, amount, currency, text in rows
    ]
    lines.append(f"TOTAL,{len(rows)},{total // 100}.{total % 100:02d}")
    return ("\n".join(lines) + "\n").encode()


def main() -> None:
    """Write today's files into a folder."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    for upload in uploads(dt.datetime.now(dt.UTC).date()):
        path = folder / f"{upload.client_id}-{upload.name}"
        path.write_bytes(upload.data)
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
