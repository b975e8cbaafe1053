"""Rows of cells become payments, or findings that name the row; shared by CSV and XLSX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import CreditDebit, Level, Severity
from canonical.frames import FINDINGS, PAYMENTS, conform, empty
from canonical.identifiers import payment_id_of
from parsers._csv_amounts import Amounts, amounts_of, days_of, two_amounts
from parsers._csv_header import Cell, Layout
from parsers._csv_options import ISO_DAY, TableOptions
from parsers._csv_template import COLUMNS, DATES
from parsers._csv_values import Cells, Misfit, flags_of, misfit_findings, name_of, texts_of

_DIRECTIONS: Final = [item.value for item in CreditDebit]
_DECIDING: Final = ("amount", "credit_debit")
"""Columns without which nobody can tell what a row orders: where they do not fit, it becomes no payment."""


@dataclass(frozen=True, slots=True)
class Table:
    """A format's name, the layout of one of its files, and what was agreed."""

    format: str
    layout: Layout
    options: TableOptions
    file_id: str
    iso_days: bool = False
    """Days may also stand as ISO dates, whatever pattern was agreed for text: date cells of a sheet."""


@dataclass(frozen=True, slots=True)
class Taken:
    """PAYMENTS and FINDINGS of rows, and how many of them became no payment.

    `sums`: row, line, label and amount text of those that sum up others, where there are any.
    """

    payments: pl.DataFrame
    findings: pl.DataFrame
    unreadable: int
    sums: pl.DataFrame | None = None


def take(cells: Cells, where: pl.DataFrame, table: Table, more: Sequence[Misfit] = ()) -> Taken:
    """Payments of the cells. `where`: row, line, offset, length by row of the cells; `more`: misfits found before."""
    if where.is_empty():
        return Taken(empty(PAYMENTS), empty(FINDINGS), 0)
    texts, misfits = texts_of(cells, table.layout)
    currency = texts["currency"]
    amounts, no_amount = _amounts(cells.frame, texts, currency, table)
    flags, no_flags = flags_of(texts, table.layout)
    misfits += [*no_flags, *more]
    lost = [misfit for misfit in [no_amount, *misfits] if misfit is not None and misfit.ours in _DECIDING]
    direction, no_direction = _direction(texts, amounts, table.layout, lost)
    lost += [] if no_direction is None else [no_direction]
    columns = _columns(texts, table, flags, amounts, direction)
    payments = pl.DataFrame([*_places(where, table.file_id), *columns])
    findings = pl.concat([
        empty(FINDINGS), *(_told(misfit, where, table, "value") for misfit in misfits if misfit.ours not in _DECIDING),
        *(_told(misfit, where, table, "direction") for misfit in lost),
    ])  # fmt: skip
    if not lost:
        return Taken(conform(payments, PAYMENTS), findings, 0)
    unread = pl.concat([misfit.rows for misfit in lost]).unique().cast(pl.UInt32)
    kept = payments.with_row_index("at").filter(~pl.col("at").is_in(unread.implode())).drop("at")
    return Taken(conform(kept, PAYMENTS), findings.sort("row", maintain_order=True), unread.len())


def _amounts(
    cells: pl.DataFrame, texts: pl.DataFrame, currency: pl.Series, table: Table
) -> tuple[Amounts, Misfit | None]:
    layout, options = table.layout, table.options
    if layout.pays is None or layout.collects is None:
        return amounts_of(texts["amount"], currency, options), None
    return two_amounts(cells[name_of(layout.pays)], cells[name_of(layout.collects)], currency, options)


def _direction(
    texts: pl.DataFrame, amounts: Amounts, layout: Layout, told: Sequence[Misfit]
) -> tuple[pl.Series, Misfit | None]:
    """CRDT or DBIT of each row, and those that say neither. An empty cell of the template is a credit transfer."""
    if amounts.direction is not None:
        return amounts.direction, None
    if "credit_debit" not in texts.columns:
        return pl.Series([CreditDebit.CRDT.value]).new_from_index(0, texts.height), None
    cell = layout.cells["credit_debit"]
    said = texts["credit_debit"]
    if not cell.agreed.values:
        said = said.fill_null(CreditDebit.CRDT.value)
    lost = ~said.is_in(_DIRECTIONS).fill_null(value=False)
    rows = lost.arg_true().to_frame("at")
    for misfit in told:
        rows = rows.filter(~pl.col("at").is_in(misfit.rows.implode()))
    said = said.set(lost, CreditDebit.CRDT.value)  # of rows that become no payment
    return said, _no_direction(cell, texts["credit_debit"], rows["at"]) if rows.height else None


