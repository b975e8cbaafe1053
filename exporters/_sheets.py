"""One formatted worksheet: title, frozen heads, filter, real numbers and dates, totals by currency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.format import Format  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.utility import xl_range_abs  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Sheet
from canonical.currencies import exponent
from canonical.money import format_minor

HEAD_ROW: Final = 2
"""Title, an empty row, the heads."""
FIRST_ROW: Final = HEAD_ROW + 1
EXACT_MINOR_MAX: Final = 10**15
"""A spreadsheet keeps 15 digits. A larger amount is written as text, so that no digit of it is made up."""
_CELL_CHARS_MAX: Final = 32_767
_WIDTH_CHARS_MIN: Final = 9
_WIDTH_CHARS_MAX: Final = 60
_WIDTH_ROWS_MAX: Final = 1_000
_ARROW_CHARS: Final = 4
_MONEY: Final = frozenset({"money", "balance"})


@dataclass(slots=True)
class Formats:
    """Cell formats of one workbook, made once each."""

    book: Workbook
    made: dict[tuple[str, bool], Format] = field(default_factory=dict)

    def of(self, code: str, *, total: bool = False) -> Format:
        """Format of a number format code; of a total row: bold under a line."""
        key = (code, total)
        if key not in self.made:
            properties: dict[str, Any] = {"num_format": code, "font_size": 10, "valign": "top"}
            self.made[key] = self.book.add_format({**properties, "bold": True, "top": 1} if total else properties)
        return self.made[key]

    def money(self, currency: str | None, *, total: bool = False) -> Format:
        """Thousands separated, as many decimals as the currency has, negative amounts red."""
        digits = _digits(currency)
        shown = "#,##0" + ("." + "0" * digits if digits else "")
        return self.of(f"{shown};[Red]-{shown}", total=total)


def write_sheet(sheet: Worksheet, table: Sheet, frame: pl.DataFrame, formats: Formats) -> None:
    """Write `frame`, a run of the table's rows, top to bottom (XlsxWriter's constant memory wants that order)."""
    columns = frame.columns
    last = FIRST_ROW + frame.height - 1
    title = formats.book.add_format({"bold": True, "font_size": 14})
    head = formats.book.add_format(
        {"bold": True, "bg_color": "#DCE6F1", "bottom": 1, "text_wrap": True, "valign": "top"}
    )
    for number, name in enumerate(columns):
        sheet.set_column(number, number, _width(table, frame, name))
    sheet.write_string(0, 0, table.title or table.name, title)
    for number, name in enumerate(columns):
        sheet.write_string(HEAD_ROW, number, heading(name), head)
    for offset, row in enumerate(frame.iter_rows(named=True)):
        for number, name in enumerate(columns):
            _write(sheet, FIRST_ROW + offset, number, row[name], _kind(table, name), row.get("currency"), formats)
    if frame.height:
        sheet.autofilter(HEAD_ROW, 0, last, len(columns) - 1)
        _totals(sheet, table, frame, formats)
    sheet.freeze_panes(FIRST_ROW, 0)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEAD_ROW)
    sheet.set_footer("&L&A&RPage &P of &N")


def heading(name: str) -> str:
    """Column name as a head: value_on → Value on."""
    words = name.replace("_minor", "").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _write(
    sheet: Worksheet, row: int, column: int, value: Any, kind: str, currency: str | None, formats: Formats
) -> None:
    if value is None:
        sheet.write_blank(row, column, None, formats.of("General"))
    elif kind in _MONEY:
        if abs(value) < EXACT_MINOR_MAX:
            # The nearest double of an amount of at most 15 digits shows as that amount; nothing is computed with it here.
            sheet.write_number(row, column, value / 10 ** _digits(currency), formats.money(currency))
        else:
            sheet.write_string(row, column, format_minor(value, currency or ""), formats.of("@"))
    elif kind in {"count", "days"}:
        sheet.write_number(row, column, value, formats.of("#,##0"))
    elif kind == "date":
        sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), formats.of("yyyy-mm-dd"))
    else:
        sheet.write_string(row, column, str(value)[:_CELL_CHARS_MAX], formats.of("@"))


def _totals(sheet: Worksheet, table: Sheet, frame: pl.DataFrame, formats: Formats) -> None:
    """One row a currency, an empty row below the table: money and counts, as formulas with their values."""
    added = [name for name in frame.columns if _kind(table, name) in {"money", "count"}]
    if "currency" not in frame.columns or not added:
        return
    key = frame.columns.index("currency")
    start, last = FIRST_ROW + frame.height + 1, FIRST_ROW + frame.height - 1
    sums = frame.group_by("currency").agg(pl.col(added).sum()).drop_nulls("currency").sort("currency")
    for row, total in enumerate(sums.iter_rows(named=True), start):
        currency = total["currency"]
        sheet.write_string(row, 0, f"Total {currency}", formats.of("@", total=True))
        if key:
            sheet.write_string(row, key, currency, formats.of("@", total=True))
        for name in added:
            number = frame.columns.index(name)
            money = _kind(table, name) == "money"
            cell = formats.money(currency, total=True) if money else formats.of("#,##0", total=True)
            if abs(total[name]) >= EXACT_MINOR_MAX:
                exact = format_minor(total[name], currency) if money else str(total[name])
                sheet.write_string(row, number, exact, formats.of("@", total=True))
                continue
            digits = _digits(currency) if money else 0
            summed = xl_range_abs(FIRST_ROW, number, last, number)
            keyed = xl_range_abs(FIRST_ROW, key, last, key)
            formula = f'=ROUND(SUMIFS({summed},{keyed},"{currency}"),{digits})'
            sheet.write_formula(row, number, formula, cell, total[name] / 10**digits)


def _kind(table: Sheet, name: str) -> str:
    return table.kinds.get(name, "text")


def _digits(currency: str | None) -> int:
    digits = exponent(currency or "")
    return 2 if digits is None else digits


def _width(table: Sheet, frame: pl.DataFrame, name: str) -> int:
    """Characters of the longest of the head's words and the first values, within bounds."""
    shown = frame.head(_WIDTH_ROWS_MAX)
    longest = shown.select(pl.col(name).cast(pl.String).str.len_chars().max()).item() or 0
    if _kind(table, name) in _MONEY | {"count", "days"}:
        longest += longest // 3 + 3  # separators, decimal point and sign; a total may be wider still
    head = max(len(word) for word in heading(name).split() or [""]) + _ARROW_CHARS
    return min(max(longest + 1, head, _WIDTH_CHARS_MIN), _WIDTH_CHARS_MAX)
