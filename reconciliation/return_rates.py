"""Return rates: how many of a client's collections come back, against the most that a scheme allows.

Source: Nacha Operating Rules, subsection 2.17.2 (returns over debit entries originated, of one originator, over 60 days or
two calendar months).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from canonical.frames import checked
from canonical.profiles import ReturnRate
from reconciliation.frames import STATES

RATES: Final = {"client": pl.String, "sent": pl.Int64, "returned": pl.Int64, "basis_points": pl.Int64}
"""One row a client: collections sent, of them returned, and the rate in hundredths of a percent, rounded up."""

_WHOLE: Final = 10_000


def return_rates(states: pl.DataFrame, told: pl.DataFrame, rate: ReturnRate, today: dt.date) -> pl.DataFrame:
    """RATES of one kind, by client.

    Args:
        states: STATES of a provider's payments.
        told: payment_id, reason and received_on (Date) of each return that the provider told.
        rate: which returns count, and for how many days.
        today: the last day that counts.
    """
    since = today - dt.timedelta(days=rate.days)
    collected = checked(states, STATES).filter(pl.col("credit_debit") == "DBIT", pl.col("amount_minor") > 0)
    sent = collected.filter(pl.col("submitted_on").is_between(since, today))
    counts = told.filter(pl.col("received_on").is_between(since, today))
    if rate.reasons:
        counts = counts.filter(pl.col("reason").is_in(rate.reasons))
    returned = collected.join(counts.unique("payment_id"), on="payment_id", how="semi")
    rows = _by_client(sent, "sent").join(_by_client(returned, "returned"), on="client", how="left")
    back = pl.col("returned").fill_null(0)
    # Rounded up: a rate just above the bound must not look as if it kept it.
    points = (back * _WHOLE + pl.col("sent") - 1) // pl.col("sent")
    told_of = rows.select("client", "sent", returned=back, basis_points=points)
    return told_of.select(pl.col(name).cast(dtype) for name, dtype in RATES.items()).sort("client")


def _by_client(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.group_by("client").agg(pl.len().cast(pl.Int64).alias(name))
