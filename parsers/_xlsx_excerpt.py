"""A workbook with some of the payments of another: the rows before them, theirs as text, a total that fits."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Final

import polars as pl
import xlsxwriter  # type: ignore[import-untyped]  # it has no types

from canonical.contracts import Source
from parsers._csv_excerpt import rows_to_mend, with_figures
from parsers._csv_header import Layout, read_header
from parsers._xlsx_book import open_book
from parsers._xlsx_options import XlsxOptions
from parsers._xlsx_rows import begin, chosen, filled, parted, row_texts
from parsers._xlsx_sheet import Part
from parsers._xlsx_xml import Unreadable

_CELLS_MAX: Final = 500_000
_CREATED: Final = dt.datetime(1980, 1, 1)  # noqa: DTZ001  the same input gives the same bytes
_TABS: Final = 31
_TYPED: Final = ("amount", "execution_date", "mandate_date")


def excerpt(source: Source, kept: pl.DataFrame, options: XlsxOptions) -> bytes:
    """The bytes of the new workbook. `kept`: offset (row of the sheet), amount_minor, currency of PAYMENTS, in file order.

    Of rows that could not be read it has only row, line (which is the row of the sheet too) and rule.
    """
    if kept["offset"].null_count():
        kept = rows_to_mend(kept).with_columns(pl.coalesce("offset", "line").alias("offset"))
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": _CREATED})
    text = book.add_format({"num_format": "@"})
    try:
        name, rows, typed = _rows(source, kept, options)
        sheet = book.add_worksheet(name[:_TABS])
        for at, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell:
                    sheet.write_string(at, column, cell, None if column in typed else text)
    except Unreadable:
        return b""
    book.close()
    return out.getvalue()


def _rows(source: Source, kept: pl.DataFrame, options: XlsxOptions) -> tuple[str, Iterator[list[str]], frozenset[int]]:
    """Name of the sheet, every row of the new one, and the columns in which what is mended is to be a number or a day.

    A cell that is formatted as text keeps "1250,50" as it is typed; any other makes it the amount that the person's own program means.
    """
    book = open_book(source.data)
    sheet, _ = chosen(book, options)
    begun = begin(book, sheet, options, _CELLS_MAX)
    texts = pl.Series(book.texts, dtype=pl.String)

    def rows() -> Iterator[list[str]]:
        yield from _top(
            begun.top, row_texts(begun.top, book, texts), begun.line if options.header else options.skip_rows
        )
        part: Part | None = begun.first
        while part is not None:
            following = next(begun.rest, None)
            body, closing = (
                (filled(part, book), []) if following is not None else parted(filled(part, book), book, texts, options)
            )
            wanted = body.rows["number"].is_in(kept["offset"].implode()).arg_true()
            chosen_rows = row_texts(body, book, texts, options)
            yield from (chosen_rows[at] for at in wanted)
            for cells, figures, _ in closing:
                if figures.count_at is not None or figures.sum_at is not None:
                    yield with_figures(cells, figures, kept, options)
            part = following

    layout, _ = read_header(begun.names, options)
    return sheet.name, rows(), frozenset() if layout is None else _typed(layout)


def _typed(layout: Layout) -> frozenset[int]:
    cells = (layout.cells[name].places for name in _TYPED if name in layout.cells)
    amounts = {place for place in (layout.pays, layout.collects) if place is not None}
    return frozenset(amounts.union(*cells))


def _top(part: Part, rows: list[list[str]], height: int) -> Iterator[list[str]]:
    """The rows up to the header, each where it stood."""
    by_number = dict(zip(part.rows["number"].to_list(), rows, strict=True))
    return (by_number.get(number, []) for number in range(1, height + 1))