def _no_direction(cell: Cell, said: pl.Series, rows: pl.Series) -> Misfit:
    message = f"Column {cell.heading or 'credit_debit'} does not say whether the row pays or collects"
    known = ", ".join(cell.agreed.values or _DIRECTIONS)
    return Misfit("credit_debit", rows, said.gather(rows), message, f"Write one of: {known}.")


def _places(where: pl.DataFrame, file_id: str) -> list[pl.Series]:
    """Identity and place of each payment."""
    payment_id = payment_id_of(pl.lit(file_id), pl.col("offset"))
    return where.select(payment_id.alias("payment_id"), "row", "line", "offset", "length").get_columns()


def _columns(
    texts: pl.DataFrame, table: Table, flags: list[pl.Series], amounts: Amounts, direction: pl.Series
) -> list[pl.Series]:
    """What the cells say, under canonical names."""
    held = {flag.name for flag in flags} | {"amount", "credit_debit"}
    days = [
        _days(texts[ours], table, ours).alias(canonical) for ours, canonical in DATES.items() if ours in texts.columns
    ]
    return [
        pl.Series("batch", [1], dtype=pl.Int64).new_from_index(0, texts.height),
        direction.alias("credit_debit"),
        amounts.text.alias("amount_text"),
        amounts.minor.alias("amount_minor"),
        pl.Series("prenote", [False]).new_from_index(0, texts.height),
        *days,
        *flags,
        *(texts[ours].alias(COLUMNS[ours]) for ours in texts.columns if ours not in held),
    ]


def _days(text: pl.Series, table: Table, ours: str) -> pl.Series:
    column = table.options.columns.get(ours)
    pattern = table.options.date if column is None or column.date is None else column.date
    days = days_of(text, pattern)
    return pl.select(pl.coalesce(days, days_of(text, ISO_DAY))).to_series() if table.iso_days else days


def _told(misfit: Misfit, where: pl.DataFrame, table: Table, rule: str) -> pl.DataFrame:
    told = misfit_findings(misfit, where)
    if rule == "direction":
        told = told.with_columns(pl.col("message") + pl.lit("; the row was not read"))
    return row_findings(told, f"{table.format}-{rule}", "CH16")


def row_findings(told: pl.DataFrame, rule: str | pl.Expr, reason: str) -> pl.DataFrame:
    """FINDINGS of rows. `told`: row, line, message, remedy, and field and value where there are any."""
    name = pl.lit(rule) if isinstance(rule, str) else rule
    constants = {
        "reason": reason, "severity": Severity.ERROR.value, "level": Level.PAYMENT.value,
    }  # fmt: skip
    columns = [pl.lit(value).alias(column) for column, value in constants.items()]
    batch = pl.lit(1, dtype=pl.Int64).alias("batch")
    held = [column for column in ("row", "line", "field", "value", "message", "remedy") if column in told.columns]
    return conform(told.select(name.alias("rule"), *columns, batch, *held), FINDINGS)


def numbered(taken: Taken, batches: Mapping[str | None, int]) -> tuple[Taken, Mapping[str | None, int]]:
    """The rows with the ordinals of their batches (batches are told apart by their id), and the batches met so far."""
    met = taken.payments["batch_id"].unique(maintain_order=True).to_list()
    new = [batch_id for batch_id in met if batch_id not in batches]
    known = {**batches, **{batch_id: len(batches) + at for at, batch_id in enumerate(new, 1)}} if new else batches
    ordinals = pl.DataFrame(
        {"batch_id": met, "batch": [known[batch_id] for batch_id in met]},
        schema={"batch_id": pl.String, "batch": pl.Int64},
    )
    order = taken.payments.columns
    payments = taken.payments.drop("batch").join(
        ordinals, on="batch_id", how="left", maintain_order="left", nulls_equal=True
    ).select(order)  # fmt: skip
    # A row that was not read belongs to a batch that nobody knows.
    own = payments.select("row", "batch", "batch_id")
    findings = taken.findings.drop("batch", "batch_id").join(own, on="row", how="left", maintain_order="left")
    return Taken(payments, findings.select(taken.findings.columns), taken.unreadable), known
