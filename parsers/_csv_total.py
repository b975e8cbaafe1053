"""The last rows of a table may close it: by the template `TOTAL,<number of payments>,<sum of amounts>`, or as agreed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from canonical.codes import Level
from canonical.currencies import exponent, exponent_of
from canonical.frames import TOTALS, conform, empty
from parsers._csv_amounts import BLANK, symbols_pattern
from parsers._csv_options import TableOptions, Total

TOTAL: Final = "TOTAL"
_CLOSING: Final = re.compile(r'^"?TOTAL"?[,;\t|]')
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_SUM: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{0,5}))?")
UNIT_DIGITS: Final = 5
"""Decimals of a sum over currencies: units of 10^-5."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a closing row declares: the texts of count and sum, and the places (from 0) of their cells, where they have any."""

    count: str
    sum: str
    count_at: int | None
    sum_at: int | None


def closes(tail: bytes) -> bool:
    """True when the last line that is not blank is the template's total."""
    text = tail.replace(b"\0", b"").decode("utf-8", "replace")
    return bool(_CLOSING.match(text.rstrip().rsplit("\n", 1)[-1].lstrip()))


def declared(cells: Sequence[str], options: TableOptions) -> Declared | None:
    """What the row declares, None where it closes nothing. `cells` are trimmed."""
    for total in options.totals:
        text = cells[total.at - 1] if total.at <= len(cells) else ""
        match = re.fullmatch(total.pattern, text) if text else None
        if match is not None:
            return _declared(cells, total, match)
    return None


def _declared(cells: Sequence[str], total: Total, match: re.Match[str]) -> Declared:
    groups = match.groupdict()

    def figure(name: str, at: int | None) -> tuple[str, int | None]:
        if groups.get(name):
            return groups[name].strip(), None
        return (cells[at - 1], at - 1) if at is not None and at <= len(cells) else ("", None)

    (count, count_at), (amount, sum_at) = figure("count", total.count), figure("sum", total.sum)
    return Declared(count, amount, count_at, sum_at)


def totals_of(found: Declared, line: int, options: TableOptions) -> pl.DataFrame:
    """TOTALS frame of a closing row: what it leaves empty, it does not declare. Sums are of amounts without sign."""
    shown = _without_groups(found.sum, options)
    known = [
        ("count", found.count, int(found.count) if _COUNT.fullmatch(found.count) else None),
        ("sum", shown, _units(shown, options)),
    ]
    rows = [
        {
            "level": Level.FILE.value,
            "line": line,
            "field": f"{TOTAL}/{measure}",
            "measure": measure,
            "declared_text": text,
            "declared": number,
        }
        for measure, text, number in known
        if text
    ]
    schema = {"line": pl.Int64, "declared": pl.Int64}
    return conform(pl.DataFrame(rows, schema_overrides=schema), TOTALS) if rows else empty(TOTALS)


def written(units: int, options: TableOptions) -> str:
    """A sum in units of 10^-5 as the client writes amounts, without groups."""
    if options.minor_units:
        return str(units // 10 ** (UNIT_DIGITS - _minor_digits(options)))
    whole, fraction = divmod(units, 10**UNIT_DIGITS)
    return f"{whole}{options.decimal}{f'{fraction:05d}'.rstrip('0').ljust(2, '0')}"


def units() -> pl.Expr:
    """amount_minor of a currency in units of 10^-5, null where either is not known."""
    digits = exponent_of(pl.col("currency")).cast(pl.Int64)
    return pl.col("amount_minor").cast(pl.Int128) * pl.lit(10, dtype=pl.Int64) ** (UNIT_DIGITS - digits)


def units_of(payments: pl.DataFrame) -> int:
    """Sum of the amounts that could be read (amount_minor, currency), over all currencies, in units of 10^-5."""
    sums = payments.group_by("currency").agg(pl.col("amount_minor").sum())
    return int(sums.select(units().sum()).item())


def units_said(text: str, options: TableOptions) -> int | None:
    """A sum as the client writes it, in units of 10^-5; None where it is none."""
    return _units(_without_groups(text, options), options)


def _minor_digits(options: TableOptions) -> int:
    digits = exponent(options.one_currency or "")
    return UNIT_DIGITS if digits is None else digits


def _without_groups(text: str, options: TableOptions) -> str:
    """The figure without sign (where signs were agreed) and without right groups of three; as it is where it has none."""
    if options.symbols:
        agreed = symbols_pattern(options.symbols)
        text = re.sub(rf"^([+-]?)(?:{agreed}){BLANK}?|{BLANK}?(?:{agreed})$", r"\1", text, count=1)
    if options.sign != "none":
        text = text.strip("+-").strip()
    if options.thousands:
        sign = {" ": "[ \u00a0\u202f]", "'": "['’]"}.get(options.thousands, re.escape(options.thousands))
        if re.fullmatch(rf"[0-9]{{1,3}}({sign}[0-9]{{3}})+({re.escape(options.decimal)}[0-9]*)?", text):
            return re.sub(sign, "", text)
    return text


def _units(text: str, options: TableOptions) -> int | None:
    """Amount text in units of 10^-5."""
    if options.minor_units:
        scale: int = 10 ** (UNIT_DIGITS - _minor_digits(options))
        return int(text) * scale if re.fullmatch("[0-9]{1,13}", text) else None
    plain = text.replace(",", ".") if options.decimal == "," and "." not in text else text
    found = _SUM.fullmatch(plain if options.decimal == "." or "." not in text else "")
    return None if found is None else int(found[1]) * 10**UNIT_DIGITS + int((found[2] or "").ljust(UNIT_DIGITS, "0"))
