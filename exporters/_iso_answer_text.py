"""Texts of a pain.002: whatever a client's file held comes out as text that the schema allows."""

from __future__ import annotations

from typing import Final

import polars as pl

from canonical.limits import IDENTIFICATION_CHARS_MAX
from exporters._iso_xml import FORBIDDEN, leaf, leaves, node, text

_INFO_CHARS_MAX: Final = 105
_REPLACEMENT: Final = "\ufffd"
_UNEVEN: Final = rf"[^\S ]|  |{FORBIDDEN}"
_LINE: Final = rf".{{1,{_INFO_CHARS_MAX}}}(?: |$)|.{{{_INFO_CHARS_MAX}}}"

Places = tuple[str, str]
"""What the client calls the ordinal of a payment, and its place in the file."""


def legible(value: pl.Expr) -> pl.Expr:
    """The text with a sign (U+FFFD) in place of each character that XML cannot hold."""
    return value.str.replace_all(FORBIDDEN, _REPLACEMENT)


def identification(value: pl.Expr, chars_max: int = IDENTIFICATION_CHARS_MAX) -> pl.Expr:
    """Max35Text of a client's own reference: one that is too long is cut, which only a rejected one can be."""
    kept = legible(value).str.strip_chars(" \t\r\n").str.head(chars_max)
    return kept.replace("", None)


def lines_of_info(value: pl.Expr) -> pl.Expr:
    """Text cut into lines of at most 105 characters (Max105Text), at blanks where there are any."""
    # Most texts are flat as they stand; only the others are worked on.
    uneven = pl.when(value.str.contains(_UNEVEN)).then(value)
    flat = pl.coalesce(legible(uneven).str.replace_all(r"\s+", " "), value).str.strip_chars(" ")
    return flat.str.extract_all(_LINE).list.join("\n").str.replace_all(" \n", "\n", literal=True).str.strip_chars(" \n")


def reason_xml(reason: pl.Expr, info: pl.Expr) -> pl.Expr:
    """`<StsRsnInf>`: Rsn/Cd (Prtry where it is no code of four characters) and AddtlInf, null where there is neither."""
    known = legible(reason).str.head(IDENTIFICATION_CHARS_MAX)
    is_code = known.str.len_chars() <= 4  # noqa: PLR2004 ExternalStatusReason1Code
    code = leaf("Cd", pl.when(is_code).then(known))
    proprietary = leaf("Prtry", pl.when(~is_code).then(known))
    return node("StsRsnInf", node("Rsn", code, proprietary), leaves("AddtlInf", text(lines_of_info(info))))


def place_said(places: Places) -> pl.Expr:
    """Row 2, line 3: as the client looks it up."""
    payment, line = places
    where = pl.format(f", {line.lower()} {{}}", "line")
    return pl.concat_str(pl.format(f"{payment} {{}}", "row"), where, pl.lit(": "), ignore_nulls=True)
