"""How the sandbox banks read files: pain.001 with lxml, NACHA with slices.

On purpose nothing of the gateway's parsers is used: what a bank finds is an independent check of what the gateway wrote.
Sources: ISO 20022 pain.001.001.09; Nacha Operating Rules, Appendix Three (record layouts).
"""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree

from canonical.currencies import exponent
from canonical.identifying import NOT_PROVIDED

_CREDITS: Final = {"22", "32", "42", "52"}
_DEBITS: Final = {"27", "37", "47", "55"}
_RECORD: Final = 94
_SCALE: Final = 5
"""Decimals that sums over currencies are kept with."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment as the bank reads it. `direction` CRDT pays the counterparty. `raw`: NACHA batch header and entry."""

    account: str
    batch_id: str
    currency: str
    direction: str
    amount_minor: int
    instruction_id: str
    end_to_end_id: str
    name: str
    counter_account: str
    remittance: str
    due: dt.date
    raw: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class _Batch:
    """What a pain.001 says of all payments of a batch, before the first of them."""

    account: str
    batch_id: str
    due: str


@dataclass(slots=True)
class Reading:
    """One file. `reason` and `text` say why the bank refuses all of it, "" where it does not."""

    message: str
    message_id: str = NOT_PROVIDED
    header: str = ""
    instructions: list[Instruction] = field(default_factory=list)
    reason: str = ""
    text: str = ""


