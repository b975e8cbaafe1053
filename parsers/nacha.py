"""NACHA (ACH) origination files from clients: 94-character records of every standard entry class that companies send.

Source: Nacha Operating Rules, Appendices One (file exchange) and Three (record formats). docs/formats/nacha.md says
what is read into which column and what is refused.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.ahead import worked_ahead
from canonical.contracts import FileHeader, FormatFacts, Model, Source, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked, conform, empty
from canonical.limits import FILE_ROWS_MAX
from parsers._nacha_addenda import addenda_findings
from parsers._nacha_batches import control_findings, control_totals, header_findings
from parsers._nacha_characters import character_findings
from parsers._nacha_entries import entry_findings
from parsers._nacha_excerpt import excerpt
from parsers._nacha_file import (
    NO_BATCHES,
    address_findings,
    closing_findings,
    file_header,
    file_totals,
    opening_findings,
)
from parsers._nacha_findings import gathered
from parsers._nacha_iat import international_findings
from parsers._nacha_layout import VERSION, closes, sniff
from parsers._nacha_lines import Piece, Records, pieces, records_of
from parsers._nacha_odd_lines import HEAD_BYTES, indentation
from parsers._nacha_parts import Parts, parts_of
from parsers._nacha_payments import payment_findings, payments_of
from parsers._nacha_reading import TOO_MANY, Reading, State, read_on
from parsers._nacha_rules import FACTS


class NachaOptions(Model):
    """No options: the records say everything of themselves."""


@dataclass(frozen=True, slots=True)
class Nacha:
    """The payment format. Counts semantics of TOTALS are ACH's: `found` is always filled by this parser."""

    name: str = "nacha"
    kind: ClassVar[Literal["payment"]] = "payment"
    options: type[Model] = NachaOptions
    facts: FormatFacts = FACTS

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin with a file header or a batch header record."""
        return sniff(head)

    def complete(self, tail: bytes) -> bool:
        """True when the file control record stands at the end, followed by nothing but filler."""
        return closes(tail)

    def windows(self, source: Source, options: NachaOptions) -> Iterator[Window]:  # noqa: ARG002 - there are none
        """Read it, a window at a time; client faults are findings.

        Two threads read windows by themselves and make frames of them; in between, what one must know of those before it is
        handed on in their order.
        """
        indented = indentation(source.data[:HEAD_BYTES])
        if indented.height:
            yield Window(FileHeader("nacha", VERSION), empty(PAYMENTS), empty(TOTALS), checked(indented, FINDINGS))
            return
        with ThreadPoolExecutor(max_workers=2) as pool:
            alone = worked_ahead(pool, partial(_alone, source.data), pieces(source.data))
            yield from worked_ahead(pool, partial(_window, source.file_id), _readings(alone))

    def excerpt(self, source: Source, kept: pl.DataFrame, options: NachaOptions) -> bytes:  # noqa: ARG002 - there are none
        """A file of just these entries with their addenda, batch headers kept, all controls made anew."""
        return excerpt(source, kept)


def _alone(data: bytes | mmap.mmap, piece: Piece) -> tuple[Records, Parts]:
    """What a window says by itself."""
    window = records_of(data, piece)
    return window, parts_of(window.matrix, window.kinds)


def _readings(windows: Iterator[tuple[Records, Parts]]) -> Iterator[Reading]:
    """What the windows say in their order, up to the one where reading ends."""
    state = State()
    for window, parts in windows:
        reading = read_on(window, parts, state)
        yield reading
        state = reading.after
        if state.over:
            return


def _window(file_id: str, reading: Reading) -> Window:
    """The frames of one window."""
    opens = not reading.before.counted.physical
    payments = payments_of(reading.entries, reading.addenda, reading.headers, file_id)
    taken = payments.head(max(0, FILE_ROWS_MAX - reading.before.rows))
    closing, totals = _closed(reading)
    findings = gathered([
        *([*opening_findings(reading.here), *address_findings(reading.here)] if opens else []),
        *reading.findings,
        *_findings(reading, taken),
        *closing,
        TOO_MANY.on(payments.slice(taken.height, 1), f"The file has more than {FILE_ROWS_MAX} entries."),
    ])  # fmt: skip
    declared = pl.concat([control_totals(reading.controls), *totals], how="diagonal")
    return Window(
        file_header(reading.here) if opens else None,
        conform(taken, PAYMENTS),
        conform(declared, TOTALS) if declared.height else empty(TOTALS),
        checked(findings, FINDINGS) if findings.height else findings,
        len(reading.entries.line) - taken.height,
    )


def _findings(reading: Reading, payments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What is wrong with batches, entries and addenda."""
    entries, addenda, headers = reading.entries, reading.addenda, reading.headers
    yield from character_findings(reading.here.records.characters, entries, headers)
    yield from header_findings(reading.new, reading.before.last_number)
    yield from control_findings(reading.controls)
    yield from entry_findings(entries, headers, reading.before.last_trace)
    yield from addenda_findings(entries, addenda, headers)
    yield from payment_findings(payments)
    yield from international_findings(entries, addenda, headers)


def _closed(reading: Reading) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    """Findings and totals of the file as a whole; none before its end, or where it was not read to its end."""
    state = reading.after
    if not reading.here.records.last or state.over:
        return [], []
    counted = state.counted
    closing = list(closing_findings(counted, state.place))
    if counted.control and not counted.batches:
        closing.append(NO_BATCHES.at(counted.control[0], "The file has no batch and so no payments."))
    return closing, [file_totals(counted)]


FORMAT: Final = Nacha()
