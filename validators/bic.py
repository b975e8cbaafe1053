"""Bank identifiers with letters have the form of a BIC.

Four letters or digits, two letters for the country, two letters or digits, and three more for a branch or none. A BIC that
no directory knows is taken: directories are incomplete, and the bank decides. Clearing member ids of digits pass.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, quoted

BIC_PATTERN: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$"


def _check(field: str, reason: str) -> Check:
    agent = pl.col(field)
    return Check(
        field,
        agent.str.contains(r"[^0-9]") & ~agent.str.contains(BIC_PATTERN),
        pl.lit(f"{field.partition('_')[0].capitalize()} bank ")
        + quoted(field)
        + pl.lit(" does not have the form of a BIC"),
        reason,
    )


def _checks(context: Context) -> tuple[Check, ...]:
    if context.format == "nacha":
        return ()
    return _check("debtor_agent", "RC03"), _check("creditor_agent", "RC04")


RULE = ChecksRule(
    id="bic",
    reason="RC01",
    severity=Severity.ERROR,
    remedy="Give 8 or 11 capital letters and digits, as on the bank's own paper, or leave it out where the IBAN is enough.",
    sources=("ISO 9362:2022", "ISO 20022 BICFIDec2014Identifier"),
    checks=_checks,
)
