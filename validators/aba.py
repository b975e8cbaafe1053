"""ABA routing numbers carry a right check digit.

The creditor's bank of a NACHA entry is always nine digits; that of a USD payment in another format is checked when it is
nine digits. Weights 3, 7, 1 over the nine digits give a multiple of ten.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, quoted

ABA_PATTERN: Final = r"^[0-9]{9}$"
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)


def sums_right(number: pl.Expr) -> pl.Expr:
    """Boolean: nine digits whose weighted sum is a multiple of ten; null where it is no nine digits."""
    digits = pl.when(number.str.contains(ABA_PATTERN)).then(number).cast(pl.Int64)
    terms = [digits // 10 ** (8 - place) % 10 * weight for place, weight in enumerate(_WEIGHTS)]
    return pl.when(digits.is_not_null()).then(pl.sum_horizontal(terms) % 10 == 0)


def _checks(context: Context) -> tuple[Check, ...]:
    agent = pl.col("creditor_agent")
    routing = pl.lit("Routing number ") + quoted("creditor_agent")
    nacha = context.format == "nacha"
    concerned = pl.lit(True) if nacha else pl.col("currency") == "USD"
    mistyped = Check(
        "creditor_agent", concerned & ~sums_right(agent), routing + pl.lit(" has a wrong check digit: it is mistyped")
    )
    if not nacha:
        return (mistyped,)
    malformed = Check("creditor_agent", ~agent.str.contains(ABA_PATTERN), routing + pl.lit(" is not nine digits"))
    return mistyped, malformed


RULE = ChecksRule(
    id="aba",
    reason="RC04",
    severity=Severity.ERROR,
    remedy="Ask the receiver for the nine-digit routing number for ACH; it stands at the bottom left of a cheque.",
    sources=("ABA Routing Number Policy", "Nacha Operating Rules, Appendix Three: RDFI identification and check digit"),
    checks=_checks,
)
