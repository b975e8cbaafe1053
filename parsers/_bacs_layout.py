"""Where the fields of Bacs Standard 18 records stand, and what their codes mean.

Source: Bacs, PN5011 file structures (Standard 18): volume, header, trailer and user labels of 80 characters, data records
of 100 (single processing day) or 106 (multi processing day). Positions are the standard's own: from 1, both ends included.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import polars as pl

SINGLE_CHARS: Final = 100
MULTI_CHARS: Final = 106
LABEL_CHARS: Final = 80
LABELS: Final = ("VOL1", "HDR1", "HDR2", "UHL1", "EOF1", "EOF2", "UTL1", "EOV1", "EOV2")
"""The last two end a volume of several, which no submission has: they are known to be told."""
TRAILERS: Final = ("EOF1", "EOF2", "EOV1", "EOV2")
"""What ends a file before its user trailer; behind it they stand in the wrong place, and nothing is missing."""
DATA: Final = "data"
"""Kind of every record that is no label."""

CREDIT_CODES: Final = ("99", "Z4", "Z5")
SEQUENCE_TYPES: Final = {"01": "FRST", "17": "RCUR", "18": "RPRE", "19": "FNAL"}
"""Transaction codes of direct debits: first, regular, re-presented, final collection."""
DIRECTIONS: Final = dict.fromkeys(CREDIT_CODES, "CRDT") | dict.fromkeys(SEQUENCE_TYPES, "DBIT")
INSTRUCTIONS: Final = {"0N": "a new instruction", "0C": "a cancelled instruction", "0S": "a converted instruction"}
"""Transaction codes of direct debit instructions (AUDDIS): they move no money."""
PURPOSES: Final = {"Z4": "INTE", "Z5": "DIVD"}
CONTRA_CODES: Final = {"17": "CRDT", "99": "DBIT"}
"""Transaction code of a contra record and the direction of the payments that it balances."""

CHARACTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-/&"
_DATA_HEAD: Final = re.compile(rb"\s*[0-9]{14}[0-9 ](?:01|17|18|19|99|Z4|Z5|0[NCS])[0-9]{14}.{4}[0-9]{11}", re.DOTALL)
_LABEL_HEAD: Final = re.compile(rb"\s*(?:VOL1|HDR1[ A]|UHL1[ 0-9]{6})")
_INBOUND: Final = "****830000"
_BEHIND: Final = re.compile(rb"(?<=[\r\n])(?:E(?:OF|OV)[12][^\r\n]{0,110}[\r\n]+)+\Z")


def cut(first: int, last: int) -> pl.Expr:
    """Field at positions `first` to `last` of the record, as it stands there."""
    return pl.col("text").str.slice(first - 1, last - first + 1)


def words(first: int, last: int) -> pl.Expr:
    """The same without blanks around it; null where nothing but blanks stands there."""
    return cut(first, last).str.strip_chars(" ").replace({"": None})


def number(text: pl.Expr) -> pl.Expr:
    """Int64 of a field that holds digits only, null otherwise."""
    # The cast refuses all that is no unsigned number, but a plus sign.
    digits = pl.when(~text.str.starts_with("+")).then(text)
    return digits.cast(pl.UInt64, strict=False).cast(pl.Int64, strict=False)


def is_contra() -> pl.Expr:
    """Boolean: the data record balances others: code 17 or 99, to the originating account itself, called CONTRA."""
    named = cut(65, 70) == "CONTRA"
    return named & cut(16, 17).is_in(list(CONTRA_CODES)) & (cut(1, 14) == cut(18, 31))


def day_of(text: pl.Expr) -> pl.Expr:
    """Date of a text YYDDD, null where it is none."""
    digits = pl.when(text.str.contains("^[0-9]{5}$")).then(pl.lit("20") + text)
    return digits.str.to_date("%Y%j", strict=False)


def date_of(text: str) -> dt.date | None:
    """The same for one text."""
    day: dt.date | None = pl.select(day_of(pl.lit(text))).item()
    return day


def is_inbound(first: str) -> bool:
    """True when the first record is of a file that a bank or Bacs gives out: its labels are laid out otherwise."""
    volume = first.startswith("VOL1") and first[37:47] == _INBOUND
    return volume or bool(re.match(r"HDR1 A.{6}Z", first))


def sniff(head: bytes) -> bool:
    """True when the bytes begin with a label or a data record."""
    return _LABEL_HEAD.match(head) is not None or _DATA_HEAD.match(head) is not None


def closes(tail: bytes) -> bool:
    """True when the bytes end with a user trailer label, or with labels that belong before it."""
    body = _BEHIND.sub(b"", tail.rstrip(b" \r\n\x1a") + b"\n").rstrip(b" \r\n\x1a")
    at = body.rfind(b"UTL1")
    return at >= 0 and re.fullmatch(rb"UTL1[0-9]{40}[ -~]{0,62}", body[at:]) is not None
