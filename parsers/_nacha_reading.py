"""What a window of an ACH file must know of those before it, carried from one to the next.

Source: Nacha Operating Rules, Appendix Three: sequence of records; batch and file control records.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import polars as pl

from canonical.codes import Level, Severity
from canonical.limits import FILE_ROWS_MAX
from parsers._nacha_addenda import RETURN_TYPES, Addenda, addenda_of
from parsers._nacha_batches import SUMS_SCHEMA, batch_controls, batch_headers, batch_sums
from parsers._nacha_digits import numbers
from parsers._nacha_entries import Entries, entries_of
from parsers._nacha_file import Counted
from parsers._nacha_findings import Fault
from parsers._nacha_layout import cut
from parsers._nacha_lines import Records
from parsers._nacha_odd_lines import BROKEN_LINES_MAX, UNREADABLE
from parsers._nacha_order import NO_RECORDS, Place, Placed, order_findings, placed
from parsers._nacha_parts import Parts

RETURN_FILE: Final = Fault(
    "nacha-return-file", "FF01", Severity.FATAL, Level.FILE, "addenda type code",
    "Send payments only; returns and notifications of change come from banks and are no payments.",
)  # fmt: skip
TOO_MANY: Final = Fault(
    "nacha-rows", "FF01", Severity.FATAL, Level.FILE, "entry", f"Send at most {FILE_ROWS_MAX} entries in one file."
)


@dataclass(frozen=True, slots=True)
class State:
    """Where the windows before left off. `over`: reading ends here, and a FATAL finding says why."""

    place: Place = field(default_factory=Place)
    lines: int = 0
    rows: int = 0
    open_header: pl.DataFrame = field(default_factory=lambda: batch_headers(NO_RECORDS))
    open_sums: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SUMS_SCHEMA))
    last_number: int | None = None
    last_trace: tuple[int, int] = (0, -1)
    counted: Counted = field(default_factory=Counted)
    has_returns: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One window as far as the next one must wait for it. `headers` are those of its entries, `new` those that it brings.

    `before`, `after`: the state around it. `findings`: of lines and order, and FATAL ones.
    """

    here: Placed
    headers: pl.DataFrame
    new: pl.DataFrame
    entries: Entries
    addenda: Addenda
    controls: pl.DataFrame
    before: State
    after: State
    findings: list[pl.DataFrame]


def read_on(window: Records, parts: Parts, state: State) -> Reading:
    """Place the window's records, number its entries and sum its batches."""
    window = window.after(state.lines)
    here = placed(window, state.place, parts)
    new = batch_headers(here.of_kind("5"))
    headers = pl.concat([state.open_header, new])
    entries = entries_of(here, headers, state.rows)
    sums = batch_sums(here, entries.summed, state.open_sums)
    closing = here.chosen(here.inside & (window.kinds == ord("8")))
    after = _after(state, here, headers, new, entries, sums)
    order = order_findings(here)
    after, fatal = _ended(after, state, here, order)
    return Reading(
        here, headers, new, entries, addenda_of(here), batch_controls(closing, headers, sums), state, after,
        [window.findings, order, *fatal],
    )  # fmt: skip


def _after(
    state: State, here: Placed, headers: pl.DataFrame, new: pl.DataFrame, entries: Entries, sums: pl.DataFrame
) -> State:
    """Where the window leaves off: of the batch that is still open its header, sums and last trace number."""
    # Batches ascend, and only the last one can still be open.
    still = int(here.after.open and headers.height > 0 and headers["batch"][-1] == here.after.batches)
    inside = np.flatnonzero(entries.position >= 0)[-1:]
    return replace(
        state,
        place=here.after,
        lines=state.lines + here.records.counted,
        rows=int(entries.row.max(initial=state.rows)),
        open_header=headers.tail(still),
        open_sums=sums.tail(still) if sums.height and sums["batch"][-1] == here.after.batches else sums.clear(),
        last_number=_last_number(headers, state.last_number),
        last_trace=(int(entries.batch[inside[0]]), int(entries.trace[inside[0]])) if inside.size else state.last_trace,
        counted=state.counted.plus(here, here.records.physical, new, entries.summed),
    )


def _last_number(headers: pl.DataFrame, before: int | None) -> int | None:
    text = str(headers["batch_id"][-1]) if headers.height else ""
    return int(text) if text.isascii() and text.isdigit() else before


def _ended(after: State, before: State, here: Placed, order: pl.DataFrame) -> tuple[State, list[pl.DataFrame]]:
    """The state and FATAL findings: returns in a payment file, too many entries, or what is no ACH file any more."""
    findings = []
    returned = _returns(here)
    if returned.size and not before.has_returns:
        message = (
            "The file holds returns or notifications of change (addenda type {}): it is a return file, no payment file."
        )
        findings.append(RETURN_FILE.on(here.chosen(returned[:1]), pl.format(message, cut(2, 3)), cut(2, 3)))
        after = replace(after, has_returns=True)
    if order.height > BROKEN_LINES_MAX:
        message = f"More than {BROKEN_LINES_MAX} records from here on stand where they may not; the rest was not read."
        findings.append(UNREADABLE.at(order["line"][0], message))
    over = here.records.stopped or order.height > BROKEN_LINES_MAX or after.rows > FILE_ROWS_MAX
    return replace(after, over=over), findings


def _returns(here: Placed) -> np.ndarray:
    """Indexes of addenda that tell of a return or a notification of change."""
    parts, kinds, matrix = here.parts, here.records.kinds, here.records.matrix
    if not parts.stray.any() and not (parts.kind[0] >= min(RETURN_TYPES)).any():
        return np.zeros(0, np.int64)
    likely = np.flatnonzero((kinds == ord("7")) & (matrix[:, 1] == ord("9")))
    returned: np.ndarray = likely[np.isin(numbers(matrix[likely], 2, 3)[0], RETURN_TYPES)]
    return returned
