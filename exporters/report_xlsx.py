"""report-xlsx: a report as a formatted workbook: a cover with its facts, then a worksheet for each table.

Office Open XML (ECMA-376) written by XlsxWriter. Amounts, counts and dates are real ones with the currency's decimals; text
is always text, so that no cell runs; the same report gives the same bytes (the creation date is the report's day).
"""

from __future__ import annotations

import datetime as dt
import io
import re
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Report, SignOff
from exporters._sheet_charts import write_charts
from exporters._sheet_rows import write_workbook
from exporters._sheets import Formats, SheetWriter, print_on_a4

SHEET_ROWS_MAX: Final = 1_000_000
"""Rows of one worksheet (the format ends at 1,048,576); a longer table goes on in a second one."""
_NAME_CHARS_MAX: Final = 31
_OPTIONS: Final = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportXlsx:
    """ReportExport: one workbook."""

    name: ClassVar[str] = "report-xlsx"
    kind: ClassVar[Literal["report"]] = "report"
    suffix: ClassVar[str] = ".xlsx"

    def write(self, report: Report, out: BinaryIO) -> None:
        """Write the workbook; `out` needs no seek."""
        parts = [
            (name, sheet, sheet.frame.slice(number * SHEET_ROWS_MAX, SHEET_ROWS_MAX))
            for sheet in report.sheets
            for number, name in enumerate(_names(sheet.name, sheet.frame.height))
        ]
        skeleton = io.BytesIO()
        rows = {}
        with Workbook(skeleton, _OPTIONS) as book:
            created = dt.datetime.combine(report.day, dt.time())
            book.set_properties({"title": report.title, "subject": report.scope, "created": created})
            formats = Formats(book, indent=1)
            _cover(book, report, [(name, sheet.title, frame.height) for name, sheet, frame in parts])
            write_charts(book, formats, report.charts)
            for name, sheet, frame in parts:
                worksheet = book.add_worksheet(name)
                written = SheetWriter(worksheet, sheet, frame, formats).write()
                if frame.height:
                    rows[f"xl/worksheets/sheet{len(book.worksheets())}.xml"] = written
        write_workbook(skeleton.getvalue(), rows, out)


def _names(name: str, rows: int) -> list[str]:
    """Worksheet names of one table: 31 characters, none that Excel forbids."""
    clean = re.sub(r"[\[\]:*?/\\]", "-", name).strip("'")
    count = max(1, -(-rows // SHEET_ROWS_MAX))
    suffixes = ["", *(f" ({number})" for number in range(2, count + 1))]
    return [clean[: _NAME_CHARS_MAX - len(suffix)] + suffix for suffix in suffixes]


def _signed(sign_off: SignOff | None) -> list[tuple[str, str]]:
    if sign_off is None:
        return []
    prepared = " ".join(filter(None, (sign_off.prepared_by, sign_off.prepared_at)))
    reviewed = " ".join(filter(None, (sign_off.reviewed_by, sign_off.reviewed_at)))
    return [("State", sign_off.state), ("Prepared by", prepared or "not yet"), ("Reviewed by", reviewed or "not yet")]


def _cover(book: Workbook, report: Report, tables: list[tuple[str, str, int]]) -> None:
    """Title, scope, day, the facts, and what the workbook holds."""
    sheet = book.add_worksheet("Report")
    bold = book.add_format({"bold": True, "valign": "top"})
    plain = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "#,##0", "align": "left"})
    link = book.add_format({"font_color": "#1F4E79", "underline": 1})
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, 2, 12)
    sheet.write_string(0, 0, report.title, book.add_format({"bold": True, "font_size": 16}))
    facts = [
        ("Day", report.day.isoformat()), ("Scope", report.scope), *_signed(report.sign_off), *report.facts,
        *((f"SHA-256 of {name}", digest) for name, digest in report.inputs),
    ]  # fmt: skip
    for row, (label, value) in enumerate(facts, 2):
        sheet.write_string(row, 0, label, bold)
        sheet.write_string(row, 1, value, plain)
    start = len(facts) + 3
    for column, head in enumerate(("Table", "Holds", "Rows")):
        sheet.write_string(start, column, head, bold)
    for row, (name, title, rows) in enumerate(tables, start + 1):
        sheet.write_url(row, 0, f"internal:'{name.replace(chr(39), chr(39) * 2)}'!A1", link, name)
        sheet.write_string(row, 1, title, plain)
        sheet.write_number(row, 2, rows, number)
    print_on_a4(sheet)


EXPORT: Final = ReportXlsx()
