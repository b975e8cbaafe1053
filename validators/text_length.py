"""References, names, addresses and remittance text fit the elements they go into.

References are at most 35 characters, names 140 (SEPA's 70 are held by its own rules), each remittance line 140. Nothing is
cut: a name that lost its end pays somebody else.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.limits import IDENTIFICATION_CHARS_MAX
from validators._row import Check, ChecksRule, name_of

_NAME_CHARS_MAX: Final = 140
_LINE_CHARS_MAX: Final = 140
_ADDRESS: Final = {"street": 70, "building": 16, "post_code": 16, "town": 35}
_CHARS_MAX: Final = {
    **dict.fromkeys(
        ("batch_id", "instruction_id", "end_to_end_id", "mandate_id", "creditor_scheme_id", "remittance_reference",
         "debtor_id", "creditor_id"), IDENTIFICATION_CHARS_MAX
    ),
    **dict.fromkeys(
        ("debtor_name", "creditor_name", "ultimate_debtor_name", "ultimate_creditor_name"), _NAME_CHARS_MAX
    ),
    "creditor_account": 34,
    "debtor_account": 34,
    **{f"{party}_{part}": chars_max for party in ("debtor", "creditor") for part, chars_max in _ADDRESS.items()},
    "purpose": 4,
}  # fmt: skip
"""Characters by canonical column: Max35Text, Max140Text, Max34Text (Othr/Id), PostalAddress, ExternalPurpose1Code."""


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.fixed_width:  # every field has its fixed width there
        return payments.clear()
    # Bytes are counted for nothing, characters are not; a text has never more characters than bytes.
    bytes_max = {**_CHARS_MAX, "remittance": _LINE_CHARS_MAX}
    held = [field for field in bytes_max if payments[field].null_count() < payments.height]
    over = [pl.col(field).str.len_bytes() > bytes_max[field] for field in held]
    return payments.filter(pl.any_horizontal(over)) if over else payments.clear()


def _too_long(field: str, chars_max: int) -> Check:
    chars = pl.col(field).str.len_chars()
    return Check(
        field,
        chars > chars_max,
        pl.format("{} has {} characters; at most {} fit", pl.lit(name_of(field)), chars, pl.lit(chars_max)),
    )


def _checks(_: Context) -> tuple[Check, ...]:
    longest = pl.col("remittance").str.split("\n").list.eval(pl.element().str.len_chars()).list.max()
    remittance = Check(
        "remittance",
        longest > _LINE_CHARS_MAX,
        pl.format("Remittance text has a line of {} characters; at most {} fit", longest, pl.lit(_LINE_CHARS_MAX)),
        "RR07",
    )
    return (*(_too_long(field, chars_max) for field, chars_max in _CHARS_MAX.items()), remittance)


RULE = ChecksRule(
    id="text_length",
    reason="CH16",
    severity=Severity.ERROR,
    remedy="Shorten the text yourself, so that what matters stays; it is not cut here.",
    sources=("ISO 20022 Max35Text, Max70Text, Max140Text, PostalAddress, ExternalPurpose1Code",),
    checks=_checks,
    suspects=_suspects,
)
