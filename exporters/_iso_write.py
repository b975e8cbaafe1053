"""The payments of one submission as XML, a window at a time: from columns, and from the client's own elements where there are more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.errors import FrameBroken
from exporters._iso_batches import Batch, Batches, names_ultimate
from exporters._iso_carrier import Carrier, Parts
from exporters._iso_columns import laid_flat
from exporters._iso_dialect import Dialect
from exporters._iso_fit import has_originals, refuse_misfits
from exporters._iso_header import Payer, written_name
from exporters._iso_original import Fitted
from exporters._iso_payment import layout, said
from exporters._iso_plain import plain
from exporters._iso_shaped import filled, shaped
from exporters._iso_versions import Message, Version
from exporters._iso_whole import Ours, Whole, whole

_FROM_BATCH: Final = {
    "service_level": "PmtTpInf", "local_instrument": "PmtTpInf", "category_purpose": "PmtTpInf", "sequence_type": "PmtTpInf",
    "charge_bearer": "ChrgBr", "ultimate_debtor_name": "Ultmt", "creditor_scheme_id": "CdtrSchmeId",
}  # fmt: skip
"""Canonical columns that hold what the batch says, where it does."""


@dataclass(slots=True)
class Submission:
    """What is written of one order. `xml` and `lifted_<element>` of each payment go to the file."""

    order: Order
    version: Version
    dialect: Dialect
    carrier: Carrier
    batches: Batches
    payer: Payer
    scheme: str | None = None
    lifted: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.lifted = self.dialect.lifted()

    def rows(self, window: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The payments as they are written (turned), and `xml` with a column for each of `lifted` (null where there is none).

        Raises:
            FrameBroken: a payment cannot be written; see `Pain001.write`.
        """
        turned = self.version.message.turned(window)
        if has_originals(window):
            return self._carried(turned)
        payments = self._filled(turned)
        return payments, self._from_columns(payments)

    def _filled(self, window: pl.DataFrame) -> pl.DataFrame:
        payments = filled(window, self.order, self.version, self.dialect)
        if self.scheme is not None and "batch_CdtrSchmeId" not in payments.columns:
            payments = payments.with_columns(pl.col("creditor_scheme_id").fill_null(self.scheme))
        refuse_misfits(payments, self.order, self.version, self.dialect)
        return payments

    def _from_columns(self, payments: pl.DataFrame) -> pl.DataFrame:
        frame = shaped(payments, self.order, self.version, self.dialect)
        told = said(self.version)
        return frame.select(
            laid_flat(frame, layout(self.order, self.version, self.lifted)).alias("xml"),
            *(laid_flat(frame, *told[name]).replace("", None).alias(f"lifted_{name}") for name in self.lifted),
        )

    def _carried(self, window: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        message, batches = self.version.message, self.batches.of(window)
        for ordinal, batch in batches.items():
            self._refuse([f"{fault.path} {fault.what}" for fault in batch.faults], f"batch {ordinal}")
        fallbacks = {ordinal: self.payer.fallback(batch) for ordinal, batch in batches.items()}
        for ordinal, batch in batches.items():
            if fallbacks[ordinal] and self.payer.is_holder(batch) and names_ultimate(window, ordinal, batch):
                self._refuse([f"PmtInf/{message.ours} differs from another batch's"], f"batch {ordinal}")
        is_plain = plain(window, batches, message)
        payments = self._filled(_beside(window, batches, fallbacks, message))
        if is_plain.all():
            return payments, self._from_columns(payments)
        ours = Ours(self.dialect, self.dialect.says(self.order), self.batches.fitted, fallbacks, self.scheme)
        own = self._wholes(list(whole(window.filter(~is_plain), batches, self.carrier, message, ours)), is_plain)
        if not is_plain.any():
            return payments, own
        columns = self._from_columns(payments)
        chosen = [pl.when(is_plain).then(columns[name]).otherwise(own[name]).alias(name) for name in own.columns]
        return payments, pl.select(chosen)

    def _wholes(self, found: list[Whole], is_plain: pl.Series) -> pl.DataFrame:
        """Their XML at the places of those that are not plain."""
        columns: dict[str, list[str | None]] = {"xml": [None] * is_plain.len()}
        columns |= {f"lifted_{name}": [None] * is_plain.len() for name in self.lifted}
        for place, one in zip((~is_plain).arg_true(), found, strict=True):
            self._refuse([f"{fault.path} {fault.what}" for fault in one.faults], f"row {one.row}")
            columns["xml"][place] = one.xml
            for name, xml in one.lifted.items():
                columns[f"lifted_{name}"][place] = xml
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))

    def _refuse(self, faults: list[str], where: str) -> None:
        if faults:
            raise FrameBroken(f"{where}: {', '.join(faults)}", submission_id=self.order.submission_id)


def submission(order: Order, version: Version, dialect: Dialect, scheme: str | None = None) -> Submission:
    """One to be written. `scheme`: creditor identifier of collections that say none."""
    fitted = Fitted() if dialect.transliterate else None
    carrier = Carrier(version.grammar, fitted)
    name = order.account.name
    names = frozenset({name, written_name(name, transliterated=dialect.transliterate)})
    payer = Payer(order, names, version.message)
    return Submission(order, version, dialect, carrier, Batches(carrier, fitted, version.message), payer, scheme)


def _beside(
    window: pl.DataFrame, batches: dict[int, Batch], fallbacks: Mapping[int, Parts | None], message: Message
) -> pl.DataFrame:
    """The window with what its batches say, as XML; the canonical columns keep what the payments say themselves."""
    columns = {name: "Ultmt" if name == f"Ultmt{message.ours}" else name for name in message.says}
    told = pl.DataFrame(
        {
            "batch": list(batches),
            **{
                f"batch_{column}": [batch.xml.get(name) for batch in batches.values()]
                for name, column in columns.items()
            },
            "batch_Party": [
                None if fallbacks[ordinal] is None else batches[ordinal].xml["Party"] for ordinal in batches
            ],
        },
        schema={
            "batch": pl.Int64,
            **dict.fromkeys([f"batch_{name}" for name in (*columns.values(), "Party")], pl.String),
        },
    )
    joined = window.join(told, on="batch", how="left", maintain_order="left")
    own = joined.with_columns(
        pl.when(pl.col(f"batch_{element}").is_null()).then(pl.col(name)).alias(name)
        for name, element in _FROM_BATCH.items()
        if f"batch_{element}" in told.columns and told[f"batch_{element}"].null_count() < told.height
    )
    party = pl.when(pl.col("ultimate_debtor_name").is_null()).then("batch_Party")
    return own.with_columns(pl.coalesce("batch_Ultmt", party).alias("batch_Ultmt"))
