"""What a finding, a log line or a page may show of a client's value."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

_PARTIES: Final = ("debtor", "creditor", "counterparty")
_PARTS: Final = ("account", "name", "street", "building", "address_lines")
SENSITIVE_FIELDS: Final = frozenset(
    {*(f"{party}_{part}" for party in _PARTIES for part in _PARTS), "ultimate_debtor_name", "ultimate_creditor_name"}
)


_NUMBER: Final = re.compile(r"[A-Za-z]{0,4}[0-9][0-9A-Za-z]*(?:[ -](?:[0-9][0-9A-Za-z]*|[0-9A-Z]{4}\b))*")
_DIGITS_MIN: Final = 6
"""Fewer digits are no account: a code, a year, an amount."""


def mask(value: str) -> str:
    """First four and last four characters of ten or more, the first one of fewer: DE89370400440532013000 → DE89…3000."""
    if len(value) < 10:  # noqa: PLR2004
        return value[:1] + "…" if value else value
    return f"{value[:4]}…{value[-4:]}"


def mask_numbers(text: str) -> str:
    """Somebody else's words, with whatever may be an account masked."""

    def masked(found: re.Match[str]) -> str:
        number = found[0].replace(" ", "").replace("-", "")
        return mask(number) if sum(letter.isdigit() for letter in number) >= _DIGITS_MIN else found[0]

    return _NUMBER.sub(masked, text)


def mask_of(value: pl.Expr) -> pl.Expr:
    """The same for a String column; nulls stay null."""
    long = value.str.head(4) + pl.lit("…") + value.str.tail(4)
    short = pl.when(value.str.len_chars() > 0).then(value.str.head(1) + pl.lit("…")).otherwise(value)
    return pl.when(value.str.len_chars() >= 10).then(long).otherwise(short)  # noqa: PLR2004


def shown(field: str, value: pl.Expr) -> pl.Expr:
    """The value as a finding shows it: masked where the field is sensitive, else its first 60 characters."""
    return mask_of(value) if field in SENSITIVE_FIELDS else value.str.head(60)
