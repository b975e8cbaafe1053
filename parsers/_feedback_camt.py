"""camt.052, camt.053 and camt.054 from bytes to Feedback: what the three messages on an account share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

import pandera.polars as pa
import polars as pl

from canonical.codes import CreditDebit, Severity
from canonical.contracts import Feedback, Source
from canonical.frames import BALANCES, ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, conform, dtypes, empty
from canonical.identifiers import ids_of, make_id
from canonical.limits import BEYOND_A_SUM
from canonical.money import beyond_a_sum
from canonical.profiles import Model, NoOptions
from parsers._feedback_camt_paths import AccountMessage
from parsers._feedback_entries import ENTRY_COLUMNS, EntryRows
from parsers._feedback_fast import WORTH_BYTES, fast_records
from parsers._feedback_shapes import Record
from parsers._feedback_statement_findings import faults_of, file_faults
from parsers._feedback_statements import SUMMED, Statement, statement_of, told_apart
from parsers._feedback_xml import new_reader, read_records
from parsers._iso_faults import Doubt, Fault, Unreadable, fatal, findings_frame


@dataclass(frozen=True, slots=True)
class AccountFormat:
    """The format of one of the three messages."""

    of: AccountMessage
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = NoOptions

    @property
    def name(self) -> str:
        """Name of the message."""
        return self.of.message.name

    def sniff(self, head: bytes) -> bool:
        """True when these bytes declare a namespace of the message or hold its element."""
        return self.of.message.sniff(head)

    def read(self, source: Source, options: NoOptions) -> Feedback:  # noqa: ARG002  the contract's signature
        """STATEMENTS, BALANCES, ENTRIES and FINDINGS. Where a finding is FATAL the other frames are empty.

        Never raises for the provider.
        """
        return read_account(source, self.of)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a reader found. `headers`: by the `order` of the message that they are of; `rows`: internal frame of `_feedback_entries`; `found`: findings of entries."""

    version: str
    headers: dict[int, dict[str, str]]
    records: list[Record]
    rows: pl.DataFrame
    faults: list[Fault]
    found: list[pl.DataFrame]

    def header_of(self, record: Record) -> dict[str, str]:
        """The header of the message that a statement stands in."""
        return self.headers.get(record.parent.order, {}) if record.parent else {}

    @property
    def message_id(self) -> str | None:
        """Id of the first message; a file of CBI may hold several."""
        return next((header.get("message_id") for header in self.headers.values()), None)


def read_account(source: Source, of: AccountMessage) -> Feedback:
    """Read it: the statements, then whether they are coherent with their own entries."""
    read = _summable(_whole(source, of))
    statements = _statements(of, read) if not _is_fatal(read.faults) else []
    faults = [*read.faults, *(fault for statement in statements for fault in faults_of(statement))]
    if not _is_fatal(read.faults):
        faults += file_faults(of, statements)
    return _feedback(of, read, statements, faults)


def _summable(read: _Read) -> _Read:
    """The same, or a fault in place of entries that must not be summed."""
    if not beyond_a_sum(read.rows["entry_amount_minor"]):
        return read
    fault = fatal("camt-limit", "AM02", BEYOND_A_SUM, "Ask the provider to split it.").at(1, 0)
    return replace(read, records=[], rows=EntryRows.nothing(), faults=[fault], found=[])


def _is_fatal(faults: list[Fault]) -> bool:
    return any(fault.severity is Severity.FATAL for fault in faults)


def _whole(source: Source, of: AccountMessage) -> _Read:
    """The fast way where it is worth it and holds, else by the exact reader alone."""
    if len(source.data) >= WORTH_BYTES:
        try:
            return _read(source, of, fast=True)
        except Doubt:
            pass  # it has told nothing yet: the exact reader begins anew
    return _read(source, of, fast=False)


def _read(source: Source, of: AccountMessage, *, fast: bool) -> _Read:
    reader = new_reader(source, of.message)
    rows, records, headers = EntryRows(), list[Record](), dict[int, dict[str, str]]()
    try:
        for record in fast_records(source, of, reader, rows) if fast else read_records(source, reader):
            if record.shape.name == "Ntry":
                rows.add(record)
            elif record.shape.name == of.element:
                records.append(record)
            else:
                headers[record.parent.order if record.parent else 0] = record.values
        faults = reader.slips()
    except Unreadable as stop:
        if fast:
            raise Doubt("the exact reader tells where it ends") from stop
        return _Read(reader.version, headers, [], EntryRows.nothing(), [stop.fault], [])
    return _Read(reader.version, headers, records, rows.rows(), faults, rows.findings)


