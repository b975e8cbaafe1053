"""Bacs Standard 18 files for banks and bureaus: labels, data records, contra records and the user trailer.

Source: Bacs, PN5011 file structures (Standard 18). docs/exports/bacs18.md says which column is written where and what is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Model, Order, Said, Source
from canonical.errors import FrameBroken
from canonical.tally import written_as
from exporters._bacs_records import (
    AMOUNT_MINOR_MAX,
    SAID,
    TEXT_CHARS,
    Options,
    Totals,
    closing,
    limits,
    opening,
    own_account,
    records,
)
from exporters._bacs_reread import reread
from exporters._buffers import write_texts
from exporters._fit import misfits, refuse
from exporters._references import numbered

_RULE: Final = "bacs18-fit"


@dataclass(frozen=True, slots=True)
class Bacs18:
    """The provider export."""

    name: str = "bacs18"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = False
    suffix: str = ".txt"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002 - the protocol's
        """Eighteen characters of ours: what is written of a credit without a reference of the client's."""
        return numbered(order.submission_id, position, TEXT_CHARS)

    def unfit(self, payments: pl.DataFrame, options: Options) -> pl.DataFrame:
        """FINDINGS of payments that no data record can carry whole. `write` refuses them: keep them off the rail."""
        # Here no payment has a reference of ours yet; it always fits.
        return misfits(payments.with_columns(reference=pl.lit("0" * TEXT_CHARS)), limits(options), _RULE)

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """The mandate's or the client's reference, and sort code with account number."""
        return SAID

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same payments give the same bytes, however they are cut into windows.

        Raises:
            FrameBroken: a payment that `unfit` names, no payment at all, several days in a file for a single one, or
                sums beyond the digits of a contra record.
            ConfigError: the provider's account has no sort code.
        """
        options = _options(order)
        summary, totals, day = ExportSummary(), Totals(), None
        for window in windows:
            payments = window.with_columns(pl.col("execution_date").fill_null(order.business_date))
            refuse(misfits(payments, limits(options), _RULE), "Bacs records", order.submission_id)
            if day is None and payments.height:
                day = payments["execution_date"][0]
                out.write(opening(order, options, day).encode("ascii"))
            if options.processing == "single" and (payments["execution_date"] != day).any():
                raise FrameBroken(
                    "a single processing day file has payments of several", submission_id=order.submission_id
                )
            write_texts(records(payments, order, options), out)
            totals.add(payments)
            summary = summary.plus(written_as(payments, SAID))
        if day is None or max(totals.balance.values()) > AMOUNT_MINOR_MAX:
            raise FrameBroken(
                "a Bacs file has no payments, or more than one contra record holds", submission_id=order.submission_id
            )
        if options.contra:
            out.writelines(line.encode("ascii") for line in totals.contras(order, options))
        out.write(closing(order, options, totals).encode("ascii"))
        return summary

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest the data records, with code of its own.

        Raises:
            FrameBroken: records of another length, labels out of place, totals or contra records that disagree.
        """
        return reread(source, own_account(order), contra=_options(order).contra)


def _options(order: Order) -> Options:
    return Options.model_validate(order.provider.export.options)


EXPORT: Final = Bacs18()
