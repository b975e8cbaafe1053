"""One formatted worksheet: title, frozen heads, filter, real numbers and dates, totals by currency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.format import Format  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

from canonical.contracts import Sheet
from canonical.money import MINOR_UNITS, format_minor
from exporters._report_tables import MONEY, NUMBERS, currency_told, digits_of, heading, kind_of, totals_by_currency
from exporters._sheet_rows import CELL_CHARS_MAX, EXACT_MINOR_MAX, Rows, digits_in

HEAD_ROW: Final = 2
"""Title, an empty row, the heads."""
FIRST_ROW: Final = HEAD_ROW + 1
_WIDTH_CHARS_MIN: Final = 9
_WIDTH_CHARS_MAX: Final = 60
_WIDTH_ROWS_MAX: Final = 1_000
_ARROW_CHARS: Final = 4
_RAGGED_CHARS: Final = 5
_LINES_MAX: Final = 30
"""A row is no higher than 409 points (the format's limit)."""
_TEXT: Final = "@"
_SUM: Final = '"Total "@'
_WHOLE: Final = "#,##0"
_DATE: Final = "yyyy-mm-dd"
_SHARE: Final = "0.0 %"
_HEAD_POINTS: Final = 30
_A4: Final = 9


@dataclass(slots=True)
class Formats:
    """Cell formats of one workbook, made once each. `indent`: of text and dates, where they stand beside numbers."""

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
            if code in {_TEXT, _DATE, _SUM} and self.indent:
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
        key = (f"head {kind in NUMBERS}", False, "")
        if key not in self.made:
            place = {"align": "right"} if kind in NUMBERS else {"align": "left", "indent": 1}
            properties = {"bold": True, "bg_color": "#DCE6F1", "bottom": 1, "text_wrap": True, "valign": "top"}
            self.made[key] = self.book.add_format({**properties, **place})
        return self.made[key]

    def money(self, currency: str | None, *, total: bool = False, fill: str = "") -> Format:
        """Thousands separated, as many decimals as the currency has, negative amounts red."""
        return self.money_of(digits_of(currency), total=total, fill=fill)

    def money_of(self, digits: int | None, *, total: bool = False, fill: str = "") -> Format:
        """The same by decimals; None: minor units, which is said."""
        shown = _WHOLE + ("." + "0" * digits if digits else f'"{MINOR_UNITS}"' if digits is None else "")
        nothing = ";0" if digits is None else ""
        return self.of(f"{shown};[Red]-{shown}{nothing}", total=total, fill=fill)


def write_cell(
    sheet: Worksheet, formats: Formats, place: tuple[int, int], value: Any, kind: str, *, currency: str | None = None,
    fill: str = "",
) -> None:  # fmt: skip
    """Write one value as its kind says: real numbers and dates; text as text, so that no cell runs. Money in minor units."""
    row, column = place
    if value is None:
        sheet.write_blank(row, column, None, formats.of("General", fill=fill))
    elif kind in MONEY and abs(value) >= EXACT_MINOR_MAX:
        sheet.write_string(row, column, format_minor(value, currency or ""), formats.of(_TEXT, fill=fill))
    elif kind in MONEY:
        # The nearest double of an amount of at most 15 digits shows as that amount; nothing is computed with it here.
        sheet.write_number(row, column, value / 10 ** (digits_of(currency) or 0), formats.money(currency, fill=fill))
    elif kind in NUMBERS:
        sheet.write_number(row, column, value, formats.of(_WHOLE, fill=fill))
    elif kind == "date":
        sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), formats.of(_DATE, fill=fill))
    else:
        sheet.write_string(row, column, str(value)[:CELL_CHARS_MAX], formats.of(_TEXT, fill=fill))


