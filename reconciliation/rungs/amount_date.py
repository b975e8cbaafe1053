"""Rung amount_date: nothing but amount and date within the rule's tolerance, and only one candidate on either side.

Only where a provider's rule asks for it: an entry of a stranger may have the amount of a payment of ours.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from reconciliation._amounts import near, tolerance
from reconciliation._meet import Claims
from reconciliation._rung import Case, Rung
from reconciliation._side import beside
from reconciliation._sides import PLACE

_CANDIDATES_MAX: Final = 4_000_000
"""Pairs compared: entries of one account and currency times its payments. More than that names nobody."""


def _find(case: Case) -> Claims:
    book = case.book.filter(~pl.col("doubt") & pl.col("is_open"))
    place = list(PLACE)
    left, right = case.bank.select("e", *place), book.select("p", *place)
    sizes = left.group_by(place).agg(entries=pl.len()).join(right.group_by(place).agg(payments=pl.len()), on=place)
    small = sizes.filter(pl.col("entries").cast(pl.Int64) * pl.col("payments") <= _CANDIDATES_MAX).select(place)
    pairs = left.join(small, on=place, how="semi").join(right, on=place)
    sides = beside(
        pairs.select("e", "p"), case.bank, book, ("amount_minor", "value_date", "named"),
        ("amount_minor", "execution_date", "submitted_on", "submission_id"),
    )  # fmt: skip
    amount, ours = pl.col("amount_minor"), pl.col("amount_minor_p")
    within = pl.col("named").is_null() | (pl.col("named") == pl.col("submission_id_p"))
    close = ((amount - ours).abs() <= tolerance(case.rule, ours)) & near(case.rule.days) & within
    fitting = sides.filter(close).filter((pl.len().over("e") == 1) & (pl.len().over("p") == 1))
    account = pl.when(amount != ours).then(pl.lit(case.rule.account))
    return Claims.of(fitting.select("e", "p", amount_minor=ours, entry_minor=amount, difference_account=account))


RUNG: Final = Rung("amount_date", 95, _find, weak=True, by_rule_only=True)
