"""The charge bearer is a code of ISO 20022: DEBT, CRED, SHAR or SLEV.

OUR, BEN and SHA are what SWIFT messages (MT) call the first three. Which of the codes a scheme takes, its own rule says.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._row import Check, ChecksRule, quoted, where_values

_FIELD: Final = "charge_bearer"
_CODES: Final = ("DEBT", "CRED", "SHAR", "SLEV")
_OF_SWIFT: Final = {"OUR": "DEBT", "BEN": "CRED", "SHA": "SHAR"}
_REMEDY: Final = (
    "Give SLEV within SEPA, or leave it out there; else DEBT (you), SHAR (each its own bank's) or CRED (the creditor)."
)


def _unknown(bearer: pl.Expr) -> pl.Expr:
    return ~bearer.is_in(_CODES)


def _checks(_: Context) -> tuple[Check, ...]:
    bearer = pl.col(_FIELD)
    meant = bearer.str.to_uppercase().replace_strict(_OF_SWIFT, default=None, return_dtype=pl.String)
    told = pl.format("{} Here {} is called {}.", pl.lit(_REMEDY), bearer, meant)
    message = pl.lit("Charge bearer ") + quoted(_FIELD) + pl.lit(" is no code of ISO 20022")
    return (Check(_FIELD, _unknown(bearer), message, remedy=pl.coalesce(told, pl.lit(_REMEDY))),)


RULE = ChecksRule(
    id="charge_bearer",
    reason="CH16",
    severity=Severity.ERROR,
    remedy=_REMEDY,
    sources=("ISO 20022 ChargeBearerType1Code", "SWIFT MT 101 field 71A"),
    checks=_checks,
    suspects=where_values(_FIELD, broken=_unknown),
)
