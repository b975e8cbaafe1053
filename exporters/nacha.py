"""NACHA (ACH) files for banks: batches by class, company and description, with control records and full blocks.

Source: Nacha Operating Rules, Appendices One and Three. docs/exports/nacha.md says which column is written where and
what is refused.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal, cast

import polars as pl

from canonical.ahead import ahead
from canonical.contracts import ExportSummary, Model, Order, Said, Source
from canonical.errors import FrameBroken
from canonical.limits import WINDOW_BYTES
from canonical.tally import written_as
from exporters._fit import refuse
from exporters._nacha_batches import Batches
from exporters._nacha_entries import plain, prepared
from exporters._nacha_fit import unfit
from exporters._nacha_offset import offsets
from exporters._nacha_records import (
    BATCHES_MAX,
    ENTRY_SUM_MAX,
    TRACE_SEQUENCE_MAX,
    NachaOptions,
    batch_control,
    batch_header,
    file_end,
    file_header,
    originating_dfi,
)
from exporters._nacha_reread import reread


@dataclass(frozen=True, slots=True)
class Nacha:
    """The provider export."""

    name: str = "nacha"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = False
    suffix: str = ".ach"
    options: type[Model] = NachaOptions

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002 - the protocol's
        """Trace number: eight digits of our bank, then the reserved sequence number of seven digits."""
        sequence = position.cast(pl.Int64) + (order.sequence_first - 1)
        return pl.lit(originating_dfi(order, _options(order))) + sequence.cast(pl.String).str.zfill(7)

    def unfit(self, payments: pl.DataFrame, options: NachaOptions | None = None) -> pl.DataFrame:
        """FINDINGS of payments that no ACH entry can carry whole. `write` refuses them: keep them off the rail."""
        return unfit(plain(payments), options)

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same payments give the same bytes, however they are cut into windows.

        Raises:
            FrameBroken: a payment that `unfit` names, a reference that is no ascending trace number of this order, or
                sums or batches beyond the digits of a file control record. Nothing was written to `out` then.
            ConfigError: no originating DFI, or too many files in a day.
        """
        options = _options(order)
        dfi = originating_dfi(order, options)
        opening = file_header(order, options)
        with tempfile.SpooledTemporaryFile(max_size=WINDOW_BYTES) as spool:
            # The spool has all of BinaryIO that is used here; typeshed does not call it one.
            batches = Batches(cast("BinaryIO", spool))
            summary = ExportSummary()
            for window, records in ahead(_prepared(windows, dfi, order, options)):
                batches.add(records)
                summary = summary.plus(written_as(window))
            if options.offset is not None and summary.payments:
                batches.add(offsets(batches.by_day(), options.offset, order, options, dfi))
            sums = batches.sums()
            if max(sums.debit, sums.credit) > ENTRY_SUM_MAX or batches.number > BATCHES_MAX:
                raise FrameBroken("sums or batches do not fit one ACH file", submission_id=order.submission_id)
            out.write(opening.encode("ascii"))
            for number, (batch, entries) in enumerate(batches.closed(), start=1):
                out.write(batch_header(batch.key, batch.sums.service_class, order, dfi, number).encode("ascii"))
                out.writelines(entries)
                out.write(batch_control(batch.key, batch.sums, dfi, number).encode("ascii"))
            out.write(file_end(sums, batches.number).encode("ascii"))
        return summary

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are."""
        return Said()

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest the entries in the bytes, with code of its own.

        Raises:
            FrameBroken: a line that is no record of 94 characters, or a file control record that says otherwise.
        """
        return reread(source, _options(order).offset)


def _options(order: Order) -> NachaOptions:
    return NachaOptions.model_validate(order.provider.export.options)


def _prepared(
    windows: Iterator[pl.DataFrame], dfi: str, order: Order, options: NachaOptions
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Each window, and its records."""
    last = ""
    for window in map(plain, windows):
        last = _checked(window, dfi, last, order, options)
        yield window, prepared(window, order, options)


def _checked(window: pl.DataFrame, dfi: str, last: str, order: Order, options: NachaOptions) -> str:
    """The last trace number of the window, after looking whether all of it can be written."""
    submission_id = order.submission_id
    refuse(unfit(window, options), "ACH entries", submission_id)
    trace = pl.col("reference")
    right = trace.str.contains(rf"^{dfi}[0-9]{{7}}$").fill_null(value=False) & (trace > trace.shift(1, fill_value=last))
    wrong = window.filter(~right)
    if not wrong.is_empty():
        message = f"trace numbers must ascend from {dfi}0000001 to {dfi}{TRACE_SEQUENCE_MAX}"
        raise FrameBroken(message, submission_id=submission_id, row=wrong["row"][0])
    return last if window.is_empty() else str(window["reference"][-1])


EXPORT: Final = Nacha()
