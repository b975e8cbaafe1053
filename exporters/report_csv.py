"""report-csv: the first table of a report as one plain CSV file, for machines and for a quick look.

RFC 4180: comma, quotes where needed, CRLF, one header line; UTF-8 with a byte order mark, without which Excel reads
umlauts wrong. Money is exact decimal text in the row's currency ("1234.50", "500" for JPY; "1234 minor units" of one that ISO 4217 does not know), dates are ISO 8601. No cell
of text can be run by a spreadsheet. The other tables of the report are in the XLSX and in the lake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.cells import harmless
from canonical.contracts import Report, Sheet
from exporters._report_tables import MONEY, currency_of, kind_of, money_told


@dataclass(frozen=True, slots=True)
class ReportCsv:
    """ReportExport: one CSV, columns named as in the report's first table, after `report`, `day` and `scope`."""

    name: ClassVar[str] = "report-csv"
    kind: ClassVar[Literal["report"]] = "report"
    suffix: ClassVar[str] = ".csv"

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write the rows of the first sheet. A report without rows is its header line."""
        sheet = report.sheets[0]
        head = {"report": pl.lit(report.name), "day": pl.lit(report.day), "scope": harmless(pl.lit(report.scope))}
        own = [expr.alias(name) for name, expr in head.items() if name not in sheet.frame.columns]
        rows = sheet.frame.select(*own, *(_cell(sheet, name) for name in sheet.frame.columns))
        rows.write_csv(out, include_bom=True, line_terminator="\r\n", date_format="%Y-%m-%d", quote_style="necessary")


def _cell(sheet: Sheet, name: str) -> pl.Expr:
    column = pl.col(name)
    kind = kind_of(sheet, name)
    if kind in MONEY:
        return money_told(column, currency_of(sheet.frame)).alias(name)
    if kind == "text" and sheet.frame.schema[name] == pl.String:
        return harmless(column).alias(name)
    return column


EXPORT: Final = ReportCsv()
