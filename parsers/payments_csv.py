"""CSV payment files: one row a payment, the columns named in the first line.

Our own layout, documented in docs/formats/csv.md; quoting by RFC 4180. Reads credit transfers. A row that cannot be read is a
finding with its line, and the others go on.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

import numpy as np
import polars as pl

from canonical.codes import Severity
from canonical.contracts import FileHeader, Model, Source, Window
from canonical.frames import PAYMENTS, TOTALS, empty
from canonical.limits import FILE_ROWS_MAX, WINDOW_BYTES
from parsers._csv_header import CsvOptions, Fault, Layout, file_findings, normal, read_header
from parsers._csv_payments import findings_of, payments_of
from parsers._csv_records import Flaw, Records, block_end, records
from parsers._csv_total import cells_of, closes, totals_of

_BOM: Final = b"\xef\xbb\xbf"
_HEADER: Final = FileHeader("csv", "1")
_HEADER_NAMES_MIN: Final = 3


@dataclass(frozen=True, slots=True)
class _Place:
    """Where reading stands: byte offset, line from 1, rows read."""

    offset: int
    line: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """The format `csv`. The bounds are smaller in tests."""

    name: str = "csv"
    options: type[Model] = CsvOptions
    window_bytes: int = WINDOW_BYTES
    rows_max: int = FILE_ROWS_MAX
    kind: ClassVar[Literal["payment"]] = "payment"

    def sniff(self, head: bytes) -> bool:
        """True when the first line looks like headings: three or more, each beginning with a letter."""
        line = head.removeprefix(_BOM).split(b"\n", 1)[0].strip()
        sign = max((b",", b";", b"\t", b"|"), key=line.count)
        names = [normal(name.strip(b'"').decode("latin-1")) for name in line.split(sign)]
        return b"\0" not in line and len(names) >= _HEADER_NAMES_MIN and all(name[:1].isalpha() for name in names)

    def complete(self, tail: bytes) -> bool:
        """True when the last row is a total."""
        return closes(tail)

    def windows(self, source: Source, options: CsvOptions) -> Iterator[Window]:
        """Payments, then the declared totals; a header that names too little is FATAL."""
        data, end = source.data, _written_end(source.data)
        begin = len(_BOM) if data[:3] == _BOM else 0
        header_end = min(found if (found := data.find(b"\n", begin)) >= 0 else end, end)
        if begin >= end or not bytes(data[begin:header_end]).strip():
            yield _whole([Fault("csv-header", "The file is empty, or begins with an empty line", _NAME_THEM)])
            return
        layout, faults = read_header(bytes(data[begin:header_end]).rstrip(b"\r"), options)
        if layout is None:
            yield _whole(faults)
            return
        place, told = _Place(min(header_end + 1, end), 2), faults
        while place.offset < end:
            window, place = self._window(source, place, end, layout, options)
            if place.rows > self.rows_max:
                yield _whole([*told, Fault("csv-rows", f"The file has more than {self.rows_max} rows", _SPLIT)])
                return
            yield replace(window, header=_HEADER, findings=pl.concat([file_findings(told), window.findings]))
            told = []
        if not place.rows:
            yield _whole(
                [*told, Fault("csv-header", "The file has a header and no payments", _NO_ROWS, Severity.ERROR)]
            )

    def _window(
        self, source: Source, place: _Place, end: int, layout: Layout, options: CsvOptions
    ) -> tuple[Window, _Place]:
        stop = block_end(source.data, place.offset, end, self.window_bytes)
        block = bytes(source.data[place.offset : stop])
        found = records(block, (options.delimiter, options.encoding), layout.width, last=stop >= end)
        totals = empty(TOTALS)
        if stop >= end and found.start.size:
            cells = cells_of(block[found.start[-1] : found.end[-1]], options)
            if cells is not None:
                totals = totals_of(cells, place.line + int(found.line[-1]), options)
                found = _without_last(found)
        rows = place.rows + found.start.size
        after = _Place(place.offset + found.used, place.line + found.lines, rows)
        if rows > self.rows_max:
            return _whole([]), after
        where = _where(source.file_id, found, place)
        sound = where.filter(pl.col("flaw") == Flaw.NONE).drop("columns", "flaw")
        bad = where.filter(pl.col("flaw") != Flaw.NONE)
        window = Window(
            None,
            payments_of(block, found, sound, layout, options),
            totals,
            findings_of(bad, layout.width, options.encoding),
            bad.height,
        )
        return window, after


_NAME_THEM: Final = "Name the columns in the first line, as the template of the format does."
_SPLIT: Final = "Split it into several files, each with its own totals."
_NO_ROWS: Final = "Check that the export wrote its payments, and send the file again."


def _written_end(data: bytes | mmap.mmap) -> int:
    """Offset behind the last byte that is no blank and no line break."""
    end = len(data)
    while end > 0:
        head = max(0, end - 4096)
        kept = len(bytes(data[head:end]).rstrip(b" \r\n"))
        if kept:
            return head + kept
        end = head
    return 0


def _whole(faults: list[Fault]) -> Window:
    return Window(_HEADER, empty(PAYMENTS), empty(TOTALS), file_findings(faults))


def _without_last(found: Records) -> Records:
    return replace(
        found, start=found.start[:-1], end=found.end[:-1], line=found.line[:-1], columns=found.columns[:-1],
        flaw=found.flaw[:-1],
    )  # fmt: skip


def _where(file_id: str, found: Records, place: _Place) -> pl.DataFrame:
    """Places of the records in the file: file_id, row, line, offset, length; columns and flaw."""
    return pl.DataFrame(
        {
            "row": np.arange(place.rows + 1, place.rows + 1 + found.start.size, dtype=np.int64),
            "line": found.line + place.line,
            "offset": found.start + place.offset,
            "length": found.end - found.start,
            "columns": found.columns,
            "flaw": found.flaw,
        }
    ).with_columns(pl.lit(file_id).alias("file_id"))


FORMAT = CsvFormat()
