"""Statements of a camt.053: what each says of itself, and whether it is coherent with its own entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.limits import INT64_MAX
from canonical.money import format_minor, parse_minor
from parsers._feedback_shapes import Record
from parsers._iso_faults import Fault

_SEQUENCE_DIGITS_MAX: Final = 18
_OPENING: Final = ("OPBD", "PRCD")
_AGAIN: Final = "The provider must send the statement again; nothing of this file is booked."
_ASK: Final = "Ask the provider for a correct statement; until then the difference stands in the reconciliation."


@dataclass(frozen=True, slots=True)
class Sums:
    """Entries of one statement in its currency. Minor units."""

    entries: int = 0
    credits_minor: int = 0
    debits_minor: int = 0
    credit_entries: int = 0
    debit_entries: int = 0

    def of(self, side: str) -> tuple[int, int]:
        """Number and sum of the entries of one side, or of all."""
        return {
            "credit": (self.credit_entries, self.credits_minor),
            "debit": (self.debit_entries, self.debits_minor),
            "all": (self.entries, self.credits_minor + self.debits_minor),
        }[side]


@dataclass(frozen=True, slots=True)
class Statement:
    """One Stmt as it was read. Balances in minor units, negative when DBIT; `booked` sums only entries with status BOOK."""

    ordinal: int
    line: int
    statement_id: str | None
    account: str | None
    currency: str | None
    record: Record
    opening_minor: int | None = None
    closing_minor: int | None = None
    opening_date: dt.date | None = None
    closing_date: dt.date | None = None
    booked: Sums = Sums()
    told: Sums = Sums()
    strange: int = 0
    """Entries in another currency than the account's: no sum or balance holds them."""

    def row(self) -> dict[str, object]:
        """The statement's row of STATEMENTS."""
        said = self.record.values
        sequence = said.get("electronic_sequence") or said.get("legal_sequence") or ""
        return {
            "statement_id": self.statement_id, "account": self.account, "currency": self.currency,
            "sequence": int(sequence) if sequence.isascii() and sequence.isdigit()
            and len(sequence) <= _SEQUENCE_DIGITS_MAX else None,
            "created": said.get("created"),
            "from_date": _date(said.get("from")) or self.opening_date,
            "to_date": _date(said.get("to")) or self.closing_date,
            "opening_minor": self.opening_minor, "closing_minor": self.closing_minor, "entries": self.told.entries,
            "credits_minor": self.booked.credits_minor, "debits_minor": self.booked.debits_minor,
        }  # fmt: skip


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def statement_of(record: Record, header: dict[str, str], rows: pl.DataFrame) -> Statement:
    """The statement of a Stmt record. `rows`: its entries' rows; `header`: what GrpHdr says, for the page of the message."""
    balances = record.children.get("Bal", [])
    opening = next((b for kind in _OPENING for b in balances if b.values.get("type") == kind), None)
    closing = next((b for b in reversed(balances) if b.values.get("type") == "CLBD"), None)
    currencies = [record.values.get("currency"), *(b.values.get("amount_currency") for b in balances)]
    currencies += rows["currency"].drop_nulls().head(1).to_list()
    currency = next((item for item in currencies if item), None)
    statement = Statement(
        record.ordinal, record.line, _paged(record, header), "".join(record.values.get("account", "").split()) or None,
        currency, record, _balance(opening, currency), _balance(closing, currency),
        _date(opening.values.get("date")) if opening else None, _date(closing.values.get("date")) if closing else None,
    )  # fmt: skip
    entries = rows.unique("position", maintain_order=True).filter(pl.col("currency") == currency)
    told = replace(_sums(entries), entries=rows["position"].n_unique())
    booked = _sums(entries.filter("booked"))
    return replace(statement, booked=booked, told=told, strange=told.entries - entries.height)


def _paged(record: Record, header: dict[str, str]) -> str | None:
    """Stmt/Id, with the page where the statement is one of several: pages share their Id, and must not hide each other."""
    statement_id = record.values.get("statement_id")
    said = record.values if "page" in record.values else header
    page, last = said.get("page"), said.get("last_page") in {None, "true", "1"}
    if statement_id is None or page is None or (last and page.strip("0") == "1"):
        return statement_id
    return f"{statement_id} page {page}"


def _balance(balance: Record | None, currency: str | None) -> int | None:
    if balance is None or balance.values.get("amount_currency") != currency:
        return None
    minor = parse_minor(balance.values.get("amount", ""), currency or "", INT64_MAX)
    direction = balance.values.get("direction")
    if minor is None or direction not in {item.value for item in CreditDebit}:
        return None
    return -minor if direction == CreditDebit.DBIT else minor


def _sums(entries: pl.DataFrame) -> Sums:
    credit = entries.filter(pl.col("entry_direction") == CreditDebit.CRDT)["entry_amount_minor"]
    debit = entries.filter(pl.col("entry_direction") == CreditDebit.DBIT)["entry_amount_minor"]
    return Sums(entries.height, int(credit.sum()), int(debit.sum()), credit.len(), debit.len())


