"""SEPA payments keep to the SEPA character set: EUR credit transfers to an IBAN.

A reference outside the set, or with a slash at its start or end or two in a row, is rejected by banks, and changing it would
break the client's own reconciliation: an error. Names and remittance text outside it are a warning that shows what the text
becomes; they are carried as the standard's table has it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.masking import shown
from canonical.transliteration import in_sepa_set, transliterate
from validators._row import Check, ChecksRule, claims_iban, quoted

_REFERENCES: Final = ("batch_id", "instruction_id", "end_to_end_id", "remittance_reference")
_TEXTS: Final = ("debtor_name", "creditor_name", "ultimate_debtor_name", "ultimate_creditor_name", "remittance")
_SLASHES: Final = r"^/|/$|//"


def _called(field: str) -> pl.Expr:
    return pl.lit(field.replace("_", " ").capitalize().replace("End to end", "End-to-end") + " ") + quoted(field)


def _reference(field: str, sepa: pl.Expr) -> tuple[Check, ...]:
    outside = Check(
        field, sepa & ~in_sepa_set(pl.col(field)), _called(field) + pl.lit(" has characters outside the SEPA set")
    )
    slashes = Check(
        field,
        sepa & pl.col(field).str.contains(_SLASHES),
        _called(field) + pl.lit(" begins or ends with a slash, or has two in a row"),
    )
    return outside, slashes


def _text(field: str, sepa: pl.Expr) -> Check:
    offered = shown(field, transliterate(pl.col(field)))
    return Check(
        field,
        sepa & ~in_sepa_set(pl.col(field)),
        _called(field) + pl.lit(" has characters outside the SEPA set; in it, it reads “") + offered + pl.lit("”"),
        severity=Severity.WARNING,
        remedy="Nothing, if that reads well; else write it within the set yourself.",
    )


def _checks(context: Context) -> tuple[Check, ...]:
    if context.format == "nacha":
        return ()
    sepa = (pl.col("currency") == "EUR") & (pl.col("credit_debit") == "CRDT") & claims_iban("creditor_account")
    references = tuple(check for field in _REFERENCES for check in _reference(field, sepa))
    return (*references, *(_text(field, sepa) for field in _TEXTS))


RULE = ChecksRule(
    id="character_set",
    reason="RR10",
    severity=Severity.ERROR,
    remedy="Use only a-z A-Z 0-9 / - ? : ( ) . , ' + and blanks in references; no slash at either end, no two in a row.",
    sources=("EPC217-08 SEPA requirements for an extended character set", "EPC132-08 SEPA credit transfer C2PSP guidelines"),
    checks=_checks,
)
