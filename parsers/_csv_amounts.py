"""Amounts, directions and days as the client writes them: what was agreed and nothing else, to the cent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import polars as pl

from canonical.codes import CreditDebit
from canonical.currencies import exponent_of
from canonical.limits import AMOUNT_MINOR_MAX
from canonical.money import amount_text, minor_of
from parsers._csv_options import TableOptions
from parsers._csv_values import Misfit

_PARTS: Final = {"YYYY": "y", "YY": "y", "MM": "m", "M": "m", "DD": "d", "D": "d"}
_PART: Final = re.compile("|".join(_PARTS))
_PAYS, _COLLECTS = CreditDebit.CRDT.value, CreditDebit.DBIT.value
_ONE_OF_TWO: Final = "Fill one of the two amounts in each row; leave the other empty or zero."
BLANK: Final = "[ \u00a0\u202f]"
"""A blank as programs write it between thousands and beside currency signs, as a pattern."""


def symbols_pattern(symbols: Mapping[str, str]) -> str:
    """Regular expression of the agreed currency signs, the longest first."""
    return "|".join(re.escape(sign) for sign in sorted(symbols, key=len, reverse=True))


class Amounts(NamedTuple):
    """`text` as written, `minor` units (null where it is no amount), `direction` where the amount tells it."""

    text: pl.Series
    minor: pl.Series
    direction: pl.Series | None = None


def amounts_of(text: pl.Series, currency: pl.Series, options: TableOptions) -> Amounts:
    """Amounts of one column. With an agreed sign the direction is told by it."""
    bare = _unmarked(text, currency, options)
    if options.sign == "none":
        return _with_point(text, _unsigned(bare, currency, options), currency, options, None)
    negative = (bare.str.starts_with("-") | bare.str.ends_with("-")).fill_null(value=False)
    pays = negative if options.sign == "minus_pays" else ~negative
    plain = bare.to_frame("t").select(
        pl.coalesce(
            pl.col("t").str.extract(r"^[+-] ?([0-9.,].*[^-]|[0-9])$", 1), pl.col("t").str.extract(r"^([0-9.,].*?) ?-$", 1),
            pl.when(~pl.col("t").str.contains("[+-]")).then("t"), pl.lit("-"),
        )
    ).to_series()  # fmt: skip
    minor = _unsigned(plain, currency, options)
    return _with_point(text, minor, currency, options, _directions(pays))


def two_amounts(
    pays: pl.Series, collects: pl.Series, currency: pl.Series, options: TableOptions
) -> tuple[Amounts, Misfit | None]:
    """Amounts of two columns, of which each row fills one."""
    bare = [_unmarked(side, currency, options) for side in (pays, collects)]
    paid, collected = map(_filled, bare)
    text, plain = (
        pl.select(pl.when(paid).then(first).otherwise(second)).to_series()
        for first, second in ((pays, collects), (bare[0], bare[1]))
    )
    lost = paid == collected
    misfit = None
    if lost.any():
        words = "Both amounts are filled, or neither: nobody can tell whether the row pays or collects"
        rows = lost.arg_true()
        misfit = Misfit("amount", rows, text.gather(rows), words, _ONE_OF_TWO)
    minor = _unsigned(plain, currency, options)
    return _with_point(text, minor, currency, options, _directions(paid)), misfit


def _unmarked(text: pl.Series, currency: pl.Series, options: TableOptions) -> pl.Series:
    """Amounts without the currency sign beside them, where it says the row's currency; others as they stand."""
    if not options.symbols:
        return text
    agreed = symbols_pattern(options.symbols)
    frame = pl.DataFrame({"t": text, "c": currency}).with_columns(
        pl.col("t")
        .str.extract_groups(rf"^(?P<sign>[+-]?{BLANK}?)(?P<symbol>{agreed}){BLANK}?(?P<rest>.*)$")
        .alias("first"),
        pl.col("t")
        .str.extract_groups(rf"^(?P<rest>.*?){BLANK}?(?P<symbol>{agreed})(?P<sign>{BLANK}?-?)$")
        .alias("last"),
    )
    bare = pl.col("t")
    for name, parts in (("first", ("sign", "rest")), ("last", ("rest", "sign"))):
        fields = pl.col(name).struct
        means = fields.field("symbol").replace_strict(options.symbols, default=None, return_dtype=pl.String)
        bare = pl.when(means == pl.col("c")).then(pl.concat_str(fields.field(part) for part in parts)).otherwise(bare)
    return frame.select(bare.alias("t")).to_series()


