"""The payments of one submission as XML, a window at a time: from columns, and from the client's own elements where there are more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from canonical.contracts import Order
from canonical.errors import FrameBroken
from exporters._iso_batches import Batch, Batches, names_ultimate
from exporters._iso_carrier import Carrier, Parts
from exporters._iso_columns import laid_flat
from exporters._iso_fit import has_originals, refuse_misfits
from exporters._iso_header import Payer, Totals, header, written_name
from exporters._iso_original import Fitted
from exporters._iso_payment import BATCH_SAYS, filled, layout, shaped
from exporters._iso_plain import plain
from exporters._iso_versions import Version
from exporters._iso_whole import whole

_FROM_BATCH: Final = {
    "service_level": "PmtTpInf", "local_instrument": "PmtTpInf", "category_purpose": "PmtTpInf", "charge_bearer": "ChrgBr",
    "ultimate_debtor_name": "UltmtDbtr",
}  # fmt: skip
"""Canonical columns that hold what the batch says, where it does."""


@dataclass(slots=True)
class Submission:
    """What is written of one order."""

    order: Order
    version: Version
    transliterated: bool
    carrier: Carrier
    batches: Batches
    payer: Payer
    totals: Totals = field(default_factory=Totals)

    def xml(self, window: pl.DataFrame) -> pl.Series:
        """`<CdtTrfTxInf>…</CdtTrfTxInf>` of each payment of a window, counted.

        Raises:
            FrameBroken: a payment cannot be written; see `Pain001.write`.
        """
        if has_originals(window):
            payments, xml = self._carried(window)
        else:
            payments = self._filled(window)
            xml = self._from_columns(payments)
        self.totals.add(payments)
        return xml

    def header(self) -> bytes:
        """What stands before the payments. Raises FrameBroken; see `header`."""
        return header(self.payer, self.carrier, self.version, self.totals, transliterated=self.transliterated)

    def _filled(self, window: pl.DataFrame) -> pl.DataFrame:
        payments = filled(window, self.order, transliterated=self.transliterated)
        refuse_misfits(payments, self.order, self.version)
        return payments

    def _from_columns(self, payments: pl.DataFrame) -> pl.Series:
        frame = shaped(payments, self.order)
        return frame.select(laid_flat(frame, layout(self.order, self.version)).alias("xml")).to_series()

    def _carried(self, window: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        batches = self.batches.of(window)
        for ordinal, batch in batches.items():
            self._refuse([f"{fault.path} {fault.what}" for fault in batch.faults], f"batch {ordinal}")
        fallbacks = {ordinal: self.payer.fallback(batch) for ordinal, batch in batches.items()}
        for ordinal, batch in batches.items():
            if fallbacks[ordinal] and self.payer.is_holder(batch) and names_ultimate(window, ordinal, batch):
                self._refuse(["PmtInf/Dbtr differs from another batch's"], f"batch {ordinal}")
        is_plain = plain(window, batches)
        payments = self._filled(_beside(window, batches, fallbacks))
        if is_plain.all():
            return payments, self._from_columns(payments)
        rest = whole(payments.filter(~is_plain), batches, self.carrier, self.batches.fitted, fallbacks)
        texts: list[str | None] = [None] * window.height
        for place, found in zip((~is_plain).arg_true(), rest, strict=True):
            self._refuse([f"{fault.path} {fault.what}" for fault in found.faults], f"row {found.row}")
            texts[place] = found.xml
        own = pl.Series("xml", texts, dtype=pl.String)
        if not is_plain.any():
            return payments, own
        columns = self._from_columns(payments)
        return payments, pl.select(pl.coalesce(own, columns).alias("xml")).to_series()

    def _refuse(self, faults: list[str], where: str) -> None:
        if faults:
            raise FrameBroken(f"{where}: {', '.join(faults)}", submission_id=self.order.submission_id)


def submission(order: Order, version: Version, *, transliterated: bool) -> Submission:
    """One to be written."""
    fitted = Fitted() if transliterated else None
    carrier = Carrier(version.grammar, fitted)
    name = order.account.name
    names = frozenset({name, written_name(name, transliterated=transliterated)})
    return Submission(order, version, transliterated, carrier, Batches(carrier, fitted), Payer(order, names))


def _beside(window: pl.DataFrame, batches: dict[int, Batch], fallbacks: dict[int, Parts | None]) -> pl.DataFrame:
    """The window with what its batches say, as XML; the canonical columns keep what the payments say themselves."""
    said = pl.DataFrame(
        {
            "batch": list(batches),
            **{f"batch_{name}": [batch.xml.get(name) for batch in batches.values()] for name in BATCH_SAYS},
            "batch_Dbtr": [None if fallbacks[ordinal] is None else batches[ordinal].xml["Dbtr"] for ordinal in batches],
        },
        schema={"batch": pl.Int64, **dict.fromkeys([f"batch_{name}" for name in (*BATCH_SAYS, "Dbtr")], pl.String)},
    )
    joined = window.join(said, on="batch", how="left", maintain_order="left")
    own = joined.with_columns(
        pl.when(pl.col(f"batch_{element}").is_null()).then(pl.col(name)).alias(name)
        for name, element in _FROM_BATCH.items()
        if said[f"batch_{element}"].null_count() < said.height
    )
    debtor = pl.when(pl.col("ultimate_debtor_name").is_null()).then("batch_Dbtr")
    return own.with_columns(pl.coalesce("batch_UltmtDbtr", debtor).alias("batch_UltmtDbtr"))
