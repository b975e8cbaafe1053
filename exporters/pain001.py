"""pain.001, CustomerCreditTransferInitiation: one submission as one PmtInf of one file to a bank.

Source: ISO 20022 pain.001.001.09 and pain.001.001.03; EPC132-08 for SEPA; conventions in docs/exports/pain.001.md.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Order, Said, Source
from canonical.limits import WINDOW_BYTES
from canonical.profiles import Model
from exporters._iso_fit import unfit
from exporters._iso_reread import Shape, reread
from exporters._iso_versions import VERSIONS, Number
from exporters._iso_write import submission
from exporters._iso_xml import write_column

_COPY_BYTES: Final = 2**20
_SHAPE: Final = Shape("CdtTrfTxInf", "InstdAmt", "CdtrAcct")


class Options(Model):
    """`version`: 09 or 03. `transliterate`: names, addresses and remittance text in the SEPA character set (EPC217-08)."""

    version: Number = "09"
    transliterate: bool = False


@dataclass(frozen=True, slots=True)
class Pain001:
    """The export. See docs/exports/pain.001.md."""

    name: str = "pain.001"
    kind: ClassVar[Literal["provider"]] = "provider"
    suffix: str = ".xml"
    options: type[Model] = Options

    def reference(self, order: Order, payment_id: pl.Expr, position: pl.Expr) -> pl.Expr:  # noqa: ARG002
        """InstrId: the payment's id."""
        return payment_id

    def unfit(self, payments: pl.DataFrame, options: Options | None = None) -> pl.DataFrame:
        """FINDINGS of payments that no CdtTrfTxInf can carry whole: kept off the rail; `write` refuses them.

        Where `original` stands beside them, that includes what the client said and the version has no place for.
        """
        return unfit(payments, VERSIONS[(options or Options()).version])

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same input gives the same bytes.

        The header declares count and sum before the payments, and these come once: they are written to a spool (memory
        up to one window, then disk) and copied behind the header.

        Raises:
            FrameBroken: a payment is no credit transfer in the account's currency, dates differ within the submission,
                or something does not fit (see `unfit`). Validation refuses such payments; nothing is cut here.
        """
        options = Options.model_validate(order.provider.export.options)
        written = submission(order, VERSIONS[options.version], transliterated=options.transliterate)
        with tempfile.SpooledTemporaryFile(max_size=WINDOW_BYTES) as body:
            for window in windows:
                write_column(written.xml(window), body)
            out.write(written.header())
            body.seek(0)
            shutil.copyfileobj(body, out, _COPY_BYTES)
        out.write(b"</PmtInf></CstmrCdtTrfInitn></Document>\n")
        return written.totals.summary

    def said(self, order: Order) -> Said:  # noqa: ARG002 - the protocol's
        """Reference and account as they are."""
        return Said()

    def reread(self, source: Source, order: Order) -> ExportSummary:
        """Count CdtTrfTxInf and sum InstdAmt from the bytes, and hold them against the header.

        Raises:
            FrameBroken: the bytes are not well-formed, or their counts and sums disagree with each other.
        """
        options = Options.model_validate(order.provider.export.options)
        return reread(source.data, _SHAPE, VERSIONS[options.version].grammar.namespace)


EXPORT: Final = Pain001()
