"""Countries in addresses are codes of ISO 3166-1, two capitals. Kosovo's XK, which banks use, is taken."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._countries import COUNTRIES
from validators._row import Check, ChecksRule, name_of, quoted, where_values

_FIELDS: Final = ("debtor_country", "creditor_country")


def _unknown(code: pl.Expr) -> pl.Expr:
    return ~code.is_in(COUNTRIES)


def _checks(_: Context) -> tuple[Check, ...]:
    return tuple(
        Check(field, _unknown(pl.col(field)), pl.format(f"{name_of(field)} {{}} is no code of ISO 3166", quoted(field)))
        for field in _FIELDS
    )


RULE = ChecksRule(
    id="country_code",
    reason="BE09",
    severity=Severity.ERROR,
    remedy="Give the two-letter code of the country, in capitals: DE, GB (not UK), CH.",
    sources=("ISO 3166-1 alpha-2", "ISO 20022 PstlAdr/Ctry (CountryCode)"),
    checks=_checks,
    suspects=where_values(*_FIELDS, broken=_unknown),
)
