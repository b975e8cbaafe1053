"""What the command line prints: tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.table import Table

from canonical.codes import Severity
from canonical.counts import count_of
from canonical.money import format_minor

if TYPE_CHECKING:
    from gateway.books.status import Status
    from gateway.intake.check import Checked
    from gateway.intake.receive import Received

_COLOURS = {
    "accepted": "green", "partial": "yellow", "rejected": "red", "unreadable": "red", "fatal": "red", "error": "red",
    "warning": "yellow", "request": "yellow",
}  # fmt: skip
_SHOWN_MAX = 200


def console() -> Console:
    """Standard output, wide enough for a findings table also where it is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def sums_in_words(sums: Mapping[str, int]) -> str:
    """{"EUR": 12345} → "123.45 EUR"."""
    return ", ".join(f"{format_minor(minor, currency)} {currency}" for currency, minor in sums.items()) or "none"


def print_checked(found: Checked) -> None:
    """The verdict in one line, then every finding."""
    from gateway.intake.check import NOT_CHECKED

    out = console()
    colour = _COLOURS[found.verdict]
    told = (
        "asks to cancel; what it names is looked for when it is received"
        if found.verdict == "request"
        else f"{found.accepted} of {count_of(found.payments, 'payment')} accepted · control sum {sums_in_words(found.control_sums)}"
    )
    out.print(f"[bold]{found.file}[/]: [{colour}]{found.verdict}[/] · {found.header.version} · {told}", highlight=False)
    if found.findings.height:
        out.print(findings_table(found.findings, found.places))
    if found.findings.height > _SHOWN_MAX:
        out.print(f"… and {found.findings.height - _SHOWN_MAX} more; --output csv lists all of them")
    out.print("Not checked here: " + "; ".join(NOT_CHECKED), style="dim", highlight=False)


def findings_table(findings: pl.DataFrame, places: tuple[str, str]) -> Table:
    """Findings as a table: where, what, what to do. `places`: what `row` and `line` are called."""
    table = Table(show_lines=True)
    row_called, line_called = (name.lower() for name in places)
    for heading in (line_called, row_called, "payment/batch", "rule", "field", "value", "what is wrong", "what to do"):
        table.add_column(heading, overflow="fold")
    # Why nothing can be read comes before what could not be checked for that.
    first = findings.sort(pl.col("severity") != Severity.FATAL.value, maintain_order=True).head(_SHOWN_MAX)
    for row in first.iter_rows(named=True):
        table.add_row(
            _text(row["line"]), _text(row["row"]), _text(row["end_to_end_id"] or row["batch_id"]),
            f"[{_COLOURS[row['severity']]}]{row['severity']}[/]\n{row['rule']} {row['reason']}",
            _text(row["field"]), _text(row["value"]), _text(row["message"]), _text(row["remedy"]),
        )  # fmt: skip
    return table


def print_received(found: list[Received]) -> None:
    """What became of each object of the inboxes."""
    out = console()
    if not found:
        out.print("Nothing new in any inbox.")
        return
    table = Table("client", "file", "outcome", "file id", "note")
    for item in found:
        table.add_row(item.client_id, _text(item.name), item.outcome, item.file_id or "", _text(item.note))
    out.print(table)


def print_status(found: Status) -> None:
    """A file: where it stands, its payments by state, its submissions, its equation."""
    out = console()
    file = found.file
    out.print(
        f"[bold]{_text(file['name'])}[/] of {file['client_id']} · {file['file_id']} · {file['format'] or '?'} · "
        f"state [bold]{file['state']}[/] · received {file['received_at'][:19]}",
        highlight=False,
    )
    if found.payment is not None:
        out.print(payment_table(found.payment))
        for way, word in found.ways:
            out.print(f"  {way}: {word}", highlight=False)
    if not found.outcomes.is_empty():
        out.print(outcomes_table(found.what_became()))
    if not found.payments.is_empty() or found.outcomes.is_empty():
        out.print(states_table(found.payments, "payments by state"))
    if not found.waits.is_empty():
        out.print(waits_table(found.why_it_waits()))
    if found.submissions:
        table = Table("submission", "to", "name", "payments", "state", "attempt", "detail", title="submissions")
        for row in found.submissions:
            table.add_row(
                row["submission_id"], row["destination"], _text(row["name"]), str(row["payments"]), row["state"],
                str(row["attempt"]), _text(row["waits"] or row["detail"]),
            )  # fmt: skip
        out.print(table)
    if not found.equation.is_empty() or found.outcomes.is_empty():
        out.print(equation_table(found.equation, "conservation"))


