"""Structured references have right check digits.

Looked at: the international creditor reference (RF, ISO 11649), the Swiss QR reference, and by the country of the creditor's
account the Belgian structured communication, the Finnish reference number and the Norwegian KID. A reference that is
declared as one of them is an error when it is wrong; what only looks like one (an RF reference without a type, +++…+++ in
free text, a number to a Norwegian account) is a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Severity
from canonical.contracts import Context
from validators._matrix import Bytes, Flags, joined, sound_rows
from validators._references import belgian, creditor_reference, finnish, kid, qr_reference
from validators._row import Check, ChecksRule, quoted

_REFERENCE: Final = "remittance_reference"
_DECLARED: Final = pl.col("remittance_reference_type") == "SCOR"
_BELGIAN_TEXT: Final = r"(?:\+\+\+|\*\*\*)([0-9]{3}/[0-9]{4}/[0-9]{5})(?:\+\+\+|\*\*\*)"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of reference. `claimed`: which payments have one; `declared`: and said so themselves."""

    name: str
    sound: Callable[[Bytes], Flags]
    claimed: pl.Expr
    declared: pl.Expr


def _to(country: str) -> pl.Expr:
    return pl.col("creditor_account").str.starts_with(country) & pl.col(_REFERENCE).str.contains("^[0-9]+-?$")


_RF: Final = pl.col(_REFERENCE).str.contains("^RF[0-9]{2}")
_TYPE: Final = pl.col("remittance_reference_type")
_KINDS: Final = (
    _Kind("RF creditor reference", creditor_reference, _RF & (_TYPE.is_null() | _DECLARED), _DECLARED),
    _Kind("Swiss QR reference", qr_reference, pl.col(_REFERENCE).is_not_null() & (_TYPE == "QRR"), pl.lit(value=True)),
    _Kind("Belgian structured communication", belgian, _DECLARED & _to("BE"), pl.lit(value=True)),
    _Kind("Finnish reference number", finnish, _DECLARED & _to("FI"), pl.lit(value=True)),
    _Kind("Norwegian KID", kid, _to("NO"), pl.lit(value=False)),
)


def _wrong(references: pl.DataFrame) -> pl.Series:
    """Name of the kind that a reference claims and is not, by row; null where it is right or claims nothing."""
    claims = references.select(kind.claimed.fill_null(value=False).alias(kind.name) for kind in _KINDS)
    wrong = pl.Series("wrong", [None], pl.String).new_from_index(0, references.height)
    for kind in _KINDS:
        if claims[kind.name].any():
            of_kind = pl.when(claims[kind.name]).then(references[_REFERENCE])
            texts = references.select(of_kind.alias(_REFERENCE))[_REFERENCE]
            bad = claims[kind.name] & ~sound_rows(texts, kind.sound)
            wrong = references.select(pl.when(bad).then(pl.lit(kind.name)).otherwise(wrong).alias("wrong"))["wrong"]
    return wrong


def _wrong_in_text(text: pl.Expr) -> pl.Expr:
    digits = text.str.extract(_BELGIAN_TEXT, 1).str.replace_all("/", "", literal=True)
    rest = digits.str.head(10).cast(pl.Int64) % 97
    return pl.when(rest == 0).then(97).otherwise(rest) != digits.str.slice(10).cast(pl.Int64)


def _suspects(payments: pl.DataFrame, _: Context) -> pl.DataFrame:
    wrong = pl.Series("wrong", [None], pl.String).new_from_index(0, payments.height)
    given = payments[_REFERENCE].is_not_null().arg_true()
    if not given.is_empty():
        fields = pl.col(_REFERENCE, "remittance_reference_type", "creditor_account")
        wrong = wrong.scatter(given, _wrong(payments.select(fields.gather(given))))
    in_text = pl.lit(value=False)
    text = joined(payments["remittance"])
    # One character is looked for ten times as fast as three.
    if any(mark in text and mark * 3 in text for mark in (b"+", b"*")):
        in_text = _wrong_in_text(pl.col("remittance")).fill_null(value=False)
    elif wrong.null_count() == payments.height:
        return payments.clear().with_columns(pl.lit(None, dtype=pl.String).alias("wrong"))
    return payments.with_columns(wrong).filter(pl.col("wrong").is_not_null() | in_text)


def _checks(_: Context) -> tuple[Check, ...]:
    wrong = pl.col("wrong")
    declared: Mapping[str, pl.Expr] = {kind.name: kind.declared for kind in _KINDS}
    sure = pl.any_horizontal((wrong == name) & said for name, said in declared.items())
    message = pl.lit("Reference ") + quoted(_REFERENCE) + pl.format(" is no {}: its length or a digit is wrong", wrong)
    found = pl.col("remittance").str.extract(_BELGIAN_TEXT, 1)
    in_text = pl.format(
        "Remittance has +++{}+++, which is no Belgian structured communication: a digit is wrong", found
    )
    return (
        Check(_REFERENCE, sure, message),
        Check(_REFERENCE, wrong.is_not_null() & ~sure.fill_null(value=False), message, severity=Severity.WARNING),
        Check("remittance", _wrong_in_text(pl.col("remittance")), in_text, severity=Severity.WARNING),
    )


RULE = ChecksRule(
    id="creditor_reference",
    reason="RR07",
    severity=Severity.ERROR,
    remedy="Copy the reference from the invoice again, without blanks; the creditor's books know no other.",
    sources=(
        "ISO 11649 structured creditor reference",
        "SIX, Swiss implementation guidelines QR-bill: QR reference, modulo 10 recursive",
        "Febelfin, structured communication",
        "Finance Finland, reference number and check digit calculation",
        "Bits (Norway), KID",
    ),
    checks=_checks,
    suspects=_suspects,
)
