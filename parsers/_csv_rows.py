"""One block of a CSV file: its records, their places in the file, their cells, and what is wrong with those that are none."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from canonical.counts import count_said
from canonical.errors import FrameBroken
from canonical.frames import FINDINGS, TOTALS, empty
from canonical.limits import LINE_BYTES_MAX, TABLE_CLOSING_ROWS_MAX
from parsers._csv_blocks import Block, Encoded
from parsers._csv_header import Layout
from parsers._csv_options import CsvOptions
from parsers._csv_payments import row_findings
from parsers._csv_records import Blanks, Dialect, Flaw, Records, records
from parsers._csv_total import declared, totals_of
from parsers._csv_values import Cells, name_of, trimmed

_FLAWS: Final = {
    Flaw.COLUMNS: ("csv-columns", "Put a cell that holds the delimiter between quotes, and leave no column out."),
    Flaw.QUOTES: ("csv-quotes", "Put quotes around the whole cell and double those inside it, as a spreadsheet does."),
    Flaw.ENCODING: ("csv-encoding", "Save the file in the agreed encoding, or agree on the one it is in."),
    Flaw.NUL: ("csv-nul", "Write the file again as plain text."),
    Flaw.LENGTH: ("csv-line-length", "Close the quotes that were opened, or shorten the row."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading stands: byte offset, line from 1, rows read."""

    offset: int
    line: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Rows:
    """Records of one block. `where`: row, line, offset, length, columns, flaw of each; `after`: where the next begins."""

    block: Block
    found: Records
    where: pl.DataFrame
    after: Place
    totals: pl.DataFrame = field(default_factory=lambda: empty(TOTALS))


def rows_at(file: Encoded, place: Place, layout: Layout, options: CsvOptions, window_bytes: int) -> Rows:
    """The block that begins there."""
    stop = file.block_end(place.offset, window_bytes)
    if stop is None:
        return _too_long(file, place)
    last = stop >= file.end
    block = file.block(place.offset, stop)
    dialect = Dialect(options.delimiter, layout.width, (options.comment or "").encode())
    found = records(block.text, dialect, last)
    found, totals = _closing(block.text, found, place, options) if last else (found, empty(TOTALS))
    used = min(int(block.offsets(np.array([found.used]))[0]), file.end)
    after = Place(used, place.line + found.lines, place.rows + found.start.size)
    return Rows(block, found, _where(block, found, place), after, totals)


def _too_long(file: Encoded, place: Place) -> Rows:
    """A line that no window holds is passed over without being read into memory."""
    stop = file.line_end(place.offset)
    one = np.zeros(1, np.int64)
    found = Records(one, one, one, one, np.array([Flaw.LENGTH], np.int8), 0, 1, gapless=True, blanks=Blanks())
    block = Block(b"", place.offset, file.unit, transcoded=False)
    where = _where(block, found, place).with_columns(length=pl.lit(stop - place.offset, dtype=pl.Int64))
    return Rows(block, found, where, Place(stop, place.line + 1, place.rows + 1))


def ends(tail: bytes, options: CsvOptions) -> bool:
    """True when the last line that is neither blank nor a comment is a closing row, by the template or as agreed."""
    lines = [line.strip() for line in tail.decode(options.codec, "replace").replace("\0", "").split("\n")]
    told = [line for line in lines if line and not (options.comment and line.startswith(options.comment))]
    return bool(told) and declared(row_cells(told[-1].encode(), options), options) is not None


def _closing(text: bytes, found: Records, place: Place, options: CsvOptions) -> tuple[Records, pl.DataFrame]:
    """The records before the rows that close the file, and what those declare."""
    totals: list[pl.DataFrame] = []
    count = found.start.size
    while count and len(totals) < TABLE_CLOSING_ROWS_MAX:
        span = text[found.start[count - 1] : found.end[count - 1]]
        told = declared(row_cells(span, options), options) if len(span) <= LINE_BYTES_MAX else None
        if told is None:
            break
        count -= 1
        totals.append(totals_of(told, place.line + int(found.line[count]), options))
    return found.head(count), pl.concat([empty(TOTALS), *reversed(totals)])


def row_cells(span: bytes, options: CsvOptions) -> list[str]:
    """The trimmed cells of one row."""
    text = span.decode("utf-8", "replace").replace("\0", "")
    cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=options.delimiter), [])
    return [cell.strip() for cell in cells]


def _where(block: Block, found: Records, place: Place) -> pl.DataFrame:
    start = block.offsets(found.start)
    length = found.end - found.start if not block.transcoded else block.offsets(found.end) - start
    return pl.DataFrame(
        {
            "row": np.arange(place.rows + 1, place.rows + 1 + found.start.size, dtype=np.int64),
            "line": found.line + place.line,
            "offset": start,
            "length": length,
            "columns": found.columns,
            "flaw": found.flaw,
        }
    )


def sound_cells(rows: Rows, layout: Layout, options: CsvOptions) -> tuple[Cells, pl.DataFrame]:
    """Trimmed cells of the sound records, and their places."""
    sound = rows.found.flaw == Flaw.NONE
    where = rows.where if sound.all() else rows.where.filter(pl.Series(sound))
    text = rows.found.sound_text(rows.block.text)
    names = [name_of(place) for place in range(layout.width)]
    if not text:
        return Cells(pl.DataFrame(schema=dict.fromkeys(names, pl.String))), where
    cells = pl.read_csv(
        text, has_header=False, schema=dict.fromkeys(names, pl.String), columns=layout.places,
        separator=options.delimiter,
    )  # fmt: skip
    if cells.height != where.height:
        raise FrameBroken(f"{where.height} CSV records were cut and {cells.height} were read")
    blanks = rows.found.blanks
    broken = text.count(b"\n") >= where.height
    return Cells(trimmed(cells, blanks.odd or broken, blanks.quoted), broken, blanks.odd), where


def flawed(rows: Rows, layout: Layout, options: CsvOptions) -> pl.DataFrame:
    """FINDINGS of the unreadable records."""
    where = rows.where.filter(pl.col("flaw") != Flaw.NONE)
    if where.is_empty():
        return empty(FINDINGS)
    flaw = pl.col("flaw")
    told = {
        Flaw.COLUMNS: pl.format("The row has {}, the header {}", count_said("columns", "column"), pl.lit(layout.width)),
        Flaw.QUOTES: pl.lit("A quote stands inside a cell, or opens one that is not closed"),
        Flaw.ENCODING: pl.lit(f"The row has bytes that are not {options.encoding}"),
        Flaw.NUL: pl.lit("The row has NUL bytes"),
        Flaw.LENGTH: pl.lit(f"The row is longer than {LINE_BYTES_MAX} bytes"),
    }
    message = pl.coalesce(pl.when(flaw == code).then(text) for code, text in told.items())
    rule, remedy = (
        flaw.replace_strict([*_FLAWS], [pair[n] for pair in _FLAWS.values()], return_dtype=pl.String) for n in (0, 1)
    )
    said = where.select(
        "row",
        "line",
        (message + pl.lit("; it was not read")).alias("message"),
        remedy.alias("remedy"),
        rule.alias("rule"),
    )
    return row_findings(said, pl.col("rule"), "FF02")