def outcomes_table(became: pl.DataFrame) -> Table:
    """What became of what a request to cancel asks for."""
    table = Table("status", "reason", "requests", "what became of them", title="asked to be cancelled")
    for status, reason, message, count in became.iter_rows():
        table.add_row(status, reason or "", str(count), _text(message))
    return table


def payment_table(payment: Mapping[str, Any]) -> Table:
    """One payment, field by field."""
    table = Table("field", "value", title="payment")
    for name, value in payment.items():
        table.add_row(name, _text(value))
    return table


def states_table(states: pl.DataFrame, title: str) -> Table:
    """Count and sum by state, currency and direction."""
    table = Table("state", "currency", "direction", "payments", "sum", title=title)
    grouped = states.group_by("state", "currency", "credit_debit").agg(pl.len(), pl.sum("amount_minor"))
    for state, currency, direction, count, minor in grouped.sort("currency", "credit_debit", "state").iter_rows():
        table.add_row(state, currency or "?", direction, str(count), format_minor(minor, currency) if currency else "?")
    return table


def waits_table(waits: pl.DataFrame) -> Table:
    """Why payments wait."""
    table = Table("why they wait", "payments", "sum")
    for why, currency, count, minor in waits.iter_rows():
        table.add_row(_text(why), str(count), f"{format_minor(minor, currency)} {currency}" if currency else "?")
    return table


def explained_table(groups: list[dict[str, Any]]) -> Table:
    """Why each rail took or lost payments (`gateway.planning.explain.explain_file`)."""
    table = Table("plan", "payments", "sum", "rails", "told", show_lines=True)
    for group in groups:
        total = f"{format_minor(group['sum_minor'], group['currency'])} {group['currency']}"
        ways = "\n".join(f"{way}: {word}" for way, word in group["ways"])
        table.add_row(
            str(group["plan"] or "none yet"), str(group["payments"]), total, _text(ways), _text(group["note"])
        )
    return table


def rehearsal_table(moved: pl.DataFrame) -> Table:
    """Where payments would go (`gateway.planning.explain.rehearse`)."""
    table = Table("was", "would be", "payments", "sum")
    for was, would_be, currency, count, minor in moved.iter_rows():
        style = None if was == would_be else "bold yellow"
        table.add_row(
            _text(was), _text(would_be), str(count), f"{format_minor(minor, currency)} {currency}", style=style
        )
    return table


def equation_table(equation: pl.DataFrame, title: str) -> Table:
    """The conservation equations (a `tie_out` frame) as sums that a reader can check by hand, one block a group."""
    table = Table("of", "equation", "ties", title=title, show_lines=True)
    for row in equation.iter_rows(named=True):
        is_sum = row["measure"] == "sum"

        def term(name: str, row: dict[str, Any] = row, is_sum: bool = is_sum) -> str:
            return format_minor(row[name], row["currency"]) if is_sum and row["currency"] else str(row[name])

        intake = f"{term('parsed')} parsed = {term('rejected')} rejected + {term('cancelled')} cancelled"
        intake += f" + {term('waiting')} waiting + {term('submitted')} submitted"
        open_items = f"{term('opening')} open before + {term('newly_submitted')} submitted"
        open_items += f" = {term('newly_settled')} settled + {term('newly_refused')} refused by the provider"
        open_items += f" + {term('closing')} outstanding"
        back = f"{term('newly_settled')} settled = {term('settled_still')} settled still + {term('newly_returned')} returned"
        lines = (intake, open_items, back)
        of = f"{row['currency'] or '?'} {row['credit_debit']}\n{'amount' if is_sum else 'payments'}"
        table.add_row(of, "\n".join(lines), "[green]yes[/]" if row["tied"] else "[red]NO[/]")
    return table


def _text(value: object) -> str:
    from rich.markup import escape

    return "" if value is None else escape(str(value))
