"""Purpose, category purpose and service level are codes of the ISO 20022 external code sets.

A code that has not the form of one is an error. One that the lists do not have is an error in SEPA payments, whose scheme
takes listed codes only, and a warning elsewhere: lists grow every quarter, and the finding names the date of ours. NACHA
company entry descriptions are no such codes and are passed over. Of the service level only the form is looked at: a bank may have agreed
another.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._external_codes import CATEGORY_PURPOSES, LISTED, PURPOSES
from validators._rails import sepa
from validators._row import Check, ChecksRule, name_of, quoted, where_values

_CODES: Final = (("purpose", PURPOSES), ("category_purpose", CATEGORY_PURPOSES))
_FORM: Final = r"^[A-Z0-9]{1,4}$"
_FORMLESS: Final = pl.lit(" has not the form of a code: up to four capitals or digits")
_REMEDY: Final = "Give a code of the current ISO 20022 external code sets, or leave the field out."


def _unknown(code: pl.Expr, known: frozenset[str]) -> pl.Expr:
    return code.str.contains(_FORM) & ~code.is_in(known)


_ODD: Final = tuple(
    where_values(field, broken=lambda code, known=known: ~code.is_in(known))  # type: ignore[misc]  # known is bound at once
    for field, known in _CODES
)


_LEVELS: Final = where_values("service_level", broken=lambda code: ~code.str.contains(_FORM))


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.fixed_width:
        return payments.clear()
    odd = [found for suspects in _ODD if (found := suspects(payments, context)).height]
    levels = _LEVELS(payments, context)
    odd += [levels] if levels.height else []
    if not odd:
        return payments.clear()
    return pl.concat(odd).unique("row", maintain_order=True).sort("row").with_columns(sepa(context).alias("is_sepa"))


def _checks(_: Context) -> tuple[Check, ...]:
    level = pl.col("service_level")
    checks = [
        Check(
            "service_level", ~level.str.contains(_FORM), pl.lit("Service level ") + quoted("service_level") + _FORMLESS
        )
    ]
    for field, known in _CODES:
        code, said = pl.col(field), pl.lit(f"{name_of(field)} ") + quoted(field)
        malformed = ~code.str.contains(_FORM)
        unlisted = said + pl.lit(f" is not in the ISO 20022 code set ({LISTED})")
        checks += [
            Check(field, malformed, said + _FORMLESS),
            Check(field, _unknown(code, known) & pl.col("is_sepa"), unlisted),
            Check(field, _unknown(code, known) & ~pl.col("is_sepa"), unlisted, severity=Severity.WARNING),
        ]
    return tuple(checks)


RULE = ChecksRule(
    id="purpose_code",
    reason="CH16",
    severity=Severity.ERROR,
    remedy=_REMEDY,
    sources=(
        "ISO 20022 external code sets: ExternalPurpose1Code, ExternalCategoryPurpose1Code",
        "EPC132-08 and EPC130-08 customer-to-PSP implementation guidelines: Purpose, Category Purpose",
    ),
    checks=_checks,
    suspects=_suspects,
)
