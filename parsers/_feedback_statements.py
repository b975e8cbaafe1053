"""Statements, reports and notifications: what each says of itself, and the sums of its entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from canonical.codes import CreditDebit
from canonical.limits import BALANCE_MINOR_MAX
from canonical.money import parse_minor
from parsers._feedback_camt_paths import AccountMessage
from parsers._feedback_shapes import Record

_SEQUENCE_DIGITS_MAX: Final = 18
_TRUE: Final = ("true", "1")
_INTERIM: Final = "ITBD"
_OPENING: Final = ("OPBD", "PRCD", _INTERIM)
_CLOSING: Final = ("CLBD", _INTERIM)


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
    """One Stmt, Rpt or Ntfctn as it was read. Balances in minor units, negative when DBIT; `booked` sums only entries with status BOOK."""

    of: AccountMessage
    ordinal: int
    line: int
    statement_id: str | None
    account: str | None
    currency: str | None
    record: Record
    header: dict[str, str]
    opening_minor: int | None = None
    closing_minor: int | None = None
    opening_date: dt.date | None = None
    closing_date: dt.date | None = None
    booked: Sums = Sums()
    told: Sums = Sums()
    strange: int = 0
    """Entries in another currency than the account's: no sum or balance holds them."""
    unread: int = 0
    """Entries without an amount or a direction: no sum or balance can be right without them."""

    @property
    def says_nothing(self) -> bool:
        """A report or notification without a balance and without an entry: there is nothing to read, and it need have no currency."""
        return self.currency is None and not self.of.final and not self.told.entries

    def row(self) -> dict[str, object]:
        """The statement's row of STATEMENTS."""
        said = self.record.values
        sequence = said.get("electronic_sequence") or said.get("legal_sequence")
        page = said.get("page") or self.header.get("page")
        last = said.get("last_page") if "page" in said else self.header.get("last_page")
        return {
            "statement_id": self.statement_id, "account": self.account, "currency": self.currency, "origin": self.of.origin,
            "sequence": _number(sequence), "page": _number(page), "last_page": None if last is None else last in _TRUE,
            "created": said.get("created"), "copy": said.get("copy"),
            "from_date": day_of(said.get("from")) or self.opening_date,
            "to_date": day_of(said.get("to")) or self.closing_date,
            "opening_minor": self.opening_minor, "closing_minor": self.closing_minor, "entries": self.told.entries,
            "credits_minor": self.booked.credits_minor, "debits_minor": self.booked.debits_minor,
            "declared_entries": _number(said.get("all_count")),
            "declared_credits": _number(said.get("credit_count")), "declared_debits": _number(said.get("debit_count")),
            "declared_credits_minor": self._sum("credit_sum"), "declared_debits_minor": self._sum("debit_sum"),
        }  # fmt: skip

    def _sum(self, key: str) -> int | None:
        return parse_minor(self.record.values.get(key, ""), self.currency or "", BALANCE_MINOR_MAX)

    def balances(self) -> Iterator[dict[str, object]]:
        """Its rows of BALANCES: those with an amount that can be read."""
        for position, balance in enumerate(self.record.children.get("Bal", []), start=1):
            said = balance.values
            minor = signed_minor(balance, said.get("amount_currency"))
            if minor is not None:
                yield {
                    "statement_id": self.statement_id, "account": self.account, "position": position,
                    "kind": said.get("type") or said.get("proprietary") or "", "sub_kind": said.get("sub_kind"),
                    "balance_minor": minor, "currency": said.get("amount_currency"), "date": day_of(said.get("date")),
                    "credit_line": said["credit_line"] in _TRUE if "credit_line" in said else None,
                }  # fmt: skip


def _number(text: str | None) -> int | None:
    """A number of digits alone."""
    plain = text or ""
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= _SEQUENCE_DIGITS_MAX else None


def day_of(text: str | None) -> dt.date | None:
    """The day of a Dt or DtTm as it is written; None where it is none."""
    try:
        return dt.date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


SUMMED: Final = ("position", "currency", "booked", "entry_direction", "entry_amount_minor")
"""What a statement wants of its entries' rows."""


