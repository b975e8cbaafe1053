"""pain.008, CustomerDirectDebitInitiation: one submission as one file to a bank, in the bank's dialect.

Source: ISO 20022 pain.008.001.08 and pain.008.001.02; EPC130-08 for SEPA; conventions in docs/exports/pain.008.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Order, Said, Source
from canonical.profiles import Model
from exporters._iso_dialect import Dialect, Text35
from exporters._iso_file import shape, write
from exporters._iso_fit import unfit
from exporters._iso_header import namespace
from exporters._iso_reread import reread
from exporters._iso_versions import DEBIT, DEBITS, Message, Version


class Options(Dialect):
    """`version`: 08 or 02. `creditor_scheme_id`: creditor identifier of collections that say none themselves."""

    version: Literal["02", "08"] = "08"
    payment_type_in: Literal["payment", "batch"] = "batch"
    creditor_scheme_id: Text35 | None = None

    def _message(self) -> Message:
        return DEBIT


@dataclass(frozen=True, slots=True)
class Pain008:
    """The export. See docs/exports/pain.008.md."""

    name: str = "pain.008"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = True
    suffix: str = ".xml"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002
        """InstrId: the payment's id."""
        return payment_id

    def unfit(self, payments: pl.DataFrame, options: Options | None = None) -> pl.DataFrame:
        """FINDINGS of payments that no DrctDbtTxInf can carry whole: kept off the rail; `write` refuses them."""
        options = options or Options()
        return unfit(payments, DEBITS[options.version], options)

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are."""
        return Said()

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same input gives the same bytes.

        Raises:
            FrameBroken: a payment is no direct debit in the account's currency, dates differ within the submission, or
                something does not fit (see `unfit`). Validation refuses such payments; nothing is cut here.
        """
        version, options = _agreed(order)
        return write(order, version, options, windows, out, options.creditor_scheme_id)

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest DrctDbtTxInf from the bytes, and hold them against every header.

        Raises:
            FrameBroken: the bytes are not well-formed, or their counts and sums disagree with each other.
        """
        version, options = _agreed(order)
        return reread(source.data, shape(version, options), namespace(version, options))


def _agreed(order: Order) -> tuple[Version, Options]:
    options = Options.model_validate(order.provider.export.options)
    return DEBITS[options.version], options


EXPORT: Final = Pain008()
