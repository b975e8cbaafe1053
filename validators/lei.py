"""Legal entity identifiers are 20 characters with right check digits (ISO 7064 MOD 97-10 over all of them)."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._mod97 import remainder
from validators._row import Check, ChecksRule, name_of, quoted, where_values

LEI_PATTERN: Final = "^[A-Z0-9]{18}[0-9]{2}$"
_LEI_CHARS: Final = 20
_FIELDS: Final = ("debtor_lei", "creditor_lei")


def _malformed(lei: pl.Expr) -> pl.Expr:
    return ~lei.str.contains(LEI_PATTERN)


def _mistyped(lei: pl.Expr) -> pl.Expr:
    return lei.str.contains(LEI_PATTERN) & (remainder(lei, chars_max=_LEI_CHARS) != 1)


def broken(lei: pl.Expr) -> pl.Expr:
    """Boolean: no LEI, by its form or its check digits."""
    return _malformed(lei) | _mistyped(lei)


def _checks(_: Context) -> tuple[Check, ...]:
    checks = []
    for field in _FIELDS:
        said, lei = pl.lit(name_of(field).replace(" lei", " LEI") + " ") + quoted(field), pl.col(field)
        checks.append(
            Check(field, _malformed(lei), said + pl.lit(" is not 18 capitals and digits and two check digits"))
        )
        checks.append(Check(field, _mistyped(lei), said + pl.lit(" has wrong check digits: it is mistyped")))
    return tuple(checks)


RULE = ChecksRule(
    id="lei",
    reason="CH16",
    severity=Severity.ERROR,
    remedy="Copy the LEI from the GLEIF register, or leave it out.",
    sources=("ISO 17442-1", "ISO 7064 MOD 97-10", "ISO 20022 OrgId/LEI (LEIIdentifier)"),
    checks=_checks,
    suspects=where_values(*_FIELDS, broken=broken),
)
