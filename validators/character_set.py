"""Texts keep to the characters that their rail carries: SEPA payments, and payments through correspondent banks.

No rail carries a control character (a tab, a bell, a zero byte), in any text: an error. An end-to-end id or creditor reference outside the SEPA set (the X set of SWIFT is the same), or with a slash at
an end or two in a row, is rejected by banks, and changing it would break the client's own reconciliation: an error. Batch and
instruction ids come back in answers only: a warning. Names and remittance text outside the set (abroad: outside printable
ASCII) are a warning that shows what their characters become.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from canonical.transliteration import PRINTABLE_SET, SEPA_BYTES, SEPA_SET, transliterate
from validators._matrix import joined
from validators._rails import cross_border, sepa
from validators._row import Check, ChecksRule, name_of, quoted

_READS_WELL: Final = "Nothing, if that reads well; else write it within the set yourself."

_CARRIED: Final = ("end_to_end_id", "remittance_reference")
_KEPT: Final = ("batch_id", "instruction_id")
_IDS: Final = (*_CARRIED, *_KEPT)
_TEXTS: Final = ("debtor_name", "creditor_name", "ultimate_debtor_name", "ultimate_creditor_name", "remittance")
_OUTSIDE_SEPA: Final = f"[^{SEPA_SET}\n]"
_OUTSIDE_ASCII: Final = f"[^{PRINTABLE_SET}\n]"
_CONTROL: Final = r"[\x00-\x09\x0B-\x1F\x7F]"
_SLASHES: Final = r"^/|/$|//"
_SOUND: Final = SEPA_BYTES + b"\n"


def _odd(payments: pl.DataFrame, field: str) -> pl.Series | None:
    """Rows of a field that are not wholly sound; None where no row is."""
    held = joined(payments[field])
    slashed = field in _IDS and b"/" in held
    patterns = [_OUTSIDE_SEPA] if held.translate(None, _SOUND) else []
    if slashed:
        patterns.append(_SLASHES)
    return payments[field].str.contains("|".join(patterns)).fill_null(value=False) if patterns else None


def _suspects(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    if context.facts.fixed_width:
        return payments.clear()
    odd = [rows for field in (*_IDS, *_TEXTS) if (rows := _odd(payments, field)) is not None]
    if not odd:
        return payments.clear()
    held = odd[0]
    for rows in odd[1:]:
        held |= rows
    return payments.filter(held)


def _outside(field: str, concerned: pl.Expr, pattern: str, severity: Severity) -> Check:
    odd = pl.col(field).str.extract_all(pattern).list.unique(maintain_order=True).list.join("")
    which = "SEPA" if pattern == _OUTSIDE_SEPA else "international"
    message = pl.format(
        "{} {} has characters outside the {} set: “{}”, which becomes “{}”",
        pl.lit(name_of(field)), quoted(field), pl.lit(which), odd, transliterate(odd),
    )  # fmt: skip
    remedy = None if field in _IDS else _READS_WELL
    return Check(field, concerned & pl.col(field).str.contains(pattern), message, severity=severity, remedy=remedy)


def _slashes(field: str, concerned: pl.Expr, severity: Severity) -> Check:
    broken = concerned & pl.col(field).str.contains(_SLASHES)
    message = pl.format("{} {} has a slash at an end, or two in a row", pl.lit(name_of(field)), quoted(field))
    return Check(field, broken, message, severity=severity)


def _control(field: str) -> Check:
    """A line feed joins the lines of remittance information and addresses, and is none of them."""
    broken = pl.col(field).str.contains(_CONTROL)
    place = pl.col(field).str.find(_CONTROL) + 1
    message = pl.format("{} has a control character, which nobody sees, at place {}", pl.lit(name_of(field)), place)
    return Check(field, broken, message, remedy="Take it out; it often comes from copying out of another program.")


def _with_rails(payments: pl.DataFrame, context: Context) -> pl.DataFrame:
    return payments.with_columns(sepa(context).alias("is_sepa"), cross_border(context).alias("is_cross_border"))


@cache
def _all_checks() -> tuple[Check, ...]:
    """The same for every file, and made once: each holds the whole table of replacements."""
    at_home, abroad = pl.col("is_sepa"), pl.col("is_cross_border")
    graded = [(field, Severity.ERROR) for field in _CARRIED] + [(field, Severity.WARNING) for field in _KEPT]
    return (
        *(_control(field) for field in (*_IDS, *_TEXTS)),
        *(_outside(field, at_home | abroad, _OUTSIDE_SEPA, severity) for field, severity in graded),
        *(_slashes(field, at_home | abroad, severity) for field, severity in graded),
        *(_outside(field, at_home, _OUTSIDE_SEPA, Severity.WARNING) for field in _TEXTS),
        *(_outside(field, abroad, _OUTSIDE_ASCII, Severity.WARNING) for field in _TEXTS),
    )


def _checks(_: Context) -> tuple[Check, ...]:
    return _all_checks()


RULE = ChecksRule(
    id="character_set",
    reason="RR10",
    severity=Severity.ERROR,
    remedy="Use only a-z A-Z 0-9 / - ? : ( ) . , ' + and blanks in references; no slash at either end, no two in a row.",
    sources=(
        "EPC217-08 SEPA requirements for an extended character set",
        "EPC132-08 SEPA credit transfer C2PSP guidelines",
        "SWIFT CBPR+ usage guidelines: FIN X character set, and the extended set of names, addresses and remittance",
    ),
    checks=_checks,
    suspects=_suspects,
    prepare=_with_rails,
)