def _directions(pays: pl.Series) -> pl.Series:
    return pl.select(pl.when(pays).then(pl.lit(_PAYS)).otherwise(pl.lit(_COLLECTS))).to_series()


def _filled(text: pl.Series) -> pl.Series:
    """Neither empty nor a zero, however that is written."""
    return (text.str.strip_chars("0.,' -") != "").fill_null(value=False)


def _with_point(
    text: pl.Series, minor: pl.Series, currency: pl.Series, options: TableOptions, direction: pl.Series | None
) -> Amounts:
    """Amounts in minor units are shown with the decimal point that they imply."""
    if options.minor_units:
        frame = pl.DataFrame({"minor": minor, "currency": currency, "text": text})
        written = amount_text(pl.col("minor"), pl.col("currency"))
        text = frame.select(pl.coalesce(pl.when(pl.col("minor").is_not_null()).then(written), "text")).to_series()
    return Amounts(text, minor, direction)


def _unsigned(text: pl.Series, currency: pl.Series, options: TableOptions) -> pl.Series:
    """Int64 minor units of amounts without sign: where none is agreed, a plus tells of other rows with a minus."""
    if options.minor_units:
        return _of_minor_units(text, currency)
    text = text.to_frame("t").select(plain_digits(pl.col("t"), options.thousands, options.decimal)).to_series()
    signed = text.str.contains("+", literal=True)
    if signed.any():
        text = text.set(signed.fill_null(value=False), None)
    return minor_of(text, currency)


def plain_digits(digits: pl.Expr, thousands: str, decimal: str) -> pl.Expr:
    """Digits with a decimal point and without signs between thousands; null where these are not as agreed."""
    if thousands:
        sign, point = {" ": BLANK, "'": "['’]"}.get(thousands, re.escape(thousands)), re.escape(decimal)
        fits = digits.str.contains(rf"^(([0-9]+|[0-9]{{1,3}}({sign}[0-9]{{3}})+)({point}[0-9]*)?|{point}[0-9]+)$")
        digits = pl.when(fits).then(digits.str.replace_all(sign, ""))
    elif decimal == ",":
        digits = pl.when(~digits.str.contains(".", literal=True)).then(digits)
    return digits if decimal == "." else digits.str.replace(decimal, ".", literal=True)


def _of_minor_units(text: pl.Series, currency: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"t": text, "c": currency})
    number = pl.when(pl.col("t").str.contains(r"^[0-9]{1,18}$")).then("t").cast(pl.Int64, strict=False)
    held = (number <= AMOUNT_MINOR_MAX) & exponent_of(pl.col("c")).is_not_null()
    return frame.select(pl.when(held).then(number)).to_series()


def days_of(text: pl.Series, pattern: str) -> pl.Series:
    """Dates of text that keeps the pattern, null of others. A year of two digits is in this century."""
    column = pl.col("t")
    iso = re.sub(
        _PART, lambda part: f"(?P<{_PARTS[part[0]]}>{_digits(part[0])})", re.escape(pattern).replace(r"\-", "-")
    )
    century = "" if "YYYY" in pattern else "20"
    day = (
        pl.when(column.str.contains(f"^{iso}$"))
        .then(column.str.replace(f"^{iso}$", f"{century}${{y}}-${{m}}-${{d}}"))
        .str.to_date("%Y-%m-%d", strict=False)
    )
    held = text.unique(maintain_order=True)
    days = held.to_frame("t").select("t", day.alias("day"))
    if held.len() == 1:
        return days["day"].new_from_index(0, text.len())
    return text.to_frame("t").join(days, on="t", how="left", maintain_order="left", nulls_equal=True)["day"]


def _digits(part: str) -> str:
    return "[0-9]{1,2}" if len(part) == 1 else f"[0-9]{{{len(part)}}}"
