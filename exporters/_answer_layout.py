"""How the worksheets of an answer are laid out: heads, heights, filters, print set-up."""

from __future__ import annotations

import re
from typing import Final

import polars as pl
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # ships no types

from exporters._iso_xml import FORBIDDEN
from exporters._sheets import Formats, print_on_a4

FAULT_FILL: Final = "#F8CBAD"
WARNING_FILL: Final = "#FFF2CC"
_LINE_POINTS: Final = 13
_HEIGHT_MAX: Final = 400
"""Excel ends at 409 points."""


def clean(text: str) -> str:
    """Text without characters that XML cannot hold."""
    return re.sub(FORBIDDEN, "\ufffd", text)


def legible(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with such texts in all its columns."""
    return frame.with_columns(pl.col(pl.String).str.replace_all(FORBIDDEN, "\ufffd"))


def lines_of(chars: int, width: int) -> int:
    """Lines that a text takes in a column: programs that show a sheet do not all find the height of a row themselves."""
    return -(-chars // max(width * 9 // 10, 1))


def heights(frame: pl.DataFrame, widths: dict[str, int]) -> list[int]:
    """Lines of each row."""
    texts = [name for name in widths if frame.schema[name] == pl.String]
    each = [
        (pl.col(name).str.len_chars().cast(pl.Int64) + widths[name] * 9 // 10 - 1) // (widths[name] * 9 // 10)
        + pl.col(name).str.count_matches("\n").cast(pl.Int64)
        for name in texts
    ]
    return (
        frame.select(pl.max_horizontal(*each, pl.lit(1)).fill_null(1)).to_series().to_list()
        if each
        else [1] * frame.height
    )


def set_height(sheet: Worksheet, row: int, lines: int) -> None:
    """Make a row as high as its lines; one line is what every row has. Before its first cell is written."""
    if lines > 1:
        sheet.set_row(row, min(lines * _LINE_POINTS + 3, _HEIGHT_MAX))


def head(sheet: Worksheet, formats: Formats, heads: dict[str, str], widths: dict[str, int]) -> None:
    """The first row: column → its head, each column as wide as it is to be."""
    for column, name in enumerate(heads):
        sheet.set_column(column, column, widths[name])
    # Bold letters and the arrow of the filter take room.
    lines = max(lines_of(len(head) + 4, widths[name]) for name, head in heads.items())
    sheet.set_row(0, min(lines * (_LINE_POINTS + 3) + 4, _HEIGHT_MAX))
    for column, (name, head) in enumerate(heads.items()):
        kind = "count" if name in {"row", "line", "amount_text"} else "text"
        sheet.write_string(0, column, clean(head), formats.head(kind))


def finish(sheet: Worksheet, rows: int, columns: int, frozen: int) -> None:
    """Filter, frozen head, print set-up."""
    if rows:
        sheet.autofilter(0, 0, rows, columns - 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{rows + 1}"})
    sheet.freeze_panes(1, frozen)
    sheet.repeat_rows(0)
    # Printed too: an eye that goes along a wide row loses it without lines.
    sheet.hide_gridlines(0)
    sheet.set_footer("&L&A&RPage &P of &N")
    print_on_a4(sheet)
