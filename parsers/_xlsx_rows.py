"""From the sheet that was agreed to windows of payments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import FileHeader, Source, Window
from canonical.frames import PAYMENTS, TOTALS, empty
from canonical.limits import TABLE_CLOSING_ROWS_MAX
from parsers._csv_header import Fault, Layout, at_line, file_findings, is_header, read_header
from parsers._csv_payments import Table, Taken, numbered, take
from parsers._csv_summary import Above, suspected, without_sums
from parsers._csv_title import TITLE_ROWS_MAX, header_below
from parsers._csv_total import Declared, declared, totals_of
from parsers._xlsx_book import Book, Sheet, open_book
from parsers._xlsx_cells import as_written, read_cells, text_cells
from parsers._xlsx_options import XlsxOptions
from parsers._xlsx_sheet import Part, column_letters, parts_of
from parsers._xlsx_xml import Unreadable

_HEADER: Final = FileHeader("xlsx", "1")
_NO_ROWS: Final = "Fill in the payments below the header, and send the workbook again."
_MOVE: Final = "Nothing, if they are not meant for us; else move what is to be paid into the sheet that was agreed."
_FORMULAS: Final = "Nothing, if the values are right; a workbook whose values were pasted leaves no doubt."
_HIDDEN_ROWS: Final = "Show all rows and look whether each is to be paid; delete those that are not."


@dataclass(frozen=True, slots=True)
class Sighted:
    """What is told once at the end: by column the number of formulas and the first row; hidden rows; cells beyond the header."""

    formulas: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    hidden: tuple[int, int] = (0, 0)
    beyond: tuple[int, int] = (0, 0)

    def faults(self) -> list[Fault]:
        """Warnings."""
        found = [
            Fault(
                "formula",
                f"Column {column_letters(place)} holds formulas ({count}, the first in row {row}): their last values were taken",
                _FORMULAS, Severity.WARNING, line=row,
            )
            for place, (count, row) in sorted(self.formulas.items())
        ]  # fmt: skip
        count, row = self.hidden
        if count:
            message = f"Rows are hidden ({count}, the first is row {row}): they were read as the others"
            found.append(Fault("hidden", message, _HIDDEN_ROWS, Severity.WARNING, line=row))
        count, row = self.beyond
        if count:
            message = f"Cells stand right of the last heading ({count}, the first in row {row}): they were not read"
            found.append(
                Fault(
                    "cells",
                    message,
                    "Nothing, if they are notes; else give them a heading.",
                    Severity.WARNING,
                    line=row,
                )
            )
        return found


def chosen(book: Book, options: XlsxOptions) -> tuple[Sheet, list[Fault]]:
    """The sheet to read, and warnings of those that are not.

    Raises:
        Unreadable: there is none.
    """
    if options.sheet is not None:
        named = [sheet for sheet in book.sheets if sheet.name == options.sheet]
        if not named:
            names = ", ".join(sheet.name for sheet in book.sheets)
            raise Unreadable(f"The workbook has no sheet named {options.sheet} (it has: {names})", "Name it as agreed.")
        sheet = named[0]
    else:
        visible = [sheet for sheet in book.sheets if not sheet.hidden]
        if not visible:
            raise Unreadable("The workbook has no sheet that is not hidden", "Show the sheet with the payments.")
        sheet = visible[0]
    others = [item for item in book.sheets if item is not sheet]
    told = [f"{item.name} (hidden)" if item.hidden else item.name for item in others]
    message = f"The sheet {sheet.name} was read; not read were: {', '.join(told)}"
    faults = [Fault("hidden", message, _MOVE, Severity.WARNING)] if told else []
    if sheet.hidden:
        faults.append(
            Fault("hidden", f"The sheet {sheet.name} is hidden, and was read as agreed", _MOVE, Severity.WARNING)
        )
    return sheet, faults


@dataclass(frozen=True, slots=True)
class Begun:
    """The rows behind the header. `top` are those up to the header, itself the last where there is one."""

    names: list[str] | None
    line: int
    top: Part
    first: Part
    rest: Iterator[Part]


def begin(book: Book, sheet: Sheet, options: XlsxOptions, cells_max: int) -> Begun:
    """Read the sheet up to its header: the first row that holds anything behind those to skip."""
    texts = pl.Series(book.texts, dtype=pl.String)
    rest = parts_of(book, sheet, cells_max)
    part = next(rest)
    skipped = int((part.rows["number"] <= options.skip_rows).sum())
    if not options.header:
        return Begun(None, options.skip_rows + 1, part.slice(0, skipped), part.slice(skipped), rest)
    below = filled(part.slice(skipped), book).rows["number"]
    if below.is_empty():
        raise Unreadable("The sheet is empty", _NO_ROWS)
    at = int((part.rows["number"] < below[0]).sum())
    names = _bare(row_texts(part.slice(at, 1), book, texts)[0])
    return Begun(names, int(part.rows["number"][at]), part.slice(0, at + 1), part.slice(at + 1), rest)


def _bare(names: list[str]) -> list[str]:
    """Without the empty cells at the end."""
    last = max((place for place, name in enumerate(names) if name), default=-1)
    return names[: last + 1]


def row_texts(part: Part, book: Book, texts: pl.Series, options: XlsxOptions | None = None) -> list[list[str]]:
    """The trimmed cells of each row; with options, numbers as amounts are written."""
    columns = []
    for place in range(part.width):
        told = text_cells(part, place, book, texts)
        text = told["text"] if options is None else as_written(told["text"], told["number"], options)
        columns.append([(value or "").strip() for value in text.to_list()])
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(part.rows.height)]


def windows(source: Source, options: XlsxOptions, cells_max: int) -> Iterator[Window]:
    """The windows of the workbook; the last tells the totals and what was sighted.

    Raises:
        Unreadable: from here on nothing can be read.
    """
    book = open_book(source.data)
    sheet, told = chosen(book, options)
    begun = begin(book, sheet, options, cells_max)
    layout, faults = read_header(begun.names, options)
    told += at_line(faults, begun.line)
    if layout is None:
        below = begun.first.slice(0, TITLE_ROWS_MAX)
        rows = zip(
            below.rows["number"].to_list(), row_texts(below, book, pl.Series(book.texts, dtype=pl.String)), strict=True
        )
        bare = ((line, _bare(names)) for line, names in rows)
        told = header_below(bare, lambda names: is_header(names, options)) or told
        yield Window(_HEADER, empty(PAYMENTS), empty(TOTALS), file_findings(told, "xlsx"))
        return
    yield from _Reader(book, layout, options, Table("xlsx", layout, options, source.file_id, iso_days=True)).windows(
        begun, told
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    book: Book
    layout: Layout
    options: XlsxOptions
    table: Table

    def windows(self, begun: Begun, told: list[Fault]) -> Iterator[Window]:
        texts = pl.Series(self.book.texts, dtype=pl.String)
        sighted, rows, above = Sighted(), 0, Above()
        batches: Mapping[str | None, int] = {}
        part: Part | None = begun.first
        while part is not None:
            following = next(begun.rest, None)
            body, totals = filled(part, self.book), empty(TOTALS)
            if following is None:
                body, closing = parted(body, self.book, texts, self.options)
                totals = pl.concat([totals, *(totals_of(found, line, self.options) for _, found, line in closing)])
            read, sighted = self._take(body, texts, rows, sighted)
            rows += body.rows.height
            read, above = without_sums(read, above, self.table)
            taken, batches = numbered(read, batches) if "batch_id" in self.layout.cells else (read, batches)
            if following is None:
                told = [*told, *sighted.faults()]
                told += (
                    []
                    if rows
                    else [Fault("header", "The sheet has no payments", _NO_ROWS, Severity.ERROR, line=begun.line)]
                )
            findings = pl.concat([file_findings(told, "xlsx"), taken.findings])
            yield Window(_HEADER, taken.payments, totals, findings, taken.unreadable)
            told, part = [], following

    def _take(self, part: Part, texts: pl.Series, rows: int, sighted: Sighted) -> tuple[Taken, Sighted]:
        number = part.rows["number"]
        where = part.rows.select(
            pl.int_range(rows + 1, rows + 1 + pl.len(), dtype=pl.Int64).alias("row"), pl.col("number").alias("line"),
            pl.col("number").alias("offset"), pl.lit(0, dtype=pl.Int64).alias("length"),
        )  # fmt: skip
        cells, misfits, formulas = read_cells(part, self.layout, self.options, self.book, texts)
        beyond = part.cells.filter(pl.col("column") >= self.layout.width, pl.col("text").is_not_null())["at"]
        found = {**sighted.formulas}
        for place, at in formulas.items():
            count, first = found.get(place, (0, int(number[at[0]])))
            found[place] = (count + at.len(), first)
        hidden = number.filter(part.rows["hidden"])
        after = Sighted(found, _more(sighted.hidden, hidden), _more(sighted.beyond, number.gather(beyond)))
        return suspected(take(cells, where, self.table, misfits), cells, where, self.table), after


def _more(known: tuple[int, int], rows: pl.Series) -> tuple[int, int]:
    count, first = known
    return (count + rows.len(), first or int(rows[0])) if rows.len() else known


def filled(part: Part, book: Book) -> Part:
    """Without the rows that hold nothing but blanks."""
    empty_text = (pl.col("kind") == "s") & pl.col("text").is_in(book.blank_texts)
    says = (pl.col("text").str.strip_chars() != "") & ~empty_text.fill_null(value=False)
    held = part.cells.filter(says.fill_null(value=False) | pl.col("formula"))["at"].unique().sort()
    if held.len() == part.rows.height:
        return part
    place = held.to_frame("at").with_row_index("new").with_columns(pl.col("new").cast(pl.Int64))
    cells = part.cells.join(place, on="at", how="inner", maintain_order="left").drop("at").rename({"new": "at"})
    return Part(part.rows[held.cast(pl.UInt32)], cells.select(part.cells.columns))


def parted(
    part: Part, book: Book, texts: pl.Series, options: XlsxOptions
) -> tuple[Part, list[tuple[list[str], Declared, int]]]:
    """The rows before those that close the table; cells, what they declare and sheet row of the closing ones."""
    tail = part.slice(max(0, part.rows.height - TABLE_CLOSING_ROWS_MAX))
    rows = row_texts(tail, book, texts, options)
    closing: list[tuple[list[str], Declared, int]] = []
    while rows and (found := declared(rows[-1], options)) is not None:
        closing.insert(0, (rows.pop(), found, int(tail.rows["number"][len(rows)])))
    return part.slice(0, part.rows.height - len(closing)), closing
