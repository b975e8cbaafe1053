"""Postal addresses of one party: how they are structured, and a structured form guessed from free lines."""

from __future__ import annotations

from typing import Final

import polars as pl

PARTS: Final = ("street", "building", "post_code", "town")
ALL: Final = (*PARTS, "country", "address_lines")
HYBRID_LINES_MAX: Final = 2
LINE_CHARS_MAX: Final = 70

# A post code before the town (most of Europe), after it (United Kingdom, Canada), or between state and end (United States).
_TOWN_LAST: Final = (
    r"(?m)^\s*(?:[A-Z]{1,3}-)?([0-9]{4} [A-Z]{2}|[0-9]{4,6}|[0-9]{3} [0-9]{2})\s+(\pL[^0-9\n,]*?)(?:,?\s+[A-Z]{2})?\s*$"
)
_TOWN_FIRST: Final = (
    r"(?m)^\s*(\pL[^0-9\n,]*?),?\s+([A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}|[A-Z][0-9][A-Z] [0-9][A-Z][0-9])\s*$"
)
_STATES: Final = r"(?m)^\s*(\pL[^0-9\n,]*?),?\s+[A-Z]{2}\s+([0-9]{5}(?:-[0-9]{4})?)\s*$"
_COUNTRY: Final = r"(?m)^\s*([A-Z]{2})\s*$"


def column(party: str, part: str) -> pl.Expr:
    """Text of a part of the party's address, null where it is empty."""
    text = pl.col(f"{party}_{part}").str.strip_chars()
    return pl.when(text != "").then(text)


def has_town_and_country(party: str) -> pl.Expr:
    """Boolean: both stand as elements of their own."""
    return column(party, "town").is_not_null() & column(party, "country").is_not_null()


def lacking(party: str) -> pl.Expr:
    """Which of the two does not stand as an element of its own, in words."""
    town, country = column(party, "town").is_not_null(), column(party, "country").is_not_null()
    return (
        pl.when(country).then(pl.lit("town")).when(town).then(pl.lit("country")).otherwise(pl.lit("town and country"))
    )


def is_given(party: str) -> pl.Expr:
    """Boolean: there is an address, be it one line."""
    return pl.any_horizontal(column(party, part).is_not_null() for part in ALL)


def lines(party: str) -> pl.Expr:
    """Number of address lines."""
    return column(party, "address_lines").str.count_matches("\n", literal=True).fill_null(0) + column(
        party, "address_lines"
    ).is_not_null().cast(pl.UInt32)


def has_long_line(party: str) -> pl.Expr:
    """Boolean: an address line is longer than a hybrid address carries."""
    return column(party, "address_lines").str.contains(rf"[^\n]{{{LINE_CHARS_MAX + 1}}}")


def repeats_itself(party: str) -> pl.Expr:
    """Boolean: an address line is the town or the country that stands as an element, or ends with the town."""
    written = column(party, "address_lines").str.to_lowercase()
    town, country = column(party, "town").str.to_lowercase(), column(party, "country").str.to_lowercase()
    whole = pl.lit("\n") + written + pl.lit("\n")
    after_blank = pl.lit(" ") + town + pl.lit("\n")
    return pl.any_horizontal(
        whole.str.contains(pl.lit("\n") + town + pl.lit("\n"), literal=True),
        whole.str.contains(after_blank, literal=True),
        whole.str.contains(pl.lit("\n") + country + pl.lit("\n"), literal=True),
    )


def may_be_no_hybrid(party: str) -> pl.Expr:
    """Boolean: cheap, and true of all lines that are too many, too long, or repeat town or country."""
    written = pl.col(f"{party}_address_lines")
    small = written.str.to_lowercase()
    repeated = [
        small.str.contains(pl.col(f"{party}_{part}").str.to_lowercase(), literal=True) for part in ("town", "country")
    ]
    return written.str.contains("\n[^\n]*\n") | (written.str.len_bytes() > LINE_CHARS_MAX) | pl.any_horizontal(repeated)


def proposal(party: str, bank_in: pl.Expr) -> pl.Expr:
    """A structured form in words, guessed from the lines; null where no town is found. A guess is never sent.

    `bank_in`: country of the party's bank, for lines that name none.
    """
    written = column(party, "address_lines")
    before, after, states = (written.str.extract_groups(pattern) for pattern in (_TOWN_LAST, _TOWN_FIRST, _STATES))
    town = pl.coalesce(
        column(party, "town"), before.struct.field("2"), after.struct.field("1"), states.struct.field("1")
    ).str.strip_chars()
    code = pl.coalesce(
        column(party, "post_code"), before.struct.field("1"), after.struct.field("2"), states.struct.field("2")
    )
    by_form = (
        pl.when(states.struct.field("2").is_not_null())
        .then(pl.lit("US"))
        .when(after.struct.field("2").str.contains("^[A-Z]{1,2}[0-9][A-Z0-9]? "))
        .then(pl.lit("GB"))
        .when(before.struct.field("1").str.contains(" [A-Z]"))
        .then(pl.lit("NL"))
    )
    country = pl.coalesce(column(party, "country"), written.str.extract(_COUNTRY, 1), by_form, bank_in)
    told = pl.concat_str(
        pl.lit("town “") + town + pl.lit("”"),
        pl.lit("country “") + country + pl.lit("”"),
        pl.lit("post code “") + code + pl.lit("”"),
        separator=", ",
        ignore_nulls=True,
    )
    return pl.when(town.is_not_null()).then(told)