# ---------------------------------------------------------------------------------------------- checks


def faults_of(statement: Statement) -> Iterator[Fault]:
    """What is missing in a statement, and where its figures contradict each other."""
    yield from _missing(statement)
    if statement.currency is not None:
        yield from _currency_faults(statement)
        yield from _balance_faults(statement)
        yield from _summary_faults(statement)


def file_faults(statements: list[Statement]) -> Iterator[Fault]:
    """A file without a statement, and statements that stand twice: what they book must not be booked twice."""
    if not statements:
        yield Fault(
            "camt-statement",
            "CH21",
            "The message holds no statement (Stmt).",
            _AGAIN,
            severity=Severity.FATAL,
            field="Stmt",
        )
    seen: set[tuple[str | None, str | None]] = set()
    for statement in statements:
        key = (statement.account, statement.statement_id)
        if key in seen:
            message = f"Statement {statement.statement_id} of this account stands more than once in the file."
            yield _fault(statement, "camt-repeated", "DU01", message, "Stmt/Id", Severity.FATAL)
        seen.add(key)


def _fault(
    statement: Statement, rule: str, reason: str, message: str, field: str, severity: Severity = Severity.ERROR
) -> Fault:  # fmt: skip
    return Fault(
        rule, reason, message, _AGAIN if severity is Severity.FATAL else _ASK, severity=severity, level=Level.BATCH,
        line=statement.line, batch=statement.ordinal, batch_id=statement.statement_id, field=field,
    )  # fmt: skip


def _missing(statement: Statement) -> Iterator[Fault]:
    for value, name, field in (
        (statement.statement_id, "identification", "Stmt/Id"),
        (statement.account, "account", "Stmt/Acct/Id"),
        (statement.currency, "currency (of the account, a balance or an entry)", "Stmt/Acct/Ccy"),
    ):
        if value is None:
            yield _fault(statement, "camt-statement", "CH21", f"The statement has no {name}.", field, Severity.FATAL)
    for minor, name in (
        (statement.opening_minor, "opening (OPBD or PRCD)"),
        (statement.closing_minor, "closing (CLBD)"),
    ):
        if minor is None:
            message = f"The statement has no {name} balance that can be read; its balances are not checked."
            yield _fault(statement, "camt-balance-missing", "CH21", message, "Stmt/Bal", Severity.WARNING)


def _currency_faults(statement: Statement) -> Iterator[Fault]:
    if statement.strange:
        message = f"{statement.strange} entries are not in {statement.currency}, the currency of the account; no sum holds them."
        yield _fault(statement, "camt-currency", "AM11", message, "Stmt/Ntry/Amt")


def _balance_faults(statement: Statement) -> Iterator[Fault]:
    opening, closing = statement.opening_minor, statement.closing_minor
    if opening is None or closing is None:
        return
    booked = statement.booked
    expected = opening + booked.credits_minor - booked.debits_minor
    if expected != closing:
        shown = [format_minor(minor, statement.currency or "") for minor in (
            opening, booked.credits_minor, booked.debits_minor, expected, closing, closing - expected
        )]  # fmt: skip
        message = (
            "Opening {} + credits {} − debits {} = {} {}, but the closing balance is {}: a difference of {}.".format(
                *shown[:4], statement.currency, *shown[4:]
            )
        )
        yield _fault(statement, "camt-balance", "AM10", message, "Stmt/Bal")


def _summary_faults(statement: Statement) -> Iterator[Fault]:
    measures = [("all", "TtlNtries"), ("credit", "TtlCdtNtries"), ("debit", "TtlDbtNtries")]
    currency, said = statement.currency or "", statement.record.values
    for key, element in measures:
        of_booked, of_all = statement.booked.of(key), statement.told.of(key)
        field = f"Stmt/TxsSummry/{element}"
        count, total = said.get(f"{key}_count"), said.get(f"{key}_sum")
        # Banks count booked entries or all of them; either way of counting is right if it fits.
        if count is not None and count.lstrip("0") not in {str(n or "") for n, _ in (of_booked, of_all)}:
            message = (
                f"{element} declares {count} entries; the statement holds {of_all[0]}, {of_booked[0]} of them booked."
            )
            yield _fault(statement, "camt-count", "AM19", message, f"{field}/NbOfNtries")
        if total is not None and parse_minor(total, currency, INT64_MAX) not in {of_booked[1], of_all[1]}:
            sums = [format_minor(minor, currency) for minor in (of_all[1], of_booked[1])]
            message = f"{element} declares a sum of {total} {currency}; the entries sum to {sums[0]}, the booked ones to {sums[1]}."
            yield _fault(statement, "camt-sum", "AM10", message, f"{field}/Sum")
