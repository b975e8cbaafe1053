"""Rung tolerance: the entry names the payment, and its amount and date lie within the rule's tolerance.

The difference is posted to the account that the rule names.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._amounts import alone, near, tolerance
from reconciliation._meet import Claims
from reconciliation._naming import named_payments
from reconciliation._rung import Case, Rung
from reconciliation._side import beside
from reconciliation._sides import NAMES


def _find(case: Case) -> Claims:
    if not case.rule.tolerates:
        return Claims.of()
    named = alone(named_payments(case.bank, case.book.filter("is_open"), case.words, case.rule.fields or NAMES))
    sides = beside(
        named, case.bank, case.book, ("amount_minor", "currency", "value_date"),
        ("amount_minor", "currency", "execution_date", "submitted_on"),
    )  # fmt: skip
    amount, ours = pl.col("amount_minor"), pl.col("amount_minor_p")
    fits = (
        (pl.col("currency") == pl.col("currency_p"))
        & ((amount - ours).abs() <= tolerance(case.rule, ours))
        & near(case.rule.days)
    )
    account = pl.lit(case.rule.account)
    return Claims.of(
        sides.filter(fits).select("e", "p", amount_minor=ours, entry_minor=amount, difference_account=account)
    )


RUNG: Final = Rung("tolerance", 90, _find, weak=True, by_rule_only=True)
