"""A sandbox bank's camt.053.001.08: what was booked on an account on a day, and balances that chain.

Source: ISO 20022 camt.053.001.08; bank transaction codes from the ISO external code set.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from canonical.identifying import NOT_PROVIDED
from canonical.money import format_minor
from sandbox._answers import add, document, to_bytes

_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_TRANSFER: Final = ("PMNT", "ICDT", "ESCT")
_COLLECTION: Final = ("PMNT", "IDDT", "OTHR")
_RETURNED_TRANSFER: Final = ("PMNT", "ICDT", "RRTN")
_RETURNED_COLLECTION: Final = ("PMNT", "IDDT", "UPDD")
_FEE: Final = ("ACMT", "MDOP", "CHRG")
_UNKNOWN: Final = ("PMNT", "RCDT", "OTHR")


@dataclass(frozen=True, slots=True)
class Entry:
    """One Ntry. `payments`: those a batch entry books together; `payment`: the one a single entry books or returns."""

    side: Literal["CRDT", "DBIT"]
    amount_minor: int
    code: tuple[str, str, str]
    batch: tuple[dict[str, Any], ...] = ()
    payment: dict[str, Any] | None = None
    return_reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One account's day. `code` and `number` make its id; balances in minor units."""

    code: str
    number: int
    day: dt.date
    account: str
    agent: str
    currency: str
    opening_minor: int
    entries: tuple[Entry, ...]

    @property
    def closing_minor(self) -> int:
        """Opening, plus credits, minus debits."""
        return self.opening_minor + sum(
            item.amount_minor if item.side == "CRDT" else -item.amount_minor for item in self.entries
        )

    @property
    def statement_id(self) -> str:
        """Unique at this bank."""
        return f"{self.code}-{self.day:%Y%m%d}-{self.currency}-{self.account[-8:]}"


def settlement_entries(payments: Sequence[dict[str, Any]], *, together: bool) -> list[Entry]:
    """Entries for payments of one file that settle: one for each batch and direction, or one a payment."""
    if not together:
        return [Entry(_side(item), item["amount_minor"], _code(item), payment=item) for item in payments]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in payments:
        groups.setdefault((item["batch_id"], item["direction"]), []).append(item)
    return [
        Entry(_side(group[0]), sum(item["amount_minor"] for item in group), _code(group[0]), batch=tuple(group))
        for group in groups.values()
    ]


def return_entry(payment: dict[str, Any]) -> Entry:
    """The money of one payment comes back (or leaves again, where a debit is returned)."""
    side: Literal["CRDT", "DBIT"] = "CRDT" if payment["direction"] == "CRDT" else "DBIT"
    code = _RETURNED_TRANSFER if side == "CRDT" else _RETURNED_COLLECTION
    return Entry(side, payment["amount_minor"], code, payment=payment, return_reason=payment["return_reason"])


def fee_entry(amount_minor: int, submission: str) -> Entry:
    """Charges for one submission."""
    return Entry("DBIT", amount_minor, _FEE, text=f"CHARGES {submission}")


def unknown_entry(amount_minor: int) -> Entry:
    """A credit that nobody here expects."""
    return Entry("CRDT", amount_minor, _UNKNOWN, text="INCOMING PAYMENT, PAYER UNKNOWN")


def _side(payment: dict[str, Any]) -> Literal["CRDT", "DBIT"]:
    return "DBIT" if payment["direction"] == "CRDT" else "CRDT"


def _code(payment: dict[str, Any]) -> tuple[str, str, str]:
    return _TRANSFER if payment["direction"] == "CRDT" else _COLLECTION


def camt053(message_id: str, statements: Sequence[Statement]) -> bytes:
    """The message with one Stmt an account. It says it was made at the end of its day: the same books, the same bytes."""
    root = document(_NAMESPACE)
    message = add(root, "BkToCstmrStmt")
    header = add(message, "GrpHdr")
    add(header, "MsgId", message_id)
    add(header, "CreDtTm", f"{statements[0].day}T23:59:59Z")
    for statement in statements:
        _statement(message, statement)
    return to_bytes(root)


