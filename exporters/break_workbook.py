"""Breaks as a workbook that finance edits and loads back: `bulkrail breaks export`; read by `parsers.break_workbook`.

What is computed is protected; what people decide stands in shaded columns with drop-downs. Each row carries the revision of
its break, so that a row that somebody else changed meanwhile is seen when it comes back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import polars as pl
from xlsxwriter import Workbook  # type: ignore[import-untyped]  # ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

from canonical.break_columns import COLUMNS, FROZEN, SHEET, STATES, YES
from exporters._sheets import FIRST_ROW, HEAD_ROW, Formats, print_on_a4, write_cell

ROWS_MAX: Final = 100_000
"""Rows of one workbook: more are no work for a spreadsheet. The oldest come first."""
_EDITED: Final = "#FFF9E5"
_LISTS: Final = "Lists"
_COMMENT_CHARS_MAX: Final = 400
_HEAD_POINTS: Final = 32
_LINE_POINTS: Final = 14
_LINES_MAX: Final = 8
_PAGES_WIDE: Final = 2
_HELP: Final = (
    "Edit the shaded columns and load the workbook back: bulkrail breaks import FILE.",
    "Owner: who looks after it. State: explained needs a comment; resolved and written off need a reason.",
    "Accept: yes matches the entry with the payment suggested beside it; needs a reason.",
    "Leave the rest as it is: a changed figure, a formula or a row that was changed meanwhile is refused, and you are told where.",
)
_OPTIONS: Final = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FREE: Final = {
    "autofilter": True, "sort": True, "format_columns": True, "format_rows": True, "select_locked_cells": True,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Styles:
    """Formats of the cells that may be edited, by kind."""

    text: Any
    pick: Any


def write_breaks(breaks: pl.DataFrame, owners: Sequence[str], day: dt.date, out: BinaryIO) -> int:
    """Write the oldest `ROWS_MAX` rows of WORKED; how many were written. `owners`: what the drop-down offers.

    The same breaks give the same bytes.
    """
    rows = breaks.sort("age_days", "amount_minor", "break_id", descending=[True, True, False]).head(ROWS_MAX)
    with Workbook(out, _OPTIONS) as book:
        book.set_properties({"title": "Breaks", "created": dt.datetime.combine(day, dt.time())})
        formats = Formats(book, indent=1)
        sheet = book.add_worksheet(SHEET)
        _heads(book, sheet, formats, day, rows.height)
        edited = _styles(book)
        for at, row in enumerate(rows.iter_rows(named=True), FIRST_ROW):
            sheet.set_row(at, _LINE_POINTS * _lines(row))
            for place, column in enumerate(COLUMNS):
                value = row.get(column.name)
                if column.edited:
                    style = edited.text if column.wide else edited.pick
                    sheet.write_string(at, place, str(value or ""), style)
                else:
                    write_cell(sheet, formats, (at, place), value, column.kind, currency=row["currency"])
        last = FIRST_ROW + max(rows.height, 1) - 1
        _choices(book, sheet, owners, last)
        sheet.autofilter(HEAD_ROW, 0, last, len(COLUMNS) - 1)
        sheet.freeze_panes(FIRST_ROW, FROZEN)
        sheet.protect("", _FREE)
        print_on_a4(sheet)
        sheet.fit_to_pages(_PAGES_WIDE, 0)
        sheet.repeat_rows(HEAD_ROW)
        sheet.repeat_columns(0, FROZEN - 1)
        _help(book)
    return rows.height


def _lines(row: dict[str, Any]) -> int:
    """Lines that the longest wrapped text of the row takes: spreadsheets do not count them on a protected sheet."""
    wide = [-(-len(str(row.get(column.name) or "")) // (column.width - 4)) for column in COLUMNS if column.wide]
    return min(max(1, *wide), _LINES_MAX)


def _heads(book: Workbook, sheet: Worksheet, formats: Formats, day: dt.date, rows: int) -> None:
    title = book.add_format({"bold": True, "font_size": 14})
    sheet.write_string(0, 0, f"Breaks of {day:%Y-%m-%d}: {rows}", title)
    sheet.write_string(1, 0, _HELP[0], book.add_format({"italic": True, "font_color": "#595959"}))
    sheet.set_row(HEAD_ROW, _HEAD_POINTS)
    shaded = book.add_format({
        "bold": True, "bg_color": "#FFE699", "bottom": 1, "text_wrap": True, "valign": "top", "align": "left", "indent": 1,
    })  # fmt: skip
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, column.width)
        sheet.write_string(HEAD_ROW, place, column.heading, shaded if column.edited else formats.head(column.kind))


def _styles(book: Workbook) -> _Styles:
    shared = {
        "locked": False, "bg_color": _EDITED, "border": 1, "border_color": "#D9D9D9", "font_size": 10, "valign": "top",
        "num_format": "@",
    }  # fmt: skip
    return _Styles(
        text=book.add_format({**shared, "text_wrap": True, "align": "left", "indent": 1}),
        pick=book.add_format({**shared, "align": "left", "indent": 1}),
    )


def _choices(book: Workbook, sheet: Worksheet, owners: Sequence[str], last: int) -> None:
    """Drop-downs; the owners stand on a hidden sheet, since a list inside the rule ends at 255 characters."""
    lists = book.add_worksheet(_LISTS)
    lists.hide()
    for row, owner in enumerate(owners):
        lists.write_string(row, 0, owner)
    sources: dict[str, Any] = {"state": list(STATES), "accept": [YES]}
    if owners:
        sources["owner"] = f"={_LISTS}!$A$1:$A${len(owners)}"
    for place, column in enumerate(COLUMNS):
        if column.name in sources:
            rule = {
                "validate": "list", "source": sources[column.name], "error_title": column.heading,
                "error_message": column.help, "input_title": column.heading, "input_message": column.help,
            }  # fmt: skip
            sheet.data_validation(FIRST_ROW, place, last, place, rule)
        elif column.wide and column.edited:
            rule = {
                "validate": "length", "criteria": "<=", "value": _COMMENT_CHARS_MAX, "error_title": column.heading,
                "error_message": f"At most {_COMMENT_CHARS_MAX} characters are kept.",
            }  # fmt: skip
            sheet.data_validation(FIRST_ROW, place, last, place, rule)


def _help(book: Workbook) -> None:
    sheet = book.add_worksheet("How to")
    print_on_a4(sheet)
    sheet.set_column(0, 0, 110)
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    for row, line in enumerate(_HELP):
        sheet.write_string(row, 0, line, plain)
