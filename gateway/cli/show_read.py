"""What `bulkrail read` prints: tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from canonical.money import format_minor
from canonical.profiles import DEFAULT_CLIENT
from gateway.cli.show import console, findings_table
from gateway.intake.reading import facts_of

if TYPE_CHECKING:
    from gateway.intake.read_file import Told

_COLOURS = {"clean": "green", "findings": "yellow", "unreadable": "red"}
_ROWS_MAX = 200


def print_told(told: Told) -> None:
    """One line of what it is, then what it holds, then every finding."""
    out, header = console(), told.header
    counts = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in told.counts.items() if count) or "nothing"
    out.print(
        f"[bold]{escape(told.file)}[/]: [{_COLOURS[told.verdict]}]{told.verdict}[/] · {told.kind} · {escape(header.version)} · "
        f"message {escape(header.message_id or 'without id')} · {counts}",
        highlight=False,
    )
    if told.sums:
        out.print(_sums(told))
    if told.statements.height:
        out.print(_statements(told))
    if told.statuses:
        out.print(_statuses(told))
    if told.findings.height:
        out.print(findings_table(told.findings, facts_of(header.format, DEFAULT_CLIENT).places))


def _sums(told: Told) -> Table:
    table = Table("currency", "of", "sum", title="sums")
    for currency, sides in told.sums.items():
        for side, minor in sides.items():
            table.add_row(escape(currency), side, format_minor(minor, currency))
    return table


def _statements(told: Told) -> Table:
    table = Table("account", "statement", "from", "to", "entries", "balances", title="statements")
    for row in told.statements.head(_ROWS_MAX).iter_rows(named=True):
        own = told.balances.filter(statement_id=row["statement_id"], account=row["account"])
        lines = [
            f"{kind} {format_minor(minor, currency)} {currency}"
            for kind, minor, currency in own.select("kind", "balance_minor", "currency").iter_rows()
        ] or [
            f"{what} {format_minor(row[name], row['currency'])} {row['currency']}"
            for what, name in (("opening", "opening_minor"), ("closing", "closing_minor")) if row[name] is not None
        ]  # fmt: skip
        table.add_row(
            escape(row["account"]), escape(row["statement_id"]), str(row["from_date"] or ""), str(row["to_date"] or ""),
            str(row["entries"]), escape("\n".join(lines)),
        )  # fmt: skip
    return table


def _statuses(told: Told) -> Table:
    table = Table("level", "kind", "status", "reason", "count", title="statuses")
    for row in told.statuses[:_ROWS_MAX]:
        table.add_row(
            row["level"], row["kind"], escape(row["status"] or ""), escape(row["reason"] or ""), str(row["count"])
        )
    return table
