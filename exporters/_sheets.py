"""One formatted worksheet: title, frozen heads, filter, real numbers and dates, totals by currency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.format import Format  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell  # type: ignore[import-untyped]  # ships no types
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
_TEXT: Final = "@"
_DATE: Final = "yyyy-mm-dd"
_HEAD_POINTS: Final = 30
_A4: Final = 9
_MONEY: Final = frozenset({"money", "balance"})
_NUMBERS: Final = _MONEY | {"count", "number"}
_HEADINGS: Final = {"credit_debit": "Direction"}


@dataclass(slots=True)
class Formats:
    """Cell formats of one workbook, made once each. `indent`: of text, where it stands beside numbers."""

    book: Workbook
    indent: int = 0
    made: dict[tuple[str, bool, str], Format] = field(default_factory=dict)

    def of(self, code: str, *, total: bool = False, fill: str = "") -> Format:
        """Format of a number format code; of a total row: bold under a line. `fill`: colour of a marked cell, framed."""
        key = (code, total, fill)
        if key not in self.made:
            properties: dict[str, Any] = {
                "num_format": code,
                "font_size": 10,
                "valign": "top",
                "text_wrap": code == _TEXT,
            }
            if code == _TEXT and self.indent:
                properties |= {"align": "left", "indent": self.indent}
            if total:
                properties |= {"bold": True, "top": 1}
            if fill:
                # The frame tells where a print has no colour.
                properties |= {"bg_color": fill, "border": 2}
            self.made[key] = self.book.add_format(properties)
        return self.made[key]

    def head(self, kind: str) -> Format:
        """Format of a column's head: above numbers to the right, as they are."""
        key = (f"head {kind in _NUMBERS}", False, "")
        if key not in self.made:
            place = {"align": "right"} if kind in _NUMBERS else {"align": "left", "indent": 1}
            properties = {"bold": True, "bg_color": "#DCE6F1", "bottom": 1, "text_wrap": True, "valign": "top"}
            self.made[key] = self.book.add_format({**properties, **place})
        return self.made[key]

    def money(self, currency: str | None, *, total: bool = False, fill: str = "") -> Format:
        """Thousands separated, as many decimals as the currency has, negative amounts red."""
        digits = _digits(currency)
        shown = "#,##0" + ("." + "0" * digits if digits else "")
        return self.of(f"{shown};[Red]-{shown}", total=total, fill=fill)


def write_cell(
    sheet: Worksheet, formats: Formats, place: tuple[int, int], value: Any, kind: str, *, currency: str | None = None,
    fill: str = "",
) -> None:  # fmt: skip
    """Write one value as its kind says: real numbers and dates; text as text, so that no cell runs. Money in minor units."""
    row, column = place
    if value is None:
        sheet.write_blank(row, column, None, formats.of("General", fill=fill))
    elif kind in _MONEY and abs(value) >= EXACT_MINOR_MAX:
        sheet.write_string(row, column, format_minor(value, currency or ""), formats.of(_TEXT, fill=fill))
    elif kind in _MONEY:
        # The nearest double of an amount of at most 15 digits shows as that amount; nothing is computed with it here.
        sheet.write_number(row, column, value / 10 ** _digits(currency), formats.money(currency, fill=fill))
    elif kind in _NUMBERS:
        sheet.write_number(row, column, value, formats.of("#,##0", fill=fill))
    elif kind == "date":
        sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), formats.of(_DATE, fill=fill))
    else:
        sheet.write_string(row, column, str(value)[:_CELL_CHARS_MAX], formats.of(_TEXT, fill=fill))