def statement_of(of: AccountMessage, record: Record, header: dict[str, str], rows: pl.DataFrame) -> Statement:
    """The statement of a Stmt record. `rows`: SUMMED of its entries; `header`: what GrpHdr says, for the page of the message."""
    balances = record.children.get("Bal", [])
    currencies = [record.values.get("currency"), *(b.values.get("amount_currency") for b in balances)]
    currencies += rows["currency"].drop_nulls().head(1).to_list()
    currency = next((item for item in currencies if item), None)
    # An account may hold several currencies, and a statement tell the balance of each; its entries are summed in its own.
    own = [b for b in balances if b.values.get("amount_currency") == currency]
    opening, closing = _ends(own, of, paged="page" in record.values or "page" in header)
    statement = Statement(
        of, record.ordinal, record.line, _named(of, record, header),
        "".join(record.values.get("account", "").split()) or None, currency, record, header,
        signed_minor(opening, currency), signed_minor(closing, currency),
        day_of(opening.values.get("date")) if opening else None, day_of(closing.values.get("date")) if closing else None,
    )  # fmt: skip
    every = rows.unique("position", maintain_order=True)
    entries = every.filter(pl.col("currency") == pl.lit(currency, dtype=pl.String))
    told = replace(_sums(entries), entries=every.height)
    booked = _sums(entries.filter("booked"))
    # Of one that cannot be read its own finding says why, the currency among other causes.
    strange = every.filter(
        pl.col("entry_amount_minor").is_not_null() & (pl.col("currency") != pl.lit(currency, dtype=pl.String))
    ).height
    unread = every.filter(pl.any_horizontal(pl.col("entry_direction", "entry_amount_minor").is_null())).height
    return replace(statement, booked=booked, told=told, strange=strange, unread=unread)


def _ends(own: list[Record], of: AccountMessage, *, paged: bool) -> tuple[Record | None, Record | None]:
    """Opening and closing balance. Between the pages of a statement, and in a report, it is an interim one (ITBD).

    A lone one closes a report, which tells how the account stands. Of a statement without pages nobody knows at what time of the
    day it stood: it is neither end, unless the other one stands there too.
    """
    opening = next((b for kind in _OPENING for b in own if b.values.get("type") == kind), None)
    closing = next((b for kind in _CLOSING for b in reversed(own) if b.values.get("type") == kind), None)
    if opening is closing:
        return None, None if of.final and not paged else closing
    if of.final and not paged and closing and opening and closing.values["type"] != _INTERIM == opening.values["type"]:
        opening = None
    return opening, closing


def told_apart(statements: list[Statement]) -> list[Statement]:
    """Where statements of one account in several currencies have the same id, the currency is part of it."""
    currencies: dict[tuple[str | None, str | None], set[str | None]] = {}
    for item in statements:
        currencies.setdefault((item.account, item.statement_id), set()).add(item.currency)
    several = {key for key, found in currencies.items() if len(found) > 1}
    return [
        replace(item, statement_id=f"{item.statement_id} {item.currency}")
        if (item.account, item.statement_id) in several and item.statement_id and item.currency
        else item
        for item in statements
    ]


def _named(of: AccountMessage, record: Record, header: dict[str, str]) -> str | None:
    """Id of the statement, with what tells it from others of the same Id.

    The pages of a statement share it. Reports and notifications share it with the statement of their day and among one
    another: none of them may hide a statement as already known.
    """
    statement_id = record.values.get("statement_id")
    said = record.values if "page" in record.values else header
    page, last = said.get("page"), said.get("last_page") in {None, *_TRUE}
    if statement_id is None:
        return None
    if not of.final:
        created = record.values.get("created") or header.get("created") or "-"
        statement_id = f"{statement_id} {of.message.name} {created}"
    return statement_id if page is None or (last and page.strip("0") == "1") else f"{statement_id} page {page}"


def signed_minor(balance: Record | None, currency: str | None) -> int | None:
    """A balance in minor units of that currency, negative when DBIT; None where it is no such balance."""
    if balance is None or balance.values.get("amount_currency") != currency:
        return None
    minor = parse_minor(balance.values.get("amount", ""), currency or "", BALANCE_MINOR_MAX)
    direction = balance.values.get("direction")
    if minor is None or direction not in {item.value for item in CreditDebit}:
        return None
    return -minor if direction == CreditDebit.DBIT else minor


def _sums(entries: pl.DataFrame) -> Sums:
    credit = entries.filter(pl.col("entry_direction") == CreditDebit.CRDT)["entry_amount_minor"]
    debit = entries.filter(pl.col("entry_direction") == CreditDebit.DBIT)["entry_amount_minor"]
    return Sums(entries.height, int(credit.sum()), int(debit.sum()), credit.len(), debit.len())