class RefusedFile(Exception):
    """The bank refuses a file: an ISO reason code and words."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text


def read_pain001(data: bytes) -> Reading:
    """Read a credit transfer initiation; a count or control sum that does not hold refuses the file."""
    reading = Reading("pain.001.001.09")
    try:
        _walk_pain001(data, reading)
    except etree.XMLSyntaxError as fault:
        reading.reason, reading.text = "FF02", f"not well-formed: {fault}"[:105]
    except RefusedFile as fault:
        reading.reason, reading.text = fault.reason, fault.text
    return reading


def _walk_pain001(data: bytes, reading: Reading) -> None:
    if b"<!DOCTYPE" in data:
        raise RefusedFile("FF02", "a document type declaration is not taken")
    totals: list[tuple[str, str | None, str | None, int, int]] = []
    count = total = 0
    events = etree.iterparse(
        io.BytesIO(data), events=("end",), tag=("{*}GrpHdr", "{*}CdtTrfTxInf", "{*}PmtInf"),
        resolve_entities=False, no_network=True,
    )  # fmt: skip
    in_file = [0, 0]
    batch = _Batch("", "", "")
    declared: tuple[str | None, str | None] = (None, None)
    for _, element in events:
        kind = etree.QName(element).localname
        if kind == "GrpHdr":
            reading.message = etree.QName(element).namespace.rpartition(":")[2]
            reading.message_id = _text(element, "MsgId") or NOT_PROVIDED
            declared = (_text(element, "NbOfTxs"), _text(element, "CtrlSum"))
        elif kind == "CdtTrfTxInf":
            if count == 0:
                batch = _pain001_batch(element.getparent())
            instruction, amount = _pain001_payment(element, batch)
            reading.instructions.append(instruction)
            count, total = count + 1, total + amount
            element.clear()
        else:
            totals.append((_text(element, "PmtInfId") or "", *_declared(element), count, total))
            in_file = [in_file[0] + count, in_file[1] + total]
            count = total = 0
            element.clear()
    _check("the file", *declared, *in_file)
    for batch_id, number, control_sum, found, found_sum in totals:
        _check(f"batch {batch_id}", number, control_sum, found, found_sum)


def _declared(element: Any) -> tuple[str | None, str | None]:
    return _text(element, "NbOfTxs"), _text(element, "CtrlSum")


def _check(what: str, number: str | None, control_sum: str | None, found: int, found_sum: int) -> None:
    if number is not None and number != str(found):
        raise RefusedFile("AM18", f"{what} declares {number} payments and holds {found}")
    if control_sum is not None and _scaled(control_sum, _SCALE) != found_sum:
        raise RefusedFile("AM10", f"{what} declares a control sum of {control_sum}, its payments do not add up to it")


def _pain001_batch(element: Any) -> _Batch:
    # Once a batch: looking something up in a batch takes the longer the more payments of it were read.
    return _Batch(
        account=_account(element, "DbtrAcct"),
        batch_id=_text(element, "PmtInfId") or "",
        due=_text(element, "ReqdExctnDt/Dt") or _text(element, "ReqdExctnDt") or "",
    )


def _pain001_payment(element: Any, batch: _Batch) -> tuple[Instruction, int]:
    amount = element.find("{*}Amt/{*}InstdAmt")
    if amount is None or amount.text is None:
        raise RefusedFile("AM12", "a payment without InstdAmt")
    currency = amount.get("Ccy", "")
    digits = exponent(currency)
    if digits is None:
        raise RefusedFile("AM11", f"unknown currency {currency}")
    remittance = [item.text or "" for item in element.iterfind("{*}RmtInf/{*}Ustrd")]
    reference = _text(element, "RmtInf/Strd/CdtrRefInf/Ref")
    instruction = Instruction(
        account=batch.account,
        batch_id=batch.batch_id,
        currency=currency,
        direction="CRDT",
        amount_minor=_scaled(amount.text, digits),
        instruction_id=_text(element, "PmtId/InstrId") or "",
        end_to_end_id=_text(element, "PmtId/EndToEndId") or "",
        name=_text(element, "Cdtr/Nm") or "",
        counter_account=_account(element, "CdtrAcct"),
        remittance="\n".join([*remittance, *([reference] if reference else [])]),
        due=dt.date.fromisoformat(batch.due),
    )
    return instruction, _scaled(amount.text, _SCALE)


def _text(element: Any, path: str) -> str | None:
    text: str | None = element.findtext("/".join(f"{{*}}{step}" for step in path.split("/")))
    return text.strip() if text and text.strip() else None


def _account(element: Any, name: str) -> str:
    return _text(element, f"{name}/Id/IBAN") or _text(element, f"{name}/Id/Othr/Id") or ""


def _scaled(text: str, digits: int) -> int:
    whole, _, fraction = text.strip().partition(".")
    if not re.fullmatch(r"[0-9]+", whole) or not re.fullmatch(rf"[0-9]{{0,{digits}}}", fraction.rstrip("0")):
        raise RefusedFile("AM12", f"{text!r} is no amount of {digits} decimals")
    return int(whole + fraction.rstrip("0").ljust(digits, "0"))


def read_nacha(data: bytes, accounts: dict[str, str]) -> Reading:
    """Read an ACH file. `accounts`: originating DFI (8 digits) → our account. Controls that do not hold refuse the file."""
    reading = Reading("nacha")
    try:
        _walk_nacha(data.decode("ascii").splitlines(), accounts, reading)
    except (UnicodeDecodeError, ValueError) as fault:
        reading.reason, reading.text = "FF02", str(fault)
    except RefusedFile as fault:
        reading.reason, reading.text = fault.reason, fault.text
    return reading


def _walk_nacha(lines: list[str], accounts: dict[str, str], reading: Reading) -> None:
    if not lines or any(len(line) != _RECORD for line in lines) or not lines[0].startswith("101"):
        raise RefusedFile("FF01", "not a file of 94-character ACH records")
    reading.header = lines[0]
    entries: list[tuple[str, list[str]]] = []
    batch, batches, file_sums = "", 0, [0, 0, 0, 0]
    for line in lines[1:]:
        if line[0] == "5":
            batch, entries = line, []
        elif line[0] == "6":
            entries.append((line, []))
        elif line[0] == "7" and entries:
            entries[-1][1].append(line)
        elif line[0] == "8":
            sums = _nacha_sums(entries)
            _check_control(f"batch {batch[87:94]}", sums, (line[4:10], line[10:20], line[20:32], line[32:44]))
            file_sums = [mine + theirs for mine, theirs in zip(file_sums, sums, strict=True)]
            reading.instructions += [_nacha_payment(batch, entry, addenda, accounts) for entry, addenda in entries]
            batches += 1
        elif line[0] == "9":
            _check_control("the file", file_sums, (line[13:21], line[21:31], line[31:43], line[43:55]))
            if int(line[1:7]) != batches or int(line[7:13]) * 10 != len(lines):
                raise RefusedFile("AM20", "the file control does not count the batches or blocks that are there")
            reading.message_id = batch[20:40].strip() or NOT_PROVIDED
            return
    raise RefusedFile("TD03", "the file has no control record")


def _nacha_sums(entries: list[tuple[str, list[str]]]) -> list[int]:
    """Entries and addenda, entry hash, debits, credits (minor units)."""
    count = sum(1 + len(addenda) for _, addenda in entries)
    debits = sum(int(entry[29:39]) for entry, _ in entries if entry[1:3] in _DEBITS)
    credits_ = sum(int(entry[29:39]) for entry, _ in entries if entry[1:3] in _CREDITS)
    return [count, sum(int(entry[3:11]) for entry, _ in entries), debits, credits_]


def _check_control(what: str, found: list[int], declared: tuple[str, ...]) -> None:
    wanted = [int(item) for item in declared]
    if [found[0], found[1] % 10**10, found[2], found[3]] != wanted:
        raise RefusedFile("AM10", f"{what}: the control record says {wanted}, the entries {found}")


def _nacha_payment(batch: str, entry: str, addenda: list[str], accounts: dict[str, str]) -> Instruction:
    dfi = batch[79:87]
    if dfi not in accounts:
        raise RefusedFile("RC03", f"originating DFI {dfi} is not ours")
    return Instruction(
        account=accounts[dfi],
        batch_id=batch[20:40].strip(),
        currency="USD",
        direction="DBIT" if entry[1:3] in _DEBITS else "CRDT",
        amount_minor=int(entry[29:39]),
        instruction_id=entry[79:94],
        end_to_end_id=entry[39:54].strip(),
        name=entry[54:76].strip(),
        counter_account=entry[12:29].strip(),
        remittance="\n".join(line[3:83].strip() for line in addenda if line[1:3] == "05"),
        due=dt.datetime.strptime(batch[69:75], "%y%m%d").replace(tzinfo=dt.UTC).date(),
        raw=(batch, entry),
    )
