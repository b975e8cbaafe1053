"""NACHA (ACH) origination files from clients: 94-character records, PPD and CCD and classes with the same entry layout.

Source: Nacha Operating Rules, Appendices One (file exchange) and Three (record formats). docs/formats/nacha.md says
what is read into which column and what is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Model, Source, Window
from canonical.frames import FINDINGS, PAYMENTS, TOTALS, checked, conform
from canonical.limits import FILE_ROWS_MAX
from parsers._nacha_batches import (
    SUMS_SCHEMA,
    batch_controls,
    batch_headers,
    batch_sums,
    control_findings,
    control_totals,
    header_findings,
)
from parsers._nacha_entries import character_findings, entries_of, entry_findings, payments_of
from parsers._nacha_file import Counted, closing_findings, file_header, file_totals, opening_findings
from parsers._nacha_findings import Fault, gathered
from parsers._nacha_layout import closes, cut, sniff
from parsers._nacha_lines import Records, records
from parsers._nacha_order import Place, left_off, order_findings, placed

_RETURN_FILE: Final = Fault(
    "nacha-return-file", "FF01", Severity.FATAL, Level.FILE, "addenda type code",
    "Send payments only; returns and notifications of change come from banks and are no payments.",
)  # fmt: skip
_TOO_MANY: Final = Fault(
    "nacha-rows", "FF01", Severity.FATAL, Level.FILE, "entry", f"Send at most {FILE_ROWS_MAX} entries in one file."
)


class NachaOptions(Model):
    """No options: the records say everything of themselves."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a window must know of those before it."""

    place: Place = field(default_factory=Place)
    rows: int = 0
    open_header: pl.DataFrame = field(default_factory=lambda: batch_headers(_no_records()))
    open_sums: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUMS_SCHEMA))
    last_number: int | None = None
    last_trace: tuple[int, str] = (0, "")
    counted: Counted = field(default_factory=Counted)
    has_returns: bool = False


def _no_records() -> pl.DataFrame:
    columns = {"line": pl.Int64, "kind": pl.String, "text": pl.String, "batch": pl.Int64}
    return pl.DataFrame(schema=columns)


@dataclass(frozen=True, slots=True)
class Nacha:
    """The payment format. Counts semantics of TOTALS are ACH's: `found` is always filled by this parser."""

    name: str = "nacha"
    kind: ClassVar[Literal["payment"]] = "payment"
    options: type[Model] = NachaOptions

    def sniff(self, head: bytes) -> bool:
        """True when the bytes begin with a file header or a batch header record."""
        return sniff(head)

    def complete(self, tail: bytes) -> bool:
        """True when the file control record stands at the end, followed by nothing but filler."""
        return closes(tail)

    def windows(self, source: Source, options: NachaOptions) -> Iterator[Window]:  # noqa: ARG002 - there are none
        """Read it, a window at a time; client faults are findings."""
        state = _State()
        for index, window in enumerate(records(source.data)):
            header = file_header(window.frame) if index == 0 else None
            state, part = _read(window, state, source.file_id)
            opening = opening_findings(window.frame) if index == 0 else []
            yield Window(
                header,
                conform(part.payments, PAYMENTS),
                conform(pl.concat([part.totals, *_closing_totals(window, state)], how="diagonal"), TOTALS),
                checked(gathered([*opening, part.findings, *_closing(window, state)]), FINDINGS),
                part.unreadable,
            )


@dataclass(frozen=True, slots=True)
class _Part:
    payments: pl.DataFrame
    totals: pl.DataFrame
    findings: pl.DataFrame
    unreadable: int


def _read(window: Records, state: _State, file_id: str) -> tuple[_State, _Part]:
    """One window: its part of the frames, and the state after it."""
    here = placed(window.frame, state.place)
    new_headers = batch_headers(here)
    headers = pl.concat([state.open_header, new_headers])
    entries = entries_of(here, headers, state.rows)
    sums = batch_sums(entries, here, state.open_sums)
    controls = batch_controls(here, headers, sums)
    payments = payments_of(entries, file_id)
    taken = payments.head(max(0, FILE_ROWS_MAX - state.rows))
    returns = here.filter((pl.col("kind") == "7") & cut(2, 3).is_in(["98", "99"]))
    findings = [
        window.findings,
        order_findings(here),
        *character_findings(window.characters, here, entries),
        *header_findings(new_headers, state.last_number),
        *control_findings(controls),
        *entry_findings(entries, state.last_trace),
    ]
    if taken.height < payments.height and state.rows <= FILE_ROWS_MAX:
        findings.append(
            _TOO_MANY.on(payments.slice(taken.height, 1), f"The file has more than {FILE_ROWS_MAX} entries.")
        )
    if not state.has_returns:
        findings.append(_RETURN_FILE.on(returns.head(1), _return_message(), cut(2, 3)))
    after = replace(
        _after(state, here, headers, entries, sums),
        counted=state.counted.plus(window.physical, here, new_headers, entries),
        has_returns=state.has_returns or not returns.is_empty(),
    )
    return after, _Part(taken, control_totals(controls), gathered(findings), entries.height - taken.height)


def _return_message() -> pl.Expr:
    return pl.format(
        "The file holds returns or notifications of change (addenda type {}): it is a return file, no payment file.",
        cut(2, 3),
    )


def _after(
    state: _State, here: pl.DataFrame, headers: pl.DataFrame, entries: pl.DataFrame, sums: pl.DataFrame
) -> _State:
    """Where the window leaves off: of the batch that is still open its header, sums and last trace number."""
    place = left_off(here, state.place)
    is_open = pl.col("batch") == (place.batches if place.marker == "5" else 0)
    rows = entries["row"].max()
    inside = entries.filter("inside").tail(1)
    return replace(
        state,
        place=place,
        rows=state.rows if rows is None else int(str(rows)),
        open_header=headers.filter(is_open),
        open_sums=sums.filter(is_open),
        last_number=_last_number(headers, state.last_number),
        last_trace=state.last_trace if inside.is_empty() else (inside["batch"][0], inside["trace"][0]),
    )


def _last_number(headers: pl.DataFrame, before: int | None) -> int | None:
    text = str(headers["batch_id"][-1]) if headers.height else ""
    return int(text) if text.isascii() and text.isdigit() else before


def _closing(window: Records, state: _State) -> list[pl.DataFrame]:
    return list(closing_findings(state.counted, state.place)) if window.last else []


def _closing_totals(window: Records, state: _State) -> list[pl.DataFrame]:
    return [file_totals(state.counted)] if window.last else []


FORMAT: Final = Nacha()
