"""pain.001.001.09, CustomerCreditTransferInitiation: one submission as one PmtInf of one file to a bank.

Source: ISO 20022 pain.001.001.09; EPC132-08 for SEPA; conventions in docs/exports/pain.001.md.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final, Literal

import polars as pl

from canonical.contracts import ExportSummary, Order, Source
from canonical.limits import WINDOW_BYTES
from canonical.profiles import Model
from exporters._iso_fit import unfit
from exporters._iso_payment import NAMESPACE, checked_payments, header, payment
from exporters._iso_reread import reread
from exporters._iso_xml import write_rows

_COPY_BYTES: Final = 2**20


class Options(Model):
    """`transliterate`: names, addresses and remittance text are written in the SEPA character set (EPC217-08)."""

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

    def unfit(self, payments: pl.DataFrame) -> pl.DataFrame:
        """FINDINGS of payments that no CdtTrfTxInf can carry whole: kept off the rail; `write` refuses them."""
        return unfit(payments)

    def write(self, order: Order, windows: Iterator[pl.DataFrame], out: BinaryIO) -> ExportSummary:
        """Write the file; the same input gives the same bytes.

        The header declares count and sum before the payments, and these come once: they are written to a spool (memory
        up to one window, then disk) and copied behind the header.

        Raises:
            FrameBroken: a payment is no credit transfer in the account's currency, dates differ within the submission, or
                a text does not fit its element. Validation refuses such payments; nothing is cut here.
        """
        options = Options.model_validate(order.provider.export.options)
        count, total_minor, dates = 0, 0, set[object]()
        with tempfile.SpooledTemporaryFile(max_size=WINDOW_BYTES) as body:
            for window in windows:
                payments = checked_payments(window, order, transliterated=options.transliterate)
                write_rows(payments, payment(order), body)
                count += payments.height
                total_minor += int(payments["amount_minor"].sum())
                dates |= set(payments["execution_date"].unique())
            out.write(header(order, count, total_minor, dates, transliterated=options.transliterate))
            body.seek(0)
            shutil.copyfileobj(body, out, _COPY_BYTES)
        out.write(b"</PmtInf></CstmrCdtTrfInitn></Document>\n")
        return ExportSummary(count, {order.account.currency: total_minor})

    def reread(self, source: Source) -> ExportSummary:
        """Count CdtTrfTxInf and sum InstdAmt from the bytes, and hold them against the header.

        Raises:
            FrameBroken: the bytes are not well-formed, or their counts and sums disagree with each other.
        """
        return reread(source.data, NAMESPACE)


EXPORT: Final = Pain001()
