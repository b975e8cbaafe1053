"""The creditor identifier of SEPA direct debits (AT-02) has a country of SEPA, right check digits, and at most 35 characters.

Two letters for the country, two check digits, three characters that the creditor chooses for itself (business code), then the
national identifier. The check digits are counted over all but the business code, by ISO 7064 MOD 97-10.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._countries import SEPA
from validators._mod97 import remainder
from validators._rails import sepa_debit
from validators._row import Check, ChecksRule, ever, quoted, where_values

_FIELD: Final = "creditor_scheme_id"
_FORM: Final = r"^[A-Z]{2}[0-9]{2}[A-Za-z0-9]{3}[A-Za-z0-9+?/\-:().,' ]{1,28}$"


def right_check_digits(text: pl.Expr) -> pl.Expr:
    """Boolean: of a well-formed identifier. Signs in the national identifier do not count, small letters count as capitals."""
    national = text.str.slice(7).str.replace_all("[^A-Za-z0-9]", "").str.to_uppercase()
    return remainder(national + text.str.head(4)) == 1


def _unsound(text: pl.Expr) -> pl.Expr:
    sound = text.str.contains(_FORM) & text.str.head(2).is_in(SEPA) & right_check_digits(text)
    return ~sound.fill_null(value=False)


_WITH_UNSOUND: Final = where_values(_FIELD, broken=_unsound)


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.domestic or not ever(payments, pl.col("credit_debit") == "DBIT"):
        return payments.clear()
    return _WITH_UNSOUND(payments, context)


def _checks(context: Context) -> tuple[Check, ...]:
    text, of_sepa = pl.col(_FIELD), sepa_debit(context)
    said = pl.lit("Creditor identifier ") + quoted(_FIELD)
    formed = text.str.contains(_FORM)
    here = formed & text.str.head(2).is_in(SEPA)
    foreign = pl.format("{} begins with {}, which is no country of SEPA", said, text.str.head(2))
    return (
        Check(_FIELD, of_sepa & ~formed, said + pl.lit(" does not have the form of a SEPA creditor identifier")),
        Check(_FIELD, of_sepa & formed & ~here, foreign),
        Check(
            _FIELD, of_sepa & here & ~right_check_digits(text), said + pl.lit(" has wrong check digits: it is mistyped")
        ),
    )


RULE = ChecksRule(
    id="creditor_identifier",
    reason="CH11",
    severity=Severity.ERROR,
    remedy="Copy the identifier that the scheme's national office gave you; only its characters 5 to 7 are yours to choose.",
    sources=(
        "EPC262-08 creditor identifier overview",
        "EPC016-06 SEPA Direct Debit Core rulebook, AT-02",
        "ISO 7064 MOD 97-10",
    ),
    checks=_checks,
    suspects=_suspects,
)
