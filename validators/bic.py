"""Bank identifiers with letters have the form of a BIC.

Four letters or digits, two letters for the country, two letters or digits, and three more for a branch or none. A BIC that
no directory knows is taken: directories are incomplete, and the bank decides. The country is one of ISO 3166.

A bank may be named by its number in a clearing system instead: of digits, or of India (IFSC: four letters, a zero, six
letters or digits). Signs between such digits (062-000) are none of it; the rule `sort_code` tells of those of a sort code.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._countries import COUNTRIES
from validators._rails import odd_sort_code
from validators._row import Check, ChecksRule, quoted, where_values

BIC_PATTERN: Final = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$"


_IFSC: Final = r"^[A-Z]{4}0[A-Z0-9]{6}$"
_SPACED: Final = r"^[0-9]+(?:[ -][0-9]+)+$"
_DIGITS_ALONE: Final = "Write the digits of a clearing number alone, without signs or blanks between them."
_AGENTS: Final = (("debtor_agent", "RC03"), ("creditor_agent", "RC04"))


def _malformed(agent: pl.Expr) -> pl.Expr:
    return agent.str.contains(r"[^0-9]") & ~agent.str.contains(f"{BIC_PATTERN}|{_IFSC}")


def _nowhere(agent: pl.Expr) -> pl.Expr:
    return agent.str.contains(BIC_PATTERN) & ~agent.str.slice(4, 2).is_in(COUNTRIES)


_ODD: Final = where_values(*dict(_AGENTS), broken=lambda agent: _malformed(agent) | _nowhere(agent))


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    return payments.clear() if context.facts.domestic else _ODD(payments, context)


def _checks(context: Context) -> tuple[Check, ...]:
    checks = []
    for field, reason in _AGENTS:
        bank, agent = pl.lit(f"{field.partition('_')[0].capitalize()} bank ") + quoted(field), pl.col(field)
        country = pl.format(" has {} for its country, which ISO 3166 does not know", agent.str.slice(4, 2))
        spaced, told = agent.str.contains(_SPACED), odd_sort_code(field.partition("_")[0], context)
        checks.append(
            Check(field, _malformed(agent) & ~spaced, bank + pl.lit(" does not have the form of a BIC"), reason)
        )
        signs = bank + pl.lit(" is a clearing number with signs between its digits")
        checks.append(Check(field, spaced & ~told.fill_null(value=False), signs, reason, remedy=_DIGITS_ALONE))
        checks.append(Check(field, _nowhere(agent), bank + country, reason))
    return tuple(checks)


RULE = ChecksRule(
    id="bic",
    reason="RC01",
    severity=Severity.ERROR,
    remedy="Give 8 or 11 capital letters and digits, as on the bank's own paper, or leave it out where the IBAN is enough.",
    sources=(
        "ISO 9362:2022",
        "ISO 3166-1",
        "ISO 20022 BICFIDec2014Identifier",
        "ISO 20022 ExternalClearingSystemIdentification1Code (INFSC, AUBSB, GBDSC)",
    ),
    checks=_checks,
    suspects=_suspects,
)