@dataclass(frozen=True, slots=True)
class SheetWriter:
    """Writes head and foot of a worksheet around `frame`, a run of the table's rows. The rows are put in by `_sheet_rows`."""

    sheet: Worksheet
    table: Sheet
    frame: pl.DataFrame
    formats: Formats

    def write(self) -> Rows:
        """The whole worksheet but its rows, which are given back."""
        sheet, columns = self.sheet, self.frame.columns
        title = self.formats.book.add_format({"bold": True, "font_size": 14})
        for number, name in enumerate(columns):
            sheet.set_column(number, number, self._width(name))
        sheet.write_string(0, 0, self.table.title or self.table.name, title)
        sheet.set_row(HEAD_ROW, _HEAD_POINTS)
        for number, name in enumerate(columns):
            sheet.write_string(HEAD_ROW, number, heading(name), self.formats.head(kind_of(self.table, name)))
        rows = Rows(self.table, self.frame, FIRST_ROW + 1, digits_in(self.frame), self._lines())
        if self.frame.is_empty():
            sheet.write_string(FIRST_ROW, 0, "None.", self.formats.of(_TEXT))
        else:
            self._pattern(rows)
            sheet.autofilter(HEAD_ROW, 0, FIRST_ROW + self.frame.height - 1, len(columns) - 1)
            self._totals()
        sheet.freeze_panes(FIRST_ROW, 0)
        sheet.repeat_rows(HEAD_ROW)
        sheet.set_footer("&L&A&RPage &P of &N")
        print_on_a4(sheet)
        return rows

    def _pattern(self, rows: Rows) -> None:
        formats = self.formats
        money = [formats.money_of(digits) for digits in rows.digits]
        for column, cell in enumerate(
            (formats.of(_TEXT), formats.of(_WHOLE), formats.of(_DATE), formats.of(_SHARE), *money)
        ):
            self.sheet.write_blank(FIRST_ROW, column, None, cell)

    def _totals(self) -> None:
        """One row a currency, an empty row below the table: money and counts, as formulas with their values."""
        sums = totals_by_currency(replace(self.table, frame=self.frame))
        if sums is None:
            return
        for row, total in enumerate(sums.iter_rows(named=True), FIRST_ROW + self.frame.height + 1):
            for number, name in enumerate(self.frame.columns):
                if name == "currency":
                    # The cell is what the sums are taken by: where it stands first, its format says "Total" before it.
                    words = currency_told(total["currency"])
                    self.sheet.write_string(row, number, words, self.formats.of(_TEXT if number else _SUM, total=True))
                elif name not in sums.columns or total[name] is None:
                    self.sheet.write_string(row, number, "" if number else "Total", self.formats.of(_TEXT, total=True))
                else:
                    self._total(row, number, total[name], total["currency"])

    def _total(self, row: int, column: int, value: int, currency: str) -> None:
        money = kind_of(self.table, self.frame.columns[column]) == "money"
        if abs(value) >= EXACT_MINOR_MAX:
            exact = format_minor(value, currency) if money else str(value)
            self.sheet.write_string(row, column, exact, self.formats.of(_TEXT, total=True))
            return
        key, last = self.frame.columns.index("currency"), FIRST_ROW + self.frame.height - 1
        digits = (digits_of(currency) or 0) if money else 0
        cell = self.formats.money(currency, total=True) if money else self.formats.of(_WHOLE, total=True)
        # The criterion is the row's own currency cell: a client's text never stands in a formula.
        criterion = xl_rowcol_to_cell(row, key, col_abs=True)
        summed, keyed = xl_range_abs(FIRST_ROW, column, last, column), xl_range_abs(FIRST_ROW, key, last, key)
        formula = f"=ROUND(SUMIFS({summed},{keyed},{criterion}),{digits})"
        self.sheet.write_formula(row, column, formula, cell, value / 10**digits)

    def _lines(self) -> pl.Expr:
        """Lines that a row's text takes in columns that are narrower than it."""
        lines = [pl.lit(1, dtype=pl.Int64)]
        for name in self.frame.columns:
            width = self._width(name)
            text = pl.col(name).cast(pl.String).str.len_chars().cast(pl.Int64)
            if kind_of(self.table, name) == "text" and (self.frame.select(text.max()).item() or 0) > width:
                # Lines end between words: they hold less than fits.
                lines.append((text / (width - _RAGGED_CHARS)).ceil().cast(pl.Int64).fill_null(1))
        return pl.max_horizontal(lines).clip(1, _LINES_MAX)

    def _width(self, name: str) -> int:
        """Characters of the longest of the head's words and the first values, within bounds."""
        first = self.frame.head(_WIDTH_ROWS_MAX)
        longest = first.select(pl.col(name).cast(pl.String).str.len_chars().max()).item() or 0
        if kind_of(self.table, name) in NUMBERS:
            longest += longest // 3 + 3  # separators, decimal point and sign; a total may be wider still
        head = max(len(word) for word in heading(name).split() or [""]) + _ARROW_CHARS
        return min(max(longest + 1, head, _WIDTH_CHARS_MIN), _WIDTH_CHARS_MAX)


def print_on_a4(sheet: Worksheet) -> None:
    """Landscape, as wide as the page."""
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
