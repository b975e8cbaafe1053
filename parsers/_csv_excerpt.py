"""A CSV file with some of the payments of another: what stands before them, their rows byte by byte, a total that fits."""

from __future__ import annotations

import csv
import io

import polars as pl

from canonical.contracts import Source
from canonical.limits import LINE_BYTES_MAX, TABLE_CLOSING_ROWS_MAX, WINDOW_BYTES
from parsers._csv_blocks import Encoded, Head, encoded, read_head
from parsers._csv_header import read_header
from parsers._csv_options import CsvOptions, TableOptions
from parsers._csv_records import Dialect, records
from parsers._csv_rows import Place, row_cells, rows_at
from parsers._csv_total import Declared, declared, units_of, written


def excerpt(source: Source, kept: pl.DataFrame, options: CsvOptions) -> bytes:
    """The bytes of the new file. `kept`: row, offset, length, amount_minor, currency of PAYMENTS, in file order.

    Of rows that could not be read it has only row, line and rule. Closing rows that declare figures by cells say those of what is kept; what the client says in words is left out, for
    it would no longer be true.
    """
    file, _ = encoded(source.data, options)
    head, _ = read_head(file, options) if file is not None else (None, None)
    if file is None or head is None:
        return b""
    kept = _placed(file, head, kept, options)
    before = bytes(source.data[: head.offset])
    ending = _ending(before, file)
    parts = [before if before.endswith(ending) or head.offset <= file.begin else before + ending]
    parts += [bytes(source.data[at : at + size]) + ending for at, size in kept.select("offset", "length").iter_rows()]
    for cells, figures in _closing_rows(file, head.offset, options):
        row = with_figures(cells, figures, kept, options)
        out = io.StringIO()
        csv.writer(out, delimiter=options.delimiter, lineterminator="").writerow(row)
        parts.append(out.getvalue().encode(file.codec, "replace") + ending)
    return b"".join(parts)


def _placed(file: Encoded, head: Head, kept: pl.DataFrame, options: CsvOptions) -> pl.DataFrame:
    """`kept` with the places of the rows that could not be read; without those that sum up, and what is too long for a row."""
    if not kept["offset"].null_count():
        return kept
    wanted = rows_to_mend(kept).filter(pl.col("offset").is_null()).select("row")
    layout, _ = read_header(head.names, options)
    if layout is None:
        return kept.drop_nulls("offset")
    place, found = Place(head.offset, head.next_line), []
    while place.offset < file.end:
        rows = rows_at(file, place, layout, options, WINDOW_BYTES)
        found.append(rows.where.join(wanted, on="row", how="semi").select("row", "offset", "length"))
        place = rows.after
    unread = pl.concat(found).filter(pl.col("length") <= LINE_BYTES_MAX)
    return pl.concat([kept.drop_nulls("offset"), unread], how="diagonal").sort("row")


def rows_to_mend(kept: pl.DataFrame) -> pl.DataFrame:
    """Without the rows that could not be read because they only sum up others: they are to be deleted, not mended."""
    return (
        kept.filter(~pl.col("rule").str.ends_with("-summary").fill_null(value=False))
        if "rule" in kept.columns
        else kept
    )


def _ending(before: bytes, file: Encoded) -> bytes:
    """The line break of the file, in its encoding."""
    crlf, lf = ("\r\n".encode(file.codec), "\n".encode(file.codec))
    sample = before or bytes(file.data[file.begin : file.begin + LINE_BYTES_MAX])
    return crlf if crlf in sample else lf


def _closing_rows(file: Encoded, begin: int, options: CsvOptions) -> list[tuple[list[str], Declared]]:
    """Cells of the rows that close the file and declare something by a cell, in their order."""
    start = max(begin, file.end - TABLE_CLOSING_ROWS_MAX * LINE_BYTES_MAX)
    if start > begin:
        start = file.line_end(start - (start - file.begin) % file.unit)
    text = file.block(start, file.end).text
    found = records(text, Dialect(options.delimiter, 1, (options.comment or "").encode()), last=True)
    rows: list[tuple[list[str], Declared]] = []
    for at in range(found.start.size - 1, -1, -1):
        cells = row_cells(text[found.start[at] : found.end[at]], options)
        figures = declared(cells, options)
        if figures is None:
            break
        if figures.count_at is not None or figures.sum_at is not None:
            rows.insert(0, (cells, figures))
    return rows


def with_figures(cells: list[str], figures: Declared, kept: pl.DataFrame, options: TableOptions) -> list[str]:
    """The closing row with the number and the sum of what is kept, where it declared them.

    A sum over amounts that are still to be mended would be wrong by then: its cell is left empty.
    """
    row = list(cells)
    if figures.count_at is not None and figures.count:
        row[figures.count_at] = str(kept.height)
    if figures.sum_at is not None and figures.sum:
        row[figures.sum_at] = "" if kept["amount_minor"].null_count() else written(units_of(kept), options)
    return row
