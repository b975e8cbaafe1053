"""camt.053, BankToCustomerStatement: ISO 20022 account statements from providers, every version from .01 to .14."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import CreditDebit, Severity
from canonical.contracts import Feedback, Model, Source
from canonical.frames import ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, conform, dtypes, empty
from canonical.identifiers import make_id
from canonical.profiles import NoOptions
from parsers._feedback_camt_paths import CAMT053
from parsers._feedback_entries import ENTRY_COLUMNS, EntryRows
from parsers._feedback_shapes import Record
from parsers._feedback_statements import Statement, faults_of, file_faults, statement_of
from parsers._feedback_xml import new_reader, read_records
from parsers._iso_faults import Fault, Unreadable, findings_frame


@dataclass(frozen=True, slots=True)
class Camt053:
    """The format. See docs/formats/camt.053.md."""

    name: str = CAMT053.name
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = NoOptions

    def sniff(self, head: bytes) -> bool:
        """True when the first 4 KiB declare a camt.053 namespace or hold its element."""
        return CAMT053.sniff(head)

    def read(self, source: Source, options: NoOptions) -> Feedback:  # noqa: ARG002  the contract's signature
        """STATEMENTS, ENTRIES and FINDINGS. Where a finding is FATAL the other frames are empty. Never raises for the provider."""
        reader = new_reader(source, CAMT053)
        rows, records, header = EntryRows(), list[Record](), dict[str, str]()
        try:
            for record in read_records(source, reader):
                if record.shape.name == "Ntry":
                    rows.add(record)
                elif record.shape.name == "Stmt":
                    records.append(record)
                else:
                    header = record.values
            faults = reader.slips()
        except Unreadable as stop:
            return _feedback(reader.version, header, [], pl.DataFrame(), [stop.fault], [])
        rows.flush()
        frame = pl.concat(rows.frames) if rows.frames else EntryRows.nothing()
        statements = _statements(records, header, frame)
        faults += [fault for statement in statements for fault in faults_of(statement)]
        faults += file_faults(statements)
        return _feedback(reader.version, header, statements, frame, faults, rows.findings)


def _statements(records: list[Record], header: dict[str, str], rows: pl.DataFrame) -> list[Statement]:
    if not records:
        return []
    parts = rows.partition_by("statement", as_dict=True, maintain_order=True)
    return [statement_of(record, header, parts.get((record.ordinal,), rows.clear())) for record in records]


def _feedback(
    version: str, header: dict[str, str], statements: list[Statement], rows: pl.DataFrame, faults: list[Fault],
    found: list[pl.DataFrame],
) -> Feedback:  # fmt: skip
    ids = {statement.ordinal: statement.statement_id for statement in statements}
    named = [
        part.with_columns(batch_id=pl.col("batch").replace_strict(ids, default=None, return_dtype=pl.String))
        for part in found
    ]
    findings = checked(
        pl.concat([findings_frame(faults), *named]).sort("line", nulls_last=True, maintain_order=True), FINDINGS
    )
    fatal = findings["severity"].is_in([Severity.FATAL.value]).any()
    return Feedback(
        CAMT053.name, version, header.get("message_id"), empty(STATUSES),
        empty(STATEMENTS) if fatal else _statements_frame(statements),
        empty(ENTRIES) if fatal else _entries_frame(statements, rows), findings,
    )  # fmt: skip


def _statements_frame(statements: list[Statement]) -> pl.DataFrame:
    rows = [statement.row() for statement in statements]
    return conform(pl.DataFrame(rows, schema=dtypes(STATEMENTS)), STATEMENTS)


def _entries_frame(statements: list[Statement], rows: pl.DataFrame) -> pl.DataFrame:
    """ENTRIES of the rows, in file order, with what their statements know: account, id and so the other side."""
    known = pl.DataFrame(
        {
            "statement": [statement.ordinal for statement in statements],
            "statement_id": [statement.statement_id for statement in statements],
            "account": [statement.account for statement in statements],
        },
        schema={"statement": pl.Int64, "statement_id": pl.String, "account": pl.String},
    )
    placed = rows.join(known, on="statement", how="left", maintain_order="left")
    ids = [
        make_id("E", account, statement_id, str(position), str(detail))
        for account, statement_id, position, detail in placed.select(
            "account", "statement_id", "position", "detail"
        ).iter_rows()
    ]
    told = placed.with_columns(pl.Series("entry_id", ids, dtype=pl.String), *_other_side())
    return conform(told.select(name for name in ENTRY_COLUMNS if name in told.columns), ENTRIES)


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
    return [
        pl.when(debtor).then("debtor_name").otherwise("creditor_name").alias("counterparty_name"),
        pl.when(debtor).then(accounts["debtor"]).otherwise(accounts["creditor"]).alias("counterparty_account"),
    ]


FORMAT: Final = Camt053()
