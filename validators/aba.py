"""ABA routing numbers carry a right check digit.

The other side's bank of a NACHA entry is always nine digits; that of a USD payment in another format is checked when it is
nine digits. Weights 3, 7, 1 over the nine digits give a multiple of ten. Nine zeros do too, and are no bank's.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, ever, quoted, where_values

ABA_PATTERN: Final = r"^[0-9]{9}$"
_WEIGHTS: Final = (3, 7, 1, 3, 7, 1, 3, 7, 1)
_FIELDS: Final = (("creditor_agent", "RC04", "CRDT"), ("debtor_agent", "RC03", "DBIT"))


def sums_right(number: pl.Expr) -> pl.Expr:
    """Boolean: nine digits whose weighted sum is a multiple of ten; null where it is no nine digits."""
    digits = pl.when(number.str.contains(ABA_PATTERN)).then(number).cast(pl.Int64)
    terms = [digits // 10 ** (8 - place) % 10 * weight for place, weight in enumerate(_WEIGHTS)]
    return pl.when(digits.is_not_null()).then(pl.sum_horizontal(terms) % 10 == 0)


_NOBODY: Final = "0" * 9


def _no_bank(number: pl.Expr) -> pl.Expr:
    return ~sums_right(number) | (number == _NOBODY)


_AGENTS: Final = tuple(field for field, _, _ in _FIELDS)
_NO_NUMBERS: Final = where_values(*_AGENTS, broken=lambda agent: _no_bank(agent).fill_null(value=True))
# Outside the domestic formats an agent that is not nine digits is no routing number, and nobody said that it was.
_WRONG_NUMBERS: Final = where_values(*_AGENTS, broken=_no_bank)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if not ever(payments, pl.col("currency") == "USD"):
        return payments.clear()
    odd = _NO_NUMBERS if context.facts.domestic else _WRONG_NUMBERS
    return odd(payments, context)


def _checks(context: Context) -> tuple[Check, ...]:
    checks = []
    for field, reason, direction in _FIELDS:
        routing = pl.lit("Routing number ") + quoted(field)
        # An international entry (IAT) names the receiver's own bank abroad, by whatever number that country uses.
        abroad = pl.col("local_instrument").eq_missing("IAT")
        concerned = (pl.col("credit_debit") == direction) & (pl.col("currency") == "USD") & ~abroad
        wrong = concerned & ~sums_right(pl.col(field))
        checks.append(Check(field, wrong, routing + pl.lit(" has a wrong check digit: it is mistyped"), reason))
        nobody = concerned & (pl.col(field) == _NOBODY)
        checks.append(Check(field, nobody, routing + pl.lit(" is nothing but zeros: no bank has it"), reason))
        if context.facts.domestic:
            malformed = concerned & ~pl.col(field).str.contains(ABA_PATTERN)
            checks.append(Check(field, malformed, routing + pl.lit(" is not nine digits"), reason))
    return tuple(checks)


RULE = ChecksRule(
    id="aba",
    reason="RC04",
    severity=Severity.ERROR,
    remedy="Ask the receiver for the nine-digit routing number for ACH; it stands at the bottom left of a cheque.",
    sources=("ABA Routing Number Policy", "Nacha Operating Rules, Appendix Three: RDFI identification and check digit"),
    checks=_checks,
    suspects=_suspects,
)
