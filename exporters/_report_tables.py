"""What every layout of a report shares: heads, decimals, exact text of a cell, totals by currency, shortened tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from canonical.contracts import Sheet
from canonical.currencies import exponent, exponent_of
from canonical.money import amount_text, format_minor

MONEY: Final = frozenset({"money", "balance"})
NUMBERS: Final = MONEY | {"count", "number"}
ADDED: Final = frozenset({"money", "count"})
_TWO_DIGITS: Final = 2
_LIKE_UNKNOWN: Final = "EUR"
_SAME_CHARS_MAX: Final = 60
_HEADINGS: Final = {"credit_debit": "Direction"}


def heading(name: str) -> str:
    """Column name as a head: value_date → Value date."""
    words = name.replace("_minor", "").replace("_", " ").strip()
    return _HEADINGS.get(name) or words[:1].upper() + words[1:]


def digits_of(currency: str | None) -> int:
    """Decimals of a currency; an unknown one counts as two digits, as in `canonical.money.format_minor`."""
    digits = exponent(currency or "")
    return _TWO_DIGITS if digits is None else digits


def currency_of(frame: pl.DataFrame) -> pl.Expr:
    """The row's currency; empty where there is none."""
    return pl.col("currency").fill_null("") if "currency" in frame.columns else pl.lit("")


def money_text(minor: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """Exact decimal text of minor units, also of negative ones; an unknown currency counts as two digits."""
    known = pl.when(exponent_of(currency).is_not_null()).then(currency).otherwise(pl.lit(_LIKE_UNKNOWN))
    sign = pl.when(minor < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return sign + amount_text(minor.abs(), known)


def kind_of(sheet: Sheet, name: str) -> str:
    """Kind of a column: text where nothing is said."""
    return sheet.kinds.get(name, "text")


def shown(value: Any, kind: str, currency: str | None) -> str:
    """A cell as exact text: money in its currency's decimals, thousands apart by commas; nothing for a missing value."""
    if value is None:
        return ""
    if kind in MONEY:
        whole, point, fraction = format_minor(value, currency or "").partition(".")
        sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        return f"{sign}{int(digits):,}{point}{fraction}"
    return f"{value:,}" if kind in NUMBERS else str(value)


def totals_by_currency(sheet: Sheet) -> pl.DataFrame | None:
    """`currency` and the sums of what is added up, a row a currency; None where nothing is."""
    added = [name for name in sheet.frame.columns if kind_of(sheet, name) in ADDED]
    if "currency" not in sheet.frame.columns or not added or sheet.frame.is_empty():
        return None
    return sheet.frame.group_by("currency").agg(pl.col(added).sum()).drop_nulls("currency").sort("currency")


@dataclass(frozen=True, slots=True)
class Page:
    """A table as text for a page. `same`: head and value of columns that hold one value, told above the table instead.

    `rights`: which columns stand to the right. `rows_in_all`: of the table, where `rows` are only its first.
    """

    title: str
    name: str
    heads: tuple[str, ...]
    rights: tuple[bool, ...]
    rows: list[list[str]]
    totals: list[list[str]]
    same: tuple[tuple[str, str], ...]
    rows_in_all: int


def page_of(sheet: Sheet, rows_max: int) -> Page:
    """The first rows of a table as text. Empty columns and columns of one value make room for the others."""
    frame = sheet.frame
    kinds = {name: kind_of(sheet, name) for name in frame.columns}
    same, kept = _alike(frame, kinds)
    first = frame.head(rows_max)
    rows = [
        [shown(row[name], kinds[name], row.get("currency")) for name in kept] for row in first.iter_rows(named=True)
    ]
    return Page(
        title=sheet.title or sheet.name, name=sheet.name, heads=tuple(heading(name) for name in kept),
        rights=tuple(kinds[name] in NUMBERS for name in kept), rows=rows, totals=_total_rows(sheet, kinds, kept),
        same=same, rows_in_all=frame.height,
    )  # fmt: skip


def _alike(frame: pl.DataFrame, kinds: dict[str, str]) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Columns that say the same in each row, and the names of the others, but for empty ones."""
    same: list[tuple[str, str]] = []
    kept: list[str] = []
    for name in frame.columns:
        if kinds[name] in NUMBERS or frame.is_empty() or frame[name].n_unique() > 1:
            kept.append(name)
            continue
        value = shown(frame[name][0], kinds[name], None)
        if value and (frame.height == 1 or len(value) > _SAME_CHARS_MAX):
            kept.append(name)
        elif value:
            same.append((heading(name), value))
    return tuple(same), kept


def _total_rows(sheet: Sheet, kinds: dict[str, str], kept: list[str]) -> list[list[str]]:
    totals = totals_by_currency(sheet)
    if totals is None:
        return []
    rows = []
    for total in totals.iter_rows(named=True):
        currency = total["currency"]
        cells = [shown(total[name], kinds[name], currency) if kinds[name] in ADDED else "" for name in kept]
        if kinds[kept[0]] not in ADDED:
            cells[0] = f"Total {currency}"
        rows.append(cells)
    return rows
