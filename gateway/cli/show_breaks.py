"""What `bulkrail breaks` prints: tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from rich.markup import escape
from rich.table import Table

from canonical.counts import count_of
from canonical.money import format_minor
from gateway.cli.show import console

if TYPE_CHECKING:
    from gateway.breaks.breaks import Looked
    from gateway.breaks.loading import Imported

_SHOWN_MAX: Final = 200


def print_breaks(found: Looked, breaks: pl.DataFrame) -> None:
    """One row a break, then what the look changed."""
    table = Table(show_lines=True)
    for heading in ("break", "kind", "amount", "days", "state", "owner", "what it is", "comment"):
        table.add_column(heading, overflow="fold", justify="right" if heading in {"amount", "days"} else "left")
    for row in breaks.head(_SHOWN_MAX).iter_rows(named=True):
        table.add_row(
            row["break_id"], row["kind"], _money(row), str(row["age_days"]), _state(row), escape(row["owner"] or ""),
            escape(row["note"]), escape(row["comment"] or ""),
        )  # fmt: skip
    out = console()
    out.print(table if breaks.height else "no breaks")
    if breaks.height > _SHOWN_MAX:
        out.print(f"… and {breaks.height - _SHOWN_MAX} more; --output csv lists all of them")
    out.print(
        f"{breaks.height} listed of {found.breaks.height}; since the last look {found.found} new, {found.returned} back, "
        f"{found.changed} changed, {found.cleared} gone",
        style="dim",
        highlight=False,
    )


def print_break(
    item: Mapping[str, Any], events: Sequence[Mapping[str, Any]], suggested: Sequence[Mapping[str, Any]]
) -> None:
    """What it is, what may answer to it, and its events."""
    out = console()
    out.print(
        f"[bold]{item['break_id']}[/] {item['kind']} · {_money(item)} {item['credit_debit']} · since {item['since']} · "
        f"{_state(item)} · {escape(item['owner'] or 'no owner')} · revision {item['revision']}",
        highlight=False,
    )
    out.print(
        f"{item['side']} side, {item['account'] or item['provider_id'] or '-'}, {item['subject']}", highlight=False
    )
    out.print(escape(item["note"]), highlight=False)
    if not item["standing"]:
        out.print("its cause is gone", style="green")
    for row in suggested:
        out.print(f"may be {row['answer']} ({row['score']} of 100): {escape(row['reasons'])}", highlight=False)
    table = Table()
    for heading in ("revision", "when (UTC)", "who", "did", "state", "owner", "why"):
        table.add_column(heading, overflow="fold")
    for event in events:
        table.add_row(
            str(event["revision"]), event["happened_at"][:16].replace("T", " "), escape(event["happened_by"]),
            event["action"].replace("_", " "), event["state"], escape(event["owner"] or ""), escape(event["reason"]),
        )  # fmt: skip
    out.print(table)


def _money(row: Mapping[str, Any]) -> str:
    return f"{format_minor(row['amount_minor'], row['currency'])} {row['currency']}"


def _state(row: Mapping[str, Any]) -> str:
    asked = f", write-off asked by {escape(row['asked_by'])}" if row["asked_by"] else ""
    return f"{row['state'].replace('_', ' ')}{asked}"


def print_imported(found: Imported) -> None:
    """What an import did, and every fault with its cell."""
    out = console()
    if found.faults:
        table = Table(show_lines=True)
        for heading in ("sheet", "row", "column", "value", "what is wrong", "what to do"):
            table.add_column(heading, overflow="fold")
        for fault in found.faults[:_SHOWN_MAX]:
            place = str(fault.row or "")
            table.add_row(
                fault.sheet, place, fault.column, escape(fault.value), escape(fault.message), escape(fault.remedy)
            )
        out.print(table)
    if len(found.faults) > _SHOWN_MAX:
        out.print(f"… and {len(found.faults) - _SHOWN_MAX} more")
    out.print(
        f"{count_of(found.applied, 'row')} done, {found.unchanged} unchanged, {found.repeated} done before, {count_of(len(found.faults), 'fault')}",
        highlight=False,
    )
