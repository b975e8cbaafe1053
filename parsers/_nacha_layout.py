"""Where the fields of the 94-character ACH records stand, and what their codes mean.

Source: Nacha Operating Rules, Appendix Three (ACH record format specifications): record layouts, transaction codes.
Positions are the standard's own: from 1, both ends included.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

RECORD_CHARS: Final = 94
BLOCKING_FACTOR: Final = 10
HASH_MODULUS: Final = 10**10
VERSION: Final = "94-character records"

KINDS: Final = {
    "1": "file header", "5": "batch header", "6": "entry", "7": "addenda",
    "8": "batch control", "9": "file control", "": "start of the file",
}  # fmt: skip
FILLER: Final = "F"
"""Kind given to the lines of nines that fill the last block."""
LINE_ENDS: Final = b"\r\n"
CARRIERS: Final = b"\x1a\x00"
"""What some systems write behind the last line of a file: it is no part of it."""

_BATCH: Final = rb"5(?:200|220|225|280)[ -~]{46}[A-Z]{3}"
_SNIFF: Final = re.compile(
    rb"[\s\x00-\x20]*(?:101[ 0-9A-Za-z]{20}[ 0-9]{10}|1[ 0-9A-Za-z.*-]{25,45}094101|1[ -~]{30,100}[\r\n]+"
    + _BATCH
    + rb"|"
    + _BATCH
    + rb")"
)
"""A file header as laid out; one whose fields are out of place, by what ends them or by the batch that follows; a batch."""

ACCOUNT_TYPES: Final = {"2": "CACC", "3": "SVGS", "4": "GLAC", "5": "LOAN"}
"""First digit of the transaction code: checking, savings, general ledger, loan."""

_ORDINARY: Final = {
    "CRDT": ("22", "32", "42", "52"),
    "DBIT": ("27", "37", "47", "55"),
}
_NO_MONEY: Final = {
    "CRDT": ("23", "33", "43", "53", "24", "34", "44", "54"),
    "DBIT": ("28", "38", "48", "29", "39", "49"),
}
_RETURNS: Final = {"CRDT": ("21", "31", "41", "51"), "DBIT": ("26", "36", "46", "56")}
_ADVICES: Final = {"CRDT": ("81", "83", "85", "87"), "DBIT": ("82", "84", "86", "88")}

DIRECTIONS: Final = {
    code: direction
    for table in (_ORDINARY, _NO_MONEY, _RETURNS, _ADVICES)
    for direction, codes in table.items()
    for code in codes
}
"""Every transaction code and the direction of its payment (of a return: of the payment that comes back)."""
NO_MONEY_CODES: Final = frozenset(code for codes in _NO_MONEY.values() for code in codes)
"""Prenotifications and zero-dollar entries: their amount is zero."""
ZERO_DOLLAR_CODES: Final = frozenset(code for code in NO_MONEY_CODES if code[1] in "49")
"""Remittance without money; the others (23, 28, …) are prenotifications."""
RETURN_CODES: Final = frozenset(code for codes in _RETURNS.values() for code in codes)
RETURNED_AS: Final = {
    code: next(back for back in _RETURNS[direction] if back[0] == code[0])
    for table in (_ORDINARY, _NO_MONEY)
    for direction, codes in table.items()
    for code in codes
}
"""Transaction code of an entry that goes out → that of its return or notification of change."""
ADVICE_CODES: Final = frozenset(code for codes in _ADVICES.values() for code in codes)

SERVICE_CLASSES: Final = frozenset({"200", "220", "225", "280"})


def cut(first: int, last: int, column: str = "text") -> pl.Expr:
    """Field at positions `first` to `last` of the record, as it stands there."""
    return pl.col(column).str.slice(first - 1, last - first + 1)


def words(first: int, last: int, column: str = "text") -> pl.Expr:
    """The same without blanks around it; null where nothing but blanks stands there."""
    return given(cut(first, last, column).str.strip_chars(" "))


def given(text: pl.Expr) -> pl.Expr:
    """The text, null where it is empty."""
    return text.replace("", None)


def number(text: pl.Expr) -> pl.Expr:
    """Int64 of a field that holds digits only, null otherwise."""
    # The cast refuses all that is no unsigned number, but a plus sign.
    digits = pl.when(~text.str.starts_with("+")).then(text)
    return digits.cast(pl.UInt64, strict=False).cast(pl.Int64, strict=False)


def sniff(head: bytes) -> bool:
    """True when the bytes begin with a file header, or (a fragment) with a batch header."""
    return _SNIFF.match(head) is not None


def closes(tail: bytes) -> bool:
    """True when the bytes end with a file control record and nothing but filler after it."""
    lines = tail.rstrip(LINE_ENDS + CARRIERS).splitlines()
    if len(lines) == 1 and len(lines[0]) >= 2 * RECORD_CHARS:
        whole = lines[0]
        first = len(whole) % RECORD_CHARS
        lines = [whole[at : at + RECORD_CHARS] for at in range(first, len(whole), RECORD_CHARS)]
    while lines and not lines[-1].strip(b"9 "):
        lines.pop()
    return bool(lines) and re.match(rb"9[0-9]{54}[ -~]{0,39}\s*$", lines[-1]) is not None