def _statement(message: Any, statement: Statement) -> None:
    element = add(message, "Stmt")
    add(element, "Id", statement.statement_id)
    add(element, "ElctrncSeqNb", str(statement.number))
    add(element, "CreDtTm", f"{statement.day}T23:59:59Z")
    span = add(element, "FrToDt")
    add(span, "FrDtTm", f"{statement.day}T00:00:00Z")
    add(span, "ToDtTm", f"{statement.day}T23:59:59Z")
    account = add(element, "Acct")
    _identify(add(account, "Id"), statement.account)
    add(account, "Ccy", statement.currency)
    servicer = add(add(account, "Svcr"), "FinInstnId")
    if statement.agent.isdigit():
        add(add(servicer, "ClrSysMmbId"), "MmbId", statement.agent)
    else:
        add(servicer, "BICFI", statement.agent)
    for kind, minor in (("OPBD", statement.opening_minor), ("CLBD", statement.closing_minor)):
        balance = add(element, "Bal")
        add(add(add(balance, "Tp"), "CdOrPrtry"), "Cd", kind)
        _amount(balance, "Amt", abs(minor), statement.currency)
        add(balance, "CdtDbtInd", "DBIT" if minor < 0 else "CRDT")
        add(add(balance, "Dt"), "Dt", statement.day.isoformat())
    for position, entry in enumerate(statement.entries, start=1):
        _entry(element, statement, entry, position)


def _entry(parent: Any, statement: Statement, entry: Entry, position: int) -> None:
    element = add(parent, "Ntry")
    add(element, "NtryRef", str(position))
    _amount(element, "Amt", entry.amount_minor, statement.currency)
    add(element, "CdtDbtInd", entry.side)
    add(add(element, "Sts"), "Cd", "BOOK")
    for name in ("BookgDt", "ValDt"):
        add(add(element, name), "Dt", statement.day.isoformat())
    tail = statement.account[-4:]
    add(element, "AcctSvcrRef", f"{statement.code}{statement.day:%Y%m%d}{statement.currency}{tail}{position:07d}")
    domain = add(add(element, "BkTxCd"), "Domn")
    add(domain, "Cd", entry.code[0])
    family = add(domain, "Fmly")
    add(family, "Cd", entry.code[1])
    add(family, "SubFmlyCd", entry.code[2])
    if entry.batch:
        _batch(add(element, "NtryDtls"), entry, statement.currency)
    elif entry.payment is not None:
        _details(add(element, "NtryDtls"), entry, entry.payment, statement.currency)
    add(element, "AddtlNtryInf", entry.text)


def _batch(parent: Any, entry: Entry, currency: str) -> None:
    batch = add(parent, "Btch")
    add(batch, "MsgId", entry.batch[0]["message_id"])
    add(batch, "PmtInfId", entry.batch[0]["batch_id"])
    add(batch, "NbOfTxs", str(len(entry.batch)))
    _amount(batch, "TtlAmt", entry.amount_minor, currency)
    add(batch, "CdtDbtInd", entry.side)


def _details(parent: Any, entry: Entry, payment: dict[str, Any], currency: str) -> None:
    details = add(parent, "TxDtls")
    references = add(details, "Refs")
    add(references, "MsgId", payment["message_id"])
    add(references, "PmtInfId", payment["batch_id"])
    add(references, "InstrId", payment["instruction_id"])
    add(references, "EndToEndId", payment["end_to_end_id"] or NOT_PROVIDED)
    _amount(details, "Amt", entry.amount_minor, currency)
    add(details, "CdtDbtInd", entry.side)
    parties = add(details, "RltdPties")
    party = "Cdtr" if payment["direction"] == "CRDT" else "Dbtr"
    if payment["name"]:
        add(add(add(parties, party), "Pty"), "Nm", payment["name"][:140])
    if payment["counter_account"]:
        _identify(add(add(parties, f"{party}Acct"), "Id"), payment["counter_account"])
    lines = [line for line in payment["remittance"].split("\n") if line]
    if lines:
        remittance = add(details, "RmtInf")
        for line in lines:
            add(remittance, "Ustrd", line[:140])
    if entry.return_reason:
        reason = add(add(details, "RtrInf"), "Rsn")
        # ACH return codes are no ISO codes.
        add(reason, "Prtry" if entry.return_reason.startswith("R") else "Cd", entry.return_reason)


def _identify(parent: Any, account: str) -> None:
    if account[:2].isalpha() and account[2:4].isdigit():
        add(parent, "IBAN", account)
    else:
        add(add(parent, "Othr"), "Id", account)


def _amount(parent: Any, name: str, minor: int, currency: str) -> None:
    add(parent, name, format_minor(minor, currency), Ccy=currency)
