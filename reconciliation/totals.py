"""What payments come to: all that a close needs of them once each was looked at. Totals of parts of the payments add up.

A provider may have millions of open payments. A close looks at them part by part and keeps these frames, whose rows are
files, submissions and clients; only payments that the bank's entries speak of are kept one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.frames import MATCHES, empty
from reconciliation import settlements
from reconciliation.adjusted import in_transit
from reconciliation.conservation import at_fault, terms
from reconciliation.frames import NOT_SENT, STATES

SCOPE: Final = ("file_id", "client", "provider", "account", "value_on")
"""Columns by which the terms are kept. value_on: the entry's value date where there is one, else the execution date."""


@dataclass(frozen=True, slots=True)
class Totals:
    """`terms`: of `conservation.terms` by SCOPE. `faults`: of `at_fault`. `submissions`: of `settlements.submissions`.

    `in_transit`: of `adjusted.in_transit`. `orders`: client, currency, accepted, sent, returned (minor units). `claimed`: STATES
    of the payments that MATCHES claim.
    """

    terms: pl.DataFrame
    faults: pl.DataFrame
    submissions: pl.DataFrame
    in_transit: pl.DataFrame
    orders: pl.DataFrame
    claimed: pl.DataFrame

    @classmethod
    def of(cls, states: pl.DataFrame, opening: pl.DataFrame | None, matches: pl.DataFrame) -> Totals:
        """Of a part of the payments.

        Args:
            states: STATES.
            opening: STATES at the last close of these payments, and of those that are gone; None where there was none.
            matches: MATCHES that claim them.
        """
        value_on = pl.coalesce("value_date", "execution_date").alias("value_on")
        before = None if opening is None else opening.with_columns(value_on)
        return cls(
            terms(states.with_columns(value_on), SCOPE, before),
            at_fault(states, opening),
            settlements.submissions(states, opening),
            in_transit(states, matches),
            _orders(states),
            states.join(matches, on="payment_id", how="semi", maintain_order="left"),
        )

    @classmethod
    def joined(cls, parts: Iterable[Totals]) -> Totals:
        """Of several parts."""
        none = cls.of(empty(STATES), None, empty(MATCHES))
        every = [none, *parts]
        return cls(
            pl.concat(part.terms for part in every),
            pl.concat(part.faults for part in every).sort("payment_id", "fault"),
            settlements.together(pl.concat(part.submissions for part in every)),
            pl.concat(part.in_transit for part in every),
            pl.concat(part.orders for part in every).group_by("client", "currency").agg(pl.all().sum()),
            pl.concat(part.claimed for part in every),
        )

    @property
    def payments(self) -> int:
        """How many there are."""
        return int(self.terms["count_parsed"].sum())


def _orders(states: pl.DataFrame) -> pl.DataFrame:
    """Credit transfers by client and currency: accepted, handed over, and what came back of them."""
    amount, state = pl.col("amount_minor"), pl.col("state")
    accepted = (pl.col("verdict") == "ACCP") & ~state.is_in(["rejected", "cancelled"])
    transfers = states.filter((pl.col("credit_debit") == "CRDT") & pl.col("currency").is_not_null())
    return transfers.group_by("client", "currency").agg(
        accepted=amount.filter(accepted).sum(),
        sent=amount.filter(~state.is_in(NOT_SENT)).sum(),
        returned=amount.filter(state.is_in(["returned", "provider_rejected"])).sum(),
    )