@dataclass(frozen=True, slots=True)
class SheetWriter:
    """Writes `frame`, a run of the table's rows, top to bottom (XlsxWriter's constant memory wants that order)."""

    sheet: Worksheet
    table: Sheet
    frame: pl.DataFrame
    formats: Formats

    def write(self) -> None:
        """The whole worksheet."""
        sheet, columns = self.sheet, self.frame.columns
        title = self.formats.book.add_format({"bold": True, "font_size": 14})
        for number, name in enumerate(columns):
            sheet.set_column(number, number, self._width(name))
        sheet.write_string(0, 0, self.table.title or self.table.name, title)
        sheet.set_row(HEAD_ROW, _HEAD_POINTS)
        for number, name in enumerate(columns):
            sheet.write_string(HEAD_ROW, number, heading(name), self.formats.head(self._kind(name)))
        for row, values in enumerate(self.frame.iter_rows(named=True), FIRST_ROW):
            for number, name in enumerate(columns):
                place, kind = (row, number), self._kind(name)
                write_cell(sheet, self.formats, place, values[name], kind, currency=values.get("currency"))
        if self.frame.height:
            sheet.autofilter(HEAD_ROW, 0, FIRST_ROW + self.frame.height - 1, len(columns) - 1)
            self._totals()
        sheet.freeze_panes(FIRST_ROW, 0)
        sheet.repeat_rows(HEAD_ROW)
        sheet.set_footer("&L&A&RPage &P of &N")
        print_on_a4(sheet)

    def _totals(self) -> None:
        """One row a currency, an empty row below the table: money and counts, as formulas with their values."""
        added = [name for name in self.frame.columns if self._kind(name) in {"money", "count"}]
        if "currency" not in self.frame.columns or not added:
            return
        sums = self.frame.group_by("currency").agg(pl.col(added).sum()).drop_nulls("currency").sort("currency")
        for row, total in enumerate(sums.iter_rows(named=True), FIRST_ROW + self.frame.height + 1):
            for number, name in enumerate(self.frame.columns):
                if name in added:
                    self._total(row, number, total[name], total["currency"])
                else:
                    words = {"currency": total["currency"]}.get(name, "Total" if number == 0 else "")
                    self.sheet.write_string(row, number, words, self.formats.of(_TEXT, total=True))

    def _total(self, row: int, column: int, value: int, currency: str) -> None:
        money = self._kind(self.frame.columns[column]) == "money"
        if abs(value) >= EXACT_MINOR_MAX:
            exact = format_minor(value, currency) if money else str(value)
            self.sheet.write_string(row, column, exact, self.formats.of(_TEXT, total=True))
            return
        key, last = self.frame.columns.index("currency"), FIRST_ROW + self.frame.height - 1
        digits = _digits(currency) if money else 0
        cell = self.formats.money(currency, total=True) if money else self.formats.of("#,##0", total=True)
        # The criterion is the row's own currency cell: a client's text never stands in a formula.
        criterion = xl_rowcol_to_cell(row, key, col_abs=True)
        summed, keyed = xl_range_abs(FIRST_ROW, column, last, column), xl_range_abs(FIRST_ROW, key, last, key)
        formula = f"=ROUND(SUMIFS({summed},{keyed},{criterion}),{digits})"
        self.sheet.write_formula(row, column, formula, cell, value / 10**digits)

    def _kind(self, name: str) -> str:
        return self.table.kinds.get(name, "text")

    def _width(self, name: str) -> int:
        """Characters of the longest of the head's words and the first values, within bounds."""
        shown = self.frame.head(_WIDTH_ROWS_MAX)
        longest = shown.select(pl.col(name).cast(pl.String).str.len_chars().max()).item() or 0
        if self._kind(name) in _NUMBERS:
            longest += longest // 3 + 3  # separators, decimal point and sign; a total may be wider still
        head = max(len(word) for word in heading(name).split() or [""]) + _ARROW_CHARS
        return min(max(longest + 1, head, _WIDTH_CHARS_MIN), _WIDTH_CHARS_MAX)


def heading(name: str) -> str:
    """Column name as a head: value_date → Value date."""
    words = name.replace("_minor", "").replace("_", " ").strip()
    return _HEADINGS.get(name) or words[:1].upper() + words[1:]


def print_on_a4(sheet: Worksheet) -> None:
    """Landscape, as wide as the page."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)


def _digits(currency: str | None) -> int:
    digits = exponent(currency or "")
    return 2 if digits is None else digits
