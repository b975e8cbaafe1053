"""SEPA payments keep to the SEPA character set: EUR credit transfers to an IBAN.

An end-to-end id or creditor reference outside the set, or with a slash at an end or two in a row, is rejected by banks, and
changing it would break the client's own reconciliation: an error. Batch and instruction ids come back in answers only: a
warning. Names and remittance text outside the set are a warning that shows what their characters become.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.transliteration import SEPA_SET, in_sepa_set, transliterate
from validators._row import Check, ChecksRule, claims_iban, name_of, quoted

_READS_WELL: Final = "Nothing, if that reads well; else write it within the set yourself."

_CARRIED: Final = ("end_to_end_id", "remittance_reference")
_KEPT: Final = ("batch_id", "instruction_id")
_TEXTS: Final = ("debtor_name", "creditor_name", "ultimate_debtor_name", "ultimate_creditor_name", "remittance")
_SLASHES: Final = r"^/|/$|//"


def _outside(field: str, sepa: pl.Expr, severity: Severity, remedy: str | None) -> Check:
    odd = pl.col(field).str.extract_all(f"[^{SEPA_SET}\n]").list.unique(maintain_order=True).list.join("")
    return Check(
        field,
        sepa & ~in_sepa_set(pl.col(field)),
        pl.format(
            "{} {} has characters outside the SEPA set: “{}”, which becomes “{}”",
            pl.lit(name_of(field)), quoted(field), odd, transliterate(odd),
        ),
        severity=severity,
        remedy=remedy,
    )  # fmt: skip


def _slashes(field: str, sepa: pl.Expr, severity: Severity) -> Check:
    broken = sepa & pl.col(field).str.contains(_SLASHES)
    message = pl.format("{} {} has a slash at an end, or two in a row", pl.lit(name_of(field)), quoted(field))
    return Check(field, broken, message, severity=severity)


def _checks(context: Context) -> tuple[Check, ...]:
    if context.format == "nacha":
        return ()
    sepa = (pl.col("currency") == "EUR") & (pl.col("credit_debit") == "CRDT") & claims_iban("creditor_account")
    graded = [(field, Severity.ERROR) for field in _CARRIED] + [(field, Severity.WARNING) for field in _KEPT]
    return (
        *(_outside(field, sepa, severity, None) for field, severity in graded),
        *(_slashes(field, sepa, severity) for field, severity in graded),
        *(_outside(field, sepa, Severity.WARNING, _READS_WELL) for field in _TEXTS),
    )


RULE = ChecksRule(
    id="character_set",
    reason="RR10",
    severity=Severity.ERROR,
    remedy="Use only a-z A-Z 0-9 / - ? : ( ) . , ' + and blanks in references; no slash at either end, no two in a row.",
    sources=(
        "EPC217-08 SEPA requirements for an extended character set",
        "EPC132-08 SEPA credit transfer C2PSP guidelines",
    ),
    checks=_checks,
)
