"""Rung fees: the entry names the payment, and differs from it by the bank's charges.

Charges make a debit larger and a credit smaller. They count where the entry tells them (Chrgs), or tells the amount as
instructed (InstdAmt), or where they lie within the tolerance of the provider's rule. They are posted to the rule's account,
else to the provider's fees.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.money import minor_of
from reconciliation._amounts import alone, tolerance
from reconciliation._meet import Claims
from reconciliation._naming import named_payments
from reconciliation._rung import Case, Rung
from reconciliation._side import beside
from reconciliation._sides import NAMES

_BANK: Final = (
    "amount_minor", "currency", "credit_debit", "charges_minor", "instructed_amount_text", "instructed_currency",
)  # fmt: skip


def _find(case: Case) -> Claims:
    named = alone(named_payments(case.bank, case.book.filter("is_open"), case.words, case.rule.fields or NAMES))
    sides = beside(named, case.bank, case.book, _BANK, ("amount_minor", "currency", "provider"))
    amount, ours = pl.col("amount_minor"), pl.col("amount_minor_p")
    taken = pl.when(pl.col("credit_debit") == "DBIT").then(amount - ours).otherwise(ours - amount)
    instructed = minor_of(sides["instructed_amount_text"], sides["instructed_currency"])
    told = (
        (pl.col("charges_minor") == taken).fill_null(value=False)
        | ((pl.lit(instructed) == ours) & (pl.col("instructed_currency") == pl.col("currency_p"))).fill_null(value=False)
    )  # fmt: skip
    within = taken <= tolerance(case.rule, ours)
    fits = (pl.col("currency") == pl.col("currency_p")) & (taken > 0) & (told | within)
    account = pl.lit(case.rule.account) if case.rule.account else pl.format("fees:{}", "provider_p")
    return Claims.of(
        sides.filter(fits).select("e", "p", amount_minor=ours, entry_minor=amount, difference_account=account)
    )


RUNG: Final = Rung("fees", 70, _find, back="return_less_charges")
