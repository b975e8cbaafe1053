"""settlement-csv: a provider's settlement or status report as CSV, read by the mapping that its profile declares.

Stripe's payout reconciliation and Adyen's settlement detail report are worked out in docs/formats/settlement-csv.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Feedback, Model, Source
from canonical.frames import ENTRIES, FINDINGS, STATEMENTS, STATUSES, checked, empty
from canonical.limits import WINDOW_BYTES
from parsers._csv_blocks import encoded, read_head
from parsers._csv_header import Fault as HeaderFault
from parsers._csv_header import at_line, file_findings
from parsers._csv_rows import Place, flawed, rows_at, sound_cells
from parsers._csv_sniff import looks_like_a_table
from parsers._csv_title import header_below, rows_below
from parsers._csv_values import Cells, Misfit
from parsers._nacha_findings import Fault, gathered
from parsers._settlement_frames import entries_of, settled, stated, statements_of, statuses_of
from parsers._settlement_options import SettlementOptions
from parsers._settlement_rows import headings_of, layout_of, mapped
from parsers._settlement_total import closing_findings, closing_row

_NAME: Final = "settlement-csv"
_AMOUNTS: Final = "^(?:gross|net|amount|fee)(?:_|$)"
_AGAIN: Final = "Nothing of the file is used. Ask the provider what changed, or correct the mapping in the profile."


@dataclass(frozen=True, slots=True)
class SettlementCsv:
    """The format. See docs/formats/settlement-csv.md."""

    name: str = _NAME
    kind: ClassVar[Literal["feedback"]] = "feedback"
    options: type[Model] = SettlementOptions
    window_bytes: int = WINDOW_BYTES // 2

    def sniff(self, head: bytes) -> bool:
        """True when some of the first lines look like rows of a table."""
        return looks_like_a_table(head)

    def read(self, source: Source, options: SettlementOptions) -> Feedback:
        """STATEMENTS and ENTRIES, or STATUSES. A cell that does not fit is FATAL: half a settlement is none."""
        rows, findings, headings = self._rows(source, options)
        statuses, entries, statements = empty(STATUSES), empty(ENTRIES), empty(STATEMENTS)
        if rows is not None:
            rows, more = settled(rows, options) if options.gives == "entries" else stated(rows)
            findings += more
        found = _in_words(_once(gathered(findings)), headings)
        if rows is not None and not found["severity"].is_in([Severity.FATAL.value]).any():
            if options.gives == "entries":
                entries, statements = entries_of(rows, options), statements_of(rows)
            else:
                statuses = statuses_of(rows)
        return Feedback(_NAME, options.gives, None, statuses, statements, entries, checked(found, FINDINGS))

    def _rows(
        self, source: Source, options: SettlementOptions
    ) -> tuple[pl.DataFrame | None, list[pl.DataFrame], dict[str, str]]:
        """The typed rows, None where there are none; what is wrong with the file; and what it calls our columns."""
        dialect = options.dialect()
        file, fault = encoded(source.data, dialect)
        if file is None or file.end <= file.begin:
            return None, [_told([fault or HeaderFault("header", "The file is empty", _AGAIN)])], {}
        head, fault = read_head(file, dialect)
        if head is None:
            return None, [_told([fault] if fault else [])], {}
        layout, faults = layout_of(head.names, options)
        if layout is None:
            below = header_below(rows_below(file, dialect), lambda names: layout_of(names, options)[0] is not None)
            return None, [_told(below or at_line(faults, head.line))], {}
        headings = headings_of(layout)
        place, frames, findings = Place(head.offset, head.next_line), [], []
        closing: tuple[Cells, pl.DataFrame] | None = None
        while place.offset < file.end:
            block = rows_at(file, place, layout, dialect, self.window_bytes)
            place = block.after
            cells, where = sound_cells(block, layout, dialect)
            if place.offset >= file.end and closing_row(cells, layout, options):
                closing = replace(cells, frame=cells.frame.tail(1)), where.tail(1)
                cells, where = replace(cells, frame=cells.frame.head(-1)), where.head(-1)
            read = mapped(cells, where, layout, options)
            frames.append(read.frame)
            findings += [_fatal(flawed(block, layout, dialect)), *(_misfits(item, where) for item in read.misfits)]
        if not any(frame.height for frame in frames):
            none = HeaderFault("header", "The file has a header and no rows", _AGAIN, Severity.WARNING)
            return None, findings if place.rows else [_told([none])], headings
        rows = pl.concat(frames)
        if closing is not None:
            findings += closing_findings(rows, *closing, layout, options)
        return rows, findings, headings


def _once(found: pl.DataFrame) -> pl.DataFrame:
    """Each fault of a row once: what could not be read is not also missing, and no amount is judged in no currency."""
    value, missing = (pl.col("rule") == f"{_NAME}-{name}" for name in ("value", "missing"))
    field = pl.col("field")
    none = found.filter(missing & (field == "currency"))["row"]
    unread = {
        "booking_date": found.filter(value & (field == "booking_date"))["row"],
        "net": found.filter(value & field.str.contains(_AMOUNTS))["row"],
    }
    again = [missing & (field == name) & pl.col("row").is_in(rows.implode()) for name, rows in unread.items()]
    judged = value & field.str.contains(_AMOUNTS) & pl.col("row").is_in(none.implode())
    return found.filter(~pl.any_horizontal(*again, judged).fill_null(value=False))


def _in_words(found: pl.DataFrame, headings: dict[str, str]) -> pl.DataFrame:
    """The findings with the provider's headings as fields: ours are in no file."""
    return found.with_columns(pl.col("field").replace(headings)) if headings else found


def _told(faults: list[HeaderFault]) -> pl.DataFrame:
    return file_findings(faults, _NAME)


def _fatal(findings: pl.DataFrame) -> pl.DataFrame:
    """Rows that cannot be read: the same as of a client's table, under our name, and the whole file falls with them."""
    return findings.with_columns(
        pl.col("rule").str.replace("^csv-", f"{_NAME}-"), pl.lit(Severity.FATAL.value).alias("severity"),
        pl.lit(_AGAIN).alias("remedy"),
    )  # fmt: skip


def _misfits(misfit: Misfit, where: pl.DataFrame) -> pl.DataFrame:
    fault = Fault(f"{_NAME}-value", "CH16", Severity.FATAL, Level.PAYMENT, misfit.ours, _AGAIN)
    rows = where.select("row", "line")[misfit.rows].with_columns(value=misfit.values.str.head(60))
    before, _, behind = misfit.message.partition("{}")
    return fault.on(rows, pl.lit(before) + pl.col("value").fill_null("") + pl.lit(behind), pl.col("value"))


FORMAT: Final = SettlementCsv()
