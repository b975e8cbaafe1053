"""Payments to accounts in Switzerland and Liechtenstein: a QR-IBAN has a QR reference, and nothing else has one.

A QR-IBAN is told by the bank number in it (30000 to 31999). It takes francs and euro only. A reference declared as SCOR is an
RF reference here. Where the bank is given by its number beside a common IBAN, both say the same.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._matrix import heads
from validators._row import Check, ChecksRule, blank, quoted

_ACCOUNT: Final = pl.col("creditor_account")
_TYPE: Final = pl.col("remittance_reference_type")
_HERE: Final = _ACCOUNT.str.contains("^(?:CH|LI)[0-9]{2}")
_QR_IBAN: Final = _ACCOUNT.str.contains("^(?:CH|LI)[0-9]{2}3[01][0-9]{3}")
_CREDIT: Final = pl.col("credit_debit") == "CRDT"


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic:
        return payments.clear()
    if not heads(payments["creditor_account"]) & {"CH", "LI"}:
        return payments.filter(_TYPE == "QRR")
    return payments.filter(_HERE.fill_null(value=False) | (_TYPE == "QRR").fill_null(value=False))


def _checks(_: Context) -> tuple[Check, ...]:
    qrr = (_TYPE == "QRR").fill_null(value=False)
    account, iid = quoted("creditor_account"), _ACCOUNT.str.slice(4, 5)
    bank = pl.col("creditor_agent").str.strip_chars_start("0")
    number = pl.col("creditor_agent").str.contains("^[0-9]{3,6}$")
    return (
        Check(
            "remittance_reference", _CREDIT & _QR_IBAN & (~qrr | blank("remittance_reference")),
            pl.lit("Creditor account ") + account + pl.lit(" is a QR-IBAN, and the payment has no QR reference"), "RR07",
            remedy="Give the 27-digit reference of the bill with type QRR, or ask the creditor for its common IBAN.",
        ),
        Check(
            "creditor_account", _CREDIT & qrr & ~_QR_IBAN,
            pl.lit("Creditor account ") + account + pl.lit(" is no QR-IBAN, and the payment has a QR reference"), "AC03",
            remedy="Give the QR-IBAN that stands on the bill with that reference.",
        ),
        Check(
            "currency", _CREDIT & _QR_IBAN & ~pl.col("currency").is_in(("CHF", "EUR")),
            pl.lit("A QR-IBAN takes CHF and EUR, not ") + quoted("currency"), "AM03", remedy="Pay in CHF or EUR.",
        ),
        Check(
            "remittance_reference",
            _CREDIT & _HERE & (_TYPE == "SCOR") & ~pl.col("remittance_reference").str.starts_with("RF"),
            pl.lit("Reference ") + quoted("remittance_reference") + pl.lit(" is declared as SCOR and is no RF reference"),
            "RR07", remedy="Give the RF reference of the bill, or send the text as free remittance text.",
        ),
        Check(
            "creditor_agent", _CREDIT & _HERE & ~_QR_IBAN & number & (bank != iid.str.strip_chars_start("0")),
            pl.format("Creditor bank {} is not the one of the account, {}", quoted("creditor_agent"), iid), "RC04",
            Severity.WARNING, "Leave the bank out; the IBAN names it.",
        ),
    )  # fmt: skip


RULE = ChecksRule(
    id="swiss_payment",
    reason="RR07",
    severity=Severity.ERROR,
    remedy="Copy account and reference from the same bill.",
    sources=(
        "SIX, Swiss Payment Standards: implementation guidelines for customer credit transfers (pain.001)",
        "SIX, Swiss implementation guidelines QR-bill: QR-IBAN and QR-IID",
    ),
    checks=_checks,
    suspects=_suspects,
)
