"""CSV payment files: one row a payment, by our own template or by a mapping of the client's columns.

Documented in docs/formats/csv.md; quoting by RFC 4180. Credit transfers and direct debits. A row that cannot be read is a
finding with its line, and the others go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Severity
from canonical.contracts import FileHeader, FormatFacts, Model, Source, Window
from canonical.frames import PAYMENTS, TOTALS, empty
from canonical.limits import FILE_ROWS_MAX, WINDOW_BYTES
from parsers._csv_blocks import Encoded, encoded, read_head
from parsers._csv_excerpt import excerpt
from parsers._csv_header import Fault, Layout, at_line, facts_of, file_findings, is_header, read_header
from parsers._csv_options import CsvOptions
from parsers._csv_payments import Table, Taken, numbered, take
from parsers._csv_rows import Place, Rows, ends, flawed, rows_at, sound_cells
from parsers._csv_sniff import looks_like_a_table
from parsers._csv_summary import Above, suspected, without_sums
from parsers._csv_template import TERMS
from parsers._csv_title import header_below, rows_below
from parsers._csv_total import closes

_HEADER: Final = FileHeader("csv", "1")
_THREADS: Final = 2
_AHEAD: Final = 2
_SPLIT: Final = "Split it into several files, each with its own totals."
_NO_ROWS: Final = "Check that the export wrote its payments, and send the file again."
_SEND_IT: Final = "Send the file again; check that the export finished."

_FACTS: Final = FormatFacts(
    "csv",
    required=(
        "creditor_name", "creditor_account", "amount_text", "currency", "end_to_end_id", "requested_execution_date_text",
    ),
    required_debit=(
        "debtor_name", "debtor_account", "amount_text", "currency", "end_to_end_id", "requested_execution_date_text",
    ),
    terms=TERMS,
    agreed=facts_of,
    agreed_end=ends,
    unread_back=True,
    rules=(
        "csv-columns", "csv-direction", "csv-encoding", "csv-header", "csv-line-length", "csv-nul", "csv-quotes",
        "csv-summary", "csv-value",
    ),
    of_cells=("csv-value",),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """The format `csv`. The bounds are smaller in tests."""

    name: str = "csv"
    options: type[Model] = CsvOptions
    facts: FormatFacts = _FACTS
    window_bytes: int = WINDOW_BYTES // 2
    rows_max: int = FILE_ROWS_MAX
    kind: ClassVar[Literal["payment"]] = "payment"

    def sniff(self, head: bytes) -> bool:
        """True when some of the first lines look like rows of a table."""
        return looks_like_a_table(head)

    def complete(self, tail: bytes) -> bool:
        """True when the last row is the template's total."""
        return closes(tail)

    def excerpt(self, source: Source, kept: pl.DataFrame, options: CsvOptions) -> bytes:
        """What stands before the payments, the rows of those kept as the client wrote them, and a total that fits."""
        return excerpt(source, kept, options)

    def windows(self, source: Source, options: CsvOptions) -> Iterator[Window]:
        """Payments, then the declared totals; a header that names too little is FATAL."""
        file, fault = encoded(source.data, options)
        if file is None or file.end <= file.begin:
            empty_ = Fault("header", "The file is empty", _SEND_IT)
            yield _whole([fault or empty_])
            return
        head, fault = read_head(file, options)
        if head is None:
            yield _whole(_header_below(file, options) or ([fault] if fault else []))
            return
        layout, faults = read_header(head.names, options)
        told = at_line(faults, head.line)
        if layout is None:
            yield _whole(_header_below(file, options) or told)
            return
        rows = _Reader(file, layout, options, self.window_bytes, self.rows_max)
        yield from rows.windows(source.file_id, Place(head.offset, head.next_line), told)


@dataclass(frozen=True, slots=True)
class _Reader:
    file: Encoded
    layout: Layout
    options: CsvOptions
    window_bytes: int
    rows_max: int

    def windows(self, file_id: str, place: Place, told: list[Fault]) -> Iterator[Window]:
        """One window a block; the first tells what was told of the header."""
        table = Table("csv", self.layout, self.options, file_id)
        batches: Mapping[str | None, int] = {}
        rows, above = 0, Above()
        for found, every in self._taken(place, table):
            rows += found.found.start.size
            read, above = without_sums(every, above, table)
            taken, batches = numbered(read, batches) if "batch_id" in self.layout.cells else (read, batches)
            bad = flawed(found, self.layout, self.options)
            findings = [file_findings(told, "csv"), bad, taken.findings]
            if rows > self.rows_max:
                many = Fault("rows", f"The file has more than {self.rows_max} rows", _SPLIT)
                yield _whole([*told, many])
                return
            yield Window(
                _HEADER, taken.payments, found.totals, pl.concat(findings), taken.unreadable + bad.height
            )  # fmt: skip
            told = []
        if not rows:
            none = Fault("header", "The file has a header and no payments", _NO_ROWS, Severity.ERROR)
            yield _whole([*told, none])

    def _taken(self, place: Place, table: Table) -> Iterator[tuple[Rows, Taken]]:
        """Blocks and what they hold, in order: threads read the cells of some while the next is cut."""
        pending: deque[tuple[Rows, Future[Taken]]] = deque()
        with ThreadPoolExecutor(_THREADS) as pool:
            while place.offset < self.file.end and place.rows <= self.rows_max:
                found = rows_at(self.file, place, self.layout, self.options, self.window_bytes)
                place = found.after
                pending.append((found, pool.submit(self._take, found, table)))
                if len(pending) >= _AHEAD:
                    rows, taken = pending.popleft()
                    yield rows, taken.result()
            while pending:
                rows, taken = pending.popleft()
                yield rows, taken.result()

    def _take(self, found: Rows, table: Table) -> Taken:
        cells, where = sound_cells(found, self.layout, self.options)
        return suspected(take(cells, where, table), cells, where, table)


def _header_below(file: Encoded, options: CsvOptions) -> list[Fault]:
    return header_below(rows_below(file, options), lambda names: is_header(names, options))


def _whole(faults: list[Fault]) -> Window:
    return Window(_HEADER, empty(PAYMENTS), empty(TOTALS), file_findings(faults, "csv"))


FORMAT = CsvFormat()
