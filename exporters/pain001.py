"""pain.001, CustomerCreditTransferInitiation: one submission as one file to a bank, in the bank's dialect.

Source: ISO 20022 pain.001.001.09 and pain.001.001.03; EPC132-08 for SEPA; conventions in docs/exports/pain.001.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Order, Said, Source
from canonical.profiles import Model
from exporters._iso_dialect import Dialect
from exporters._iso_file import shape, write
from exporters._iso_fit import unfit
from exporters._iso_header import namespace
from exporters._iso_reread import reread
from exporters._iso_versions import CREDIT, CREDITS, Message, Version


class Options(Dialect):
    """`version`: 09 or 03; and what the bank wants otherwise."""

    version: Literal["03", "09"] = "09"

    def _message(self) -> Message:
        return CREDIT


@dataclass(frozen=True, slots=True)
class Pain001:
    """The export. See docs/exports/pain.001.md."""

    name: str = "pain.001"
    kind: ClassVar[Literal["provider"]] = "provider"
    batches: ClassVar[bool] = True
    suffix: str = ".xml"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002
        """InstrId: the payment's id."""
        return payment_id

    def unfit(self, payments: pl.DataFrame, options: Options | None = None) -> pl.DataFrame:
        """FINDINGS of payments that no CdtTrfTxInf can carry whole: kept off the rail; `write` refuses them.

        Where `original` stands beside them, that includes what the client said and the version has no place for.
        """
        options = options or Options()
        return unfit(payments, CREDITS[options.version], options)

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are."""
        return Said()

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same input gives the same bytes.

        Raises:
            FrameBroken: a payment is no credit transfer in the account's currency, dates differ within the submission,
                or something does not fit (see `unfit`). Validation refuses such payments; nothing is cut here.
        """
        version, options = _agreed(order)
        return write(order, version, options, windows, out)

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count, sum and digest CdtTrfTxInf from the bytes, and hold them against every header.

        Raises:
            FrameBroken: the bytes are not well-formed, or their counts and sums disagree with each other.
        """
        version, options = _agreed(order)
        return reread(source.data, shape(version, options), namespace(version, options))


def _agreed(order: Order) -> tuple[Version, Options]:
    options = Options.model_validate(order.provider.export.options)
    return CREDITS[options.version], options


EXPORT: Final = Pain001()
