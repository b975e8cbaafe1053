"""The workbook of breaks that finance edited: its rows as text. Written by `exporters.break_workbook`.

Nothing in it is computed: a formula where people decide is a fault, whatever it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.break_columns import COLUMNS, KEYS, SHEET
from parsers._xlsx_book import Book, open_book
from parsers._xlsx_cells import text_cells
from parsers._xlsx_sheet import Part, column_letters, parts_of
from parsers._xlsx_xml import Unreadable

_CELLS_MAX: Final = 5_000_000
_HEAD_WITHIN: Final = 20
"""Rows in which the heads must stand."""
_PASTE: Final = "Type the value itself, or paste it as a value."
_EXPORT: Final = "Export the breaks anew and edit that workbook."


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is wrong with one cell, row or sheet. `row`: of the sheet, 0 for the whole; `column`: letters and heading."""

    sheet: str
    row: int
    column: str
    value: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class BreakRows:
    """`rows`: line (row of the sheet) and each of `COLUMNS` as trimmed text, null where blank. `places`: column → letters."""

    rows: pl.DataFrame
    places: dict[str, str]
    faults: list[CellFault]

    def fault(self, line: int, column: str, value: str | None, message: str, remedy: str) -> CellFault:
        """A fault in a cell of a row; `column` is a name of `COLUMNS`, or empty for the row."""
        return CellFault(SHEET, line, self.places.get(column, ""), value or "", message, remedy)


def read_breaks(data: bytes) -> BreakRows:
    """The rows of the sheet `Breaks`, wherever it stands and however it was sorted; faults of what cannot be read."""
    try:
        book = open_book(data)
        found = next((sheet for sheet in book.sheets if sheet.name == SHEET), None)
        parts = [] if found is None else list(parts_of(book, found, _CELLS_MAX))
    except Unreadable as fault:
        return _nothing(fault.fault.message, fault.fault.remedy)
    if not parts:
        return _nothing(f"The workbook has no sheet named {SHEET}", _EXPORT)
    width = max(part.width for part in parts)
    cells = pl.concat([_cells(part, book, width) for part in parts])
    heads = cells.head(_HEAD_WITHIN).select(f"t{place}" for place in range(width)).rows()
    at = next((row for row, names in enumerate(heads) if set(KEYS) <= set(names)), None)
    if at is None:
        return _nothing(f"The sheet {SHEET} has no row with the heads Break and Revision", _EXPORT)
    places = {column.name: heads[at].index(column.heading) for column in COLUMNS if column.heading in heads[at]}
    if missing := [column.heading for column in COLUMNS if column.name not in places]:
        return _nothing(f"The sheet {SHEET} has no column {', '.join(missing)}", _EXPORT)
    return _rows(cells.slice(at + 1), places)


def _nothing(message: str, remedy: str) -> BreakRows:
    schema = {"line": pl.Int64, **{column.name: pl.String for column in COLUMNS}}
    return BreakRows(pl.DataFrame(schema=schema), {}, [CellFault(SHEET, 0, "", "", message, remedy)])


def _cells(part: Part, book: Book, width: int) -> pl.DataFrame:
    """line, and of each column its text (t), whether it shows an error (e) or holds a formula (f)."""
    texts = pl.Series(book.texts, dtype=pl.String)
    columns: list[pl.Series] = [part.rows["number"].alias("line")]
    for place in range(width):
        told = text_cells(part, place, book, texts)
        text = told["text"].str.strip_chars()
        blank = text.to_frame("t").select(pl.when(pl.col("t") != "").then("t")).to_series()
        columns += [blank.alias(f"t{place}"), told["error"].alias(f"e{place}"), told["formula"].alias(f"f{place}")]
    return pl.DataFrame(columns)


def _rows(body: pl.DataFrame, places: dict[str, int]) -> BreakRows:
    letters = {column.name: f"{column_letters(places[column.name])} {column.heading}" for column in COLUMNS}
    faults = [fault for column in COLUMNS for fault in _unread(body, places[column.name], letters[column.name])]
    rows = body.select("line", **{column.name: pl.col(f"t{places[column.name]}") for column in COLUMNS})
    said = rows.filter(pl.any_horizontal(pl.col(column.name).is_not_null() for column in COLUMNS))
    bad = pl.Series([fault.row for fault in faults], dtype=pl.Int64)
    return BreakRows(said.filter(~pl.col("line").is_in(bad.implode())), letters, faults)


def _unread(body: pl.DataFrame, place: int, column: str) -> list[CellFault]:
    told = (
        (pl.col(f"f{place}"), "holds a formula, and no cell of this workbook is computed"),
        (pl.col(f"e{place}").fill_null(value=False), "shows an error in place of a value"),
    )
    return [
        CellFault(SHEET, line, column, value or "", f"The cell {message}.", _PASTE)
        for wrong, message in told
        for line, value in body.filter(wrong).select("line", f"t{place}").iter_rows()
    ]
