"""No payment is above the limit that was agreed with the client for its currency. A currency without a limit has none."""

from __future__ import annotations

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.money import format_minor
from validators._row import Check, ChecksRule


def _checks(context: Context) -> tuple[Check, ...]:
    return tuple(
        Check(
            "amount_text",
            (pl.col("currency") == currency) & (pl.col("amount_minor") > limit),
            pl.format(
                "Amount {} {} is above the agreed limit of {} {}",
                pl.col("amount_text"), pl.lit(currency), pl.lit(format_minor(limit, currency)), pl.lit(currency),
            ),
        )
        for currency, limit in sorted(context.client.amount_limit_minor.items())
    )  # fmt: skip


RULE = ChecksRule(
    id="amount_limit",
    reason="AM14",
    severity=Severity.ERROR,
    remedy="Have the limit raised before you send it again, or correct the amount.",
    sources=("the client's profile: amount_limit_minor",),
    checks=_checks,
)