def _statements(of: AccountMessage, read: _Read) -> list[Statement]:
    narrow = read.rows.select("statement", *SUMMED)
    parts = narrow.partition_by("statement", as_dict=True, maintain_order=True)
    none = narrow.clear()
    return told_apart([
        statement_of(of, record, read.header_of(record), parts.get((record.ordinal,), none)) for record in read.records
    ])  # fmt: skip


def _feedback(of: AccountMessage, read: _Read, statements: list[Statement], faults: list[Fault]) -> Feedback:
    ids = {statement.ordinal: statement.statement_id for statement in statements}
    named = [
        part.with_columns(
            batch_id=pl.col("batch").replace_strict(ids, default=None, return_dtype=pl.String),
            field=pl.lit(f"{of.element}/") + pl.col("field"),
        )
        for part in read.found
    ]
    findings = checked(
        pl.concat([findings_frame(faults), *named]).sort("line", nulls_last=True, maintain_order=True), FINDINGS
    )
    fatal = findings["severity"].is_in([Severity.FATAL.value]).any()
    told = [] if fatal else [statement for statement in statements if not statement.says_nothing]
    return Feedback(
        of.message.name, read.version, read.message_id, empty(STATUSES),
        _frame([statement.row() for statement in told], STATEMENTS),
        empty(ENTRIES) if fatal else _entries_frame(of, statements, read.rows), findings,
        _frame([row for statement in told for row in statement.balances()], BALANCES),
    )  # fmt: skip


def _frame(rows: list[dict[str, object]], schema: pa.DataFrameSchema) -> pl.DataFrame:
    return conform(pl.DataFrame(rows, schema=dtypes(schema)), schema)


def _entries_frame(of: AccountMessage, statements: list[Statement], rows: pl.DataFrame) -> pl.DataFrame:
    """ENTRIES of the rows, in file order, with what their statements know: account, id and so the other side."""
    ordinals = [statement.ordinal for statement in statements]
    placed = rows.with_columns(
        pl.col("statement")
        .replace_strict(ordinals, [getattr(item, name) for item in statements], default=None, return_dtype=pl.String)
        .alias(name)
        for name in ("statement_id", "account")
    )
    told = placed.with_columns(
        _entry_ids(placed.select("account", "statement_id", "position", "detail")), *_other_side(), origin=pl.lit(of.origin),
        booked=pl.col("booked") & pl.lit(of.final),
    )  # fmt: skip
    return conform(told.select(name for name in ENTRY_COLUMNS if name in told.columns), ENTRIES)


def _entry_ids(places: pl.DataFrame) -> pl.Series:
    """`make_id` of where each row stands."""
    ids = places.select(entry_id=ids_of("E", *map(pl.col, places.columns))).to_series()
    if not ids.null_count():
        return ids
    # A statement's id that is longer than any may be; it was told.
    return pl.Series("entry_id", [make_id("E", *map(str, place)) for place in places.iter_rows()], dtype=pl.String)


_PARTS: Final = ("name", "account", "agent")


def _other_side() -> list[pl.Expr]:
    """The counterparty: the debtor of what comes in, the creditor of what goes out.

    A return or reversal keeps the parties of the original payment: where that side is the account itself, or is not
    named, the other one is the counterparty.
    """
    accounts = {side: pl.col(f"{side}_account").str.replace_all(r"\s", "") for side in ("debtor", "creditor")}
    ours = {side: (account == pl.col("account")).fill_null(value=False) for side, account in accounts.items()}
    silent = {
        side: accounts[side].is_null() & pl.col(f"{side}_name").is_null() for side in ("debtor", "creditor")
    }  # fmt: skip
    incoming = pl.col("credit_debit") == CreditDebit.CRDT
    debtor = (incoming & ~ours["debtor"] & ~silent["debtor"]) | (~incoming & (ours["creditor"] | silent["creditor"]))
    sides = {part: tuple(pl.col(f"{side}_{part}") for side in ("debtor", "creditor")) for part in _PARTS}
    sides["account"] = (accounts["debtor"], accounts["creditor"])
    return [
        pl.when(debtor).then(of_debtor).otherwise(of_creditor).alias(f"counterparty_{part}")
        for part, (of_debtor, of_creditor) in sides.items()
    ]
