"""A payment is made once: within a file, and against the client's earlier files.

Two payments are the same when client, direction, creditor account and bank, amount, currency and end-to-end id agree (in
NACHA files the date as well, since an individual id names a person). Without an end-to-end id, creditor name, execution date
and remittance take its place; such a likeness inside one file is only a warning. The client's profile says if duplicates are
rejected or told (`duplicate_payment`). Of two in one file the first stands that no other rule rejects. The gateway looks
earlier files up, by the keys made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

import polars as pl

from canonical.codes import Level, Severity
from canonical.contracts import Context, Fallen, Window
from canonical.frames import FINDINGS, empty
from canonical.parties import counterparty
from validators._seen import PLACE, Seen, noted, repeats, told
from validators._texts import fingerprint, identities, real_end_to_end_id

_NO_KEYS: Final = pl.DataFrame(schema={"key": pl.UInt64, "check": pl.UInt64, "offset": pl.Int64, "row": pl.Int64})
_NACHA: Final = pl.col("transaction_code").is_not_null()
_ERROR_REMEDY: Final = "Leave it out. If it is meant as a second payment, give it an end-to-end id of its own."
_LIKENESS_REMEDY: Final = "Look if it is meant twice; an end-to-end id of its own for each payment settles it."


def _fingerprint(client_id: str) -> pl.Expr:
    dated, plain = fingerprint(client_id, dated=True), fingerprint(client_id, dated=False)
    return pl.when(_NACHA).then(dated).otherwise(plain)


@dataclass(frozen=True, slots=True)
class DuplicatePayment:
    """The rule for duplicates inside a file, and what the gateway needs for those against earlier files."""

    id: str = "duplicate_payment"
    reason: str = "AM05"
    severity: Severity = Severity.ERROR
    level: Level = Level.PAYMENT
    remedy: str = _ERROR_REMEDY
    sources: tuple[str, ...] = (
        "ISO 20022 ExternalStatusReason1Code AM05",
        "the client's profile: duplicate_payment, duplicate_window_days",
    )
    kind: ClassVar[Literal["last"]] = "last"

    def start(self, context: Context) -> Seen:  # noqa: ARG002  the protocol's
        """Nothing seen."""
        return ()

    def update(self, state: Seen, window: Window, context: Context) -> Seen:
        """Note the fingerprints of one more window."""
        if window.payments.is_empty():
            return state
        payments = window.payments
        # Prenotifications move nothing and may come again.
        moving = payments if not payments["prenote"].any() else payments.filter(~pl.col("prenote"))
        whole = (counterparty("account").is_not_null() & (pl.col("amount_minor") > 0)).fill_null(value=False)
        keys = identities(moving, context.client.client_id)
        return (*state, noted(moving, keys, context, pl.col("offset"), whole.alias("whole")))

    def merge(self, left: Seen, right: Seen) -> Seen:
        """Both parts, in file order."""
        return left + right

    def finish(self, state: Seen, context: Context, fallen: Fallen) -> pl.DataFrame:
        """FINDINGS: one for every payment that is in the file before; the first one stands that has not fallen."""
        if not state:
            return empty(FINDINGS)
        # What cannot be paid is told by other rules.
        whole = tuple(seen if seen["whole"].all() else seen.filter("whole") for seen in state)
        again = repeats(whole, fallen).with_columns(real_end_to_end_id().is_not_null().alias("sure"))
        sure = pl.col("sure")
        message = pl.format(f"The same payment as {context.facts.place}", pl.col("first_row"), pl.col("first_line"))
        likeness = pl.lit("; neither has an end-to-end id, so they may be two")
        return told(
            again, rule=self.id, reason=self.reason,
            severity=pl.when(sure).then(pl.lit(_severity(context).value)).otherwise(pl.lit(Severity.WARNING.value)),
            message=pl.when(sure).then(message).otherwise(message + likeness),
            remedy=pl.when(sure).then(pl.lit(_ERROR_REMEDY)).otherwise(pl.lit(_LIKENESS_REMEDY)),
        )  # fmt: skip

    def fingerprints(self, payments: pl.DataFrame, client_id: str) -> pl.DataFrame:
        """payment_id, fingerprint of payments (PAYMENTS columns): the full text that confirms that two keys are one."""
        return payments.select("payment_id", _fingerprint(client_id).alias("fingerprint"))

    def keys(self, state: Seen) -> pl.DataFrame:
        """key, check, offset (as in KEYS) and row of all payments seen, unsorted. Prenotes have no key."""
        wanted = ("key", "check", "offset", pl.col("row").cast(pl.Int64))
        return pl.concat([_NO_KEYS, *(seen.select(wanted) for seen in state)], rechunk=False)

    def repeated(self, payments: pl.DataFrame, earlier: pl.DataFrame, context: Context) -> pl.DataFrame:
        """FINDINGS for payments that an earlier file had. `earlier`: payment_id, earlier_payment_id, earlier_day.

        Severity by the client's profile. The gateway has confirmed each hit on the full fingerprint.
        """
        again = payments.select("payment_id", *PLACE).join(earlier, on="payment_id", how="inner", maintain_order="left")
        message = pl.format(
            "The same payment was accepted before, in a file received on {} (payment {})",
            pl.col("earlier_day"), pl.col("earlier_payment_id"),
        )  # fmt: skip
        return told(
            again, rule=self.id, reason=self.reason, severity=_severity(context).value, message=message, remedy=_ERROR_REMEDY,
        )  # fmt: skip


def _severity(context: Context) -> Severity:
    return Severity.ERROR if context.client.duplicate_payment == "reject" else Severity.WARNING


RULE = DuplicatePayment()
