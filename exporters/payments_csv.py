"""Payments as a table for a provider (CSV), by the mapping of its profile.

Source: RFC 4180 for quotes and line ends. docs/exports/csv.md explains the mapping and what is refused.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Model, Order, Said, Source
from canonical.errors import FrameBroken
from canonical.limits import WINDOW_BYTES
from canonical.money import amount_minor, format_minor
from canonical.tally import summary_of, written_as
from exporters._fit import misfits, refuse
from exporters._table_options import Options, strftime
from exporters._table_rows import limits, rows

_RULE: Final = "csv-fit"
_COPY_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class PaymentsCsv:
    """The provider export."""

    name: str = "csv"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = False
    suffix: str = ".csv"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002 - the protocol's
        """The payment's id."""
        return payment_id

    def unfit(self, payments: pl.DataFrame, options: Options) -> pl.DataFrame:
        """FINDINGS of payments that no row can carry whole. `write` refuses them: keep them off the rail."""
        return misfits(payments, limits(options), _RULE)

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are; the apostrophe that guards a formula is taken off when they are read back."""
        return Said()

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same payments give the same bytes, however they are cut into windows.

        Raises:
            FrameBroken: a payment that `unfit` names, no payment at all, or several execution dates or currencies where a
                line around the payments tells of one.
        """
        options, summary, days = Options.model_validate(order.provider.export.options), ExportSummary(), set[dt.date]()
        with tempfile.SpooledTemporaryFile(max_size=WINDOW_BYTES) as body:
            for window in windows:
                payments = window.with_columns(pl.col("execution_date").fill_null(order.business_date))
                refuse(misfits(payments, limits(options), _RULE), "rows", order.submission_id)
                days |= set(payments["execution_date"].unique())
                text = rows(payments, order, options).str.join("").item() if payments.height else ""
                body.write(text.encode(_bare(options.encoding)))
                summary = summary.plus(written_as(payments))
            if not summary.payments:
                raise FrameBroken("a table has no payments", submission_id=order.submission_id)
            figures = _figures(order, options, summary, days)
            heading = [tuple(column.name for column in options.columns)] if options.header else []
            above = [tuple(cell.format_map(figures) for cell in line) for line in options.first]
            out.write(_lines([*above, *heading], options).encode(options.encoding))
            body.seek(0)
            shutil.copyfileobj(body, out, _COPY_BYTES)
        below = [tuple(cell.format_map(figures) for cell in line) for line in options.last]
        out.write(_lines(below, options).encode(_bare(options.encoding)))
        return summary

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest the rows, with Python's own reader of CSV.

        Raises:
            FrameBroken: a row with another number of cells, an amount that cannot be read, or a last line that differs.
        """
        options = Options.model_validate(order.provider.export.options)
        text = io.StringIO(bytes(source.data).decode(options.encoding), newline="")
        found = list(csv.reader(text, delimiter=options.delimiter, strict=True))
        first, last = len(options.first) + options.header, len(found) - len(options.last)
        width = len(options.columns)
        body = found[first:last]
        if any(len(row) != width for row in body):
            raise FrameBroken(f"{source.name}: a row has not {width} cells")
        summary = _summary(source.name, body, options, order)
        figures = {**_ANY, **_totals(summary, options)}
        for cells, line in zip(options.last, found[last:], strict=True):
            told = [
                (cell.format_map(figures), said) for cell, said in zip(cells, line, strict=True) if _TOTAL.search(cell)
            ]
            if any(ours != said for ours, said in told):
                raise FrameBroken(f"{source.name}: a last line differs from the rows: {line}")
        return summary


_TOTAL: Final = re.compile(r"\{(count|sum|sum_minor)\}")
_ANY: Final = dict.fromkeys(("execution_date", "created_date", "submission_id", "own_account", "file_number"), "")


def _bare(encoding: str) -> str:
    """The encoding of what follows a byte order mark."""
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _lines(lines: list[tuple[str, ...]], options: Options) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=options.delimiter, lineterminator=options.eol, quoting=csv.QUOTE_MINIMAL)
    if options.quotes == "always":
        writer = csv.writer(out, delimiter=options.delimiter, lineterminator=options.eol, quoting=csv.QUOTE_ALL)
    writer.writerows(lines)
    return out.getvalue()


def _figures(order: Order, options: Options, summary: ExportSummary, days: set[dt.date]) -> dict[str, str]:
    """What lines around the payments may tell."""
    cells = " ".join(cell for line in (*options.first, *options.last) for cell in line)
    if ("{sum" in cells and len(summary.sums_minor) != 1) or ("{execution_date}" in cells and len(days) != 1):
        raise FrameBroken(
            "a line tells one sum or date, and the payments have several", submission_id=order.submission_id
        )
    form = strftime(options.date)
    return {
        **_totals(summary, options),
        "execution_date": format(min(days), form), "created_date": format(order.created, form),
        "submission_id": order.submission_id, "own_account": order.account.account, "file_number": str(order.file_sequence + 1),
    }  # fmt: skip


def _totals(summary: ExportSummary, options: Options) -> dict[str, str]:
    """Number and sum; the latter where there is one currency."""
    ((currency, minor),) = list(summary.sums_minor.items())[:1] or [("", 0)]
    text = format_minor(minor, currency).replace(".", options.decimal)
    return {"count": str(summary.payments), "sum": text, "sum_minor": str(minor)}


def _summary(name: str, body: list[list[str]], options: Options, order: Order) -> ExportSummary:
    columns = {column.value: place for place, column in enumerate(options.columns) if column.value}
    read = {value: [row[place] for row in body] for value, place in columns.items() if value in _READ}
    frame = pl.DataFrame(read, schema=dict.fromkeys(read, pl.String)).rename({"counterparty_account": "account"})
    if "currency" not in frame.columns or options.columns[columns["currency"]].values:
        frame = frame.with_columns(pl.lit(order.account.currency).alias("currency"))
    if options.formulas == "apostrophe":
        frame = frame.with_columns(pl.col("account", "reference").str.replace("^'", ""))
    if "amount_minor" in columns:
        minor = pl.col("amount_minor").cast(pl.Int64, strict=False)
    else:
        minor = amount_minor(pl.col("amount").str.replace(options.decimal, ".", literal=True), pl.col("currency"))
    frame = frame.with_columns(minor.alias("amount_minor"))
    if frame["amount_minor"].null_count() or (frame["reference"] == "").any():
        raise FrameBroken(f"{name}: a row has no amount or reference that can be read")
    return summary_of(frame)


_READ: Final = frozenset({"reference", "counterparty_account", "amount", "amount_minor", "currency"})
EXPORT: Final = PaymentsCsv()
