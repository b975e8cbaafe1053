"""pacs.008, FIToFICustomerCreditTransfer: one submission as one file from bank to bank.

Source: ISO 20022 pacs.008.001.08; EPC115-06 (SEPA interbank) and CBPR+ for what stands where; docs/exports/pacs.008.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Order, Said, Source
from canonical.profiles import Model
from exporters._iso_fit import unfit
from exporters._iso_header import namespace
from exporters._iso_interbank import Options, limits, ours
from exporters._iso_interbank_write import VERSION, write
from exporters._iso_reread import Shape, reread

_SHAPE: Final = Shape("CdtTrfTxInf", "IntrBkSttlmAmt", "CdtrAcct")


@dataclass(frozen=True, slots=True)
class Pacs008:
    """The export. See docs/exports/pacs.008.md."""

    name: str = "pacs.008"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = False
    suffix: str = ".xml"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002
        """InstrId and TxId: the payment's id."""
        return payment_id

    def unfit(self, payments: pl.DataFrame, options: Options) -> pl.DataFrame:
        """FINDINGS of payments that no CdtTrfTxInf can carry whole: kept off the rail; `write` refuses them."""
        return unfit(payments, VERSION, options, limits(options), ours(options, None, "2000-01-01"))

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are."""
        return Said()

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same input gives the same bytes.

        Raises:
            FrameBroken: a payment is no credit transfer in the account's currency, dates differ within the submission,
                or something does not fit (see `unfit`). Nothing is cut here.
        """
        return write(order, _options(order), windows, out)

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest CdtTrfTxInf from the bytes, and hold them against GrpHdr.

        Raises:
            FrameBroken: the bytes are not well-formed, or their counts and sums disagree with each other.
        """
        return reread(source.data, _SHAPE, namespace(VERSION, _options(order)))


def _options(order: Order) -> Options:
    return Options.model_validate(order.provider.export.options)


EXPORT: Final = Pacs008()
