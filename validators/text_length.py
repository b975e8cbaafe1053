"""References, names, addresses and remittance text fit the elements they go into.

References are at most 35 characters, names 140 (70 in SEPA), each remittance line 140. Nothing is cut: a name that lost its
end pays somebody else.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.limits import IDENTIFICATION_CHARS_MAX
from validators._row import Check, ChecksRule, name_of

_NAME_CHARS_MAX: Final = 140
_SEPA_NAME_CHARS_MAX: Final = 70
_LINE_CHARS_MAX: Final = 140
_CHARS_MAX: Final = {
    **dict.fromkeys(
        ("batch_id", "instruction_id", "end_to_end_id", "debtor_id", "remittance_reference"), IDENTIFICATION_CHARS_MAX
    ),
    **dict.fromkeys(
        ("debtor_name", "creditor_name", "ultimate_debtor_name", "ultimate_creditor_name"), _NAME_CHARS_MAX
    ),
    "creditor_account": 34,
    "debtor_account": 34,
    "creditor_street": 70,
    "creditor_building": 16,
    "creditor_post_code": 16,
    "creditor_town": 35,
    "purpose": 4,
}
"""Characters by canonical column: Max35Text, Max140Text, Max34Text (Othr/Id), PostalAddress, ExternalPurpose1Code."""


def _too_long(field: str, chars_max: int, concerned: pl.Expr | None = None) -> Check:
    chars = pl.col(field).str.len_chars()
    over = chars > chars_max
    return Check(
        field,
        over if concerned is None else over & concerned,
        pl.format("{} has {} characters; at most {} fit", pl.lit(name_of(field)), chars, pl.lit(chars_max)),
    )


def _checks(context: Context) -> tuple[Check, ...]:
    if context.format == "nacha":  # every field has its fixed width there
        return ()
    sepa = (pl.col("service_level") == "SEPA") & (pl.col("creditor_name").str.len_chars() <= _NAME_CHARS_MAX)
    remittance = Check(
        "remittance",
        pl.col("remittance").str.contains(rf"[^\n]{{{_LINE_CHARS_MAX + 1}}}"),
        f"Remittance text has a line of more than {_LINE_CHARS_MAX} characters",
        "RR07",
    )
    fields = tuple(_too_long(field, chars_max) for field, chars_max in _CHARS_MAX.items())
    return (*fields, _too_long("creditor_name", _SEPA_NAME_CHARS_MAX, sepa), remittance)


RULE = ChecksRule(
    id="text_length",
    reason="CH16",
    severity=Severity.ERROR,
    remedy="Shorten the text yourself, so that what matters stays; it is not cut here.",
    sources=(
        "ISO 20022 Max35Text, Max70Text, Max140Text, ExternalPurpose1Code",
        "EPC132-08 SEPA credit transfer C2PSP implementation guidelines (names of 70 characters)",
    ),
    checks=_checks,
)
