"""What every layout of a report shares: heads, decimals, exact text of a cell, totals by currency, shortened tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from canonical.contracts import Sheet
from canonical.currencies import exponent, exponent_of
from canonical.money import MINOR_UNITS, amount_text, grouped_minor

MONEY: Final = frozenset({"money", "balance"})
NUMBERS: Final = MONEY | {"count", "number", "share"}
ADDED: Final = frozenset({"money", "count"})
_LIKE_MINOR: Final = "JPY"
"""A currency whose minor unit is its unit."""
_UNKNOWN: Final = " (unknown)"
_SAME_CHARS_MAX: Final = 60
_HEADINGS: Final = {"credit_debit": "Direction"}


def heading(name: str) -> str:
    """Column name as a head: value_date → Value date."""
    words = name.replace("_minor", "").replace("_", " ").strip()
    return _HEADINGS.get(name) or words[:1].upper() + words[1:]


def digits_of(currency: str | None) -> int | None:
    """Decimals of a currency; None for an unknown one, whose amounts are told in minor units."""
    return exponent(currency or "")


def currency_told(code: str) -> str:
    """A currency as it is shown: with a word where ISO 4217 does not know it."""
    return code if not code or exponent(code) is not None else f"{code}{_UNKNOWN}"


def currency_of(frame: pl.DataFrame) -> pl.Expr:
    """The row's currency; empty where there is none."""
    return pl.col("currency").fill_null("") if "currency" in frame.columns else pl.lit("")


def money_text(minor: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """Exact decimal text of minor units, also of negative ones; of an unknown currency the minor units themselves."""
    known = pl.when(exponent_of(currency).is_not_null()).then(currency).otherwise(pl.lit(_LIKE_MINOR))
    sign = pl.when(minor < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return sign + amount_text(minor.abs(), known)


def money_told(minor: pl.Expr, currency: pl.Expr) -> pl.Expr:
    """The same where nothing else says that it is minor units."""
    untold = exponent_of(currency).is_null() & (minor != 0)
    return money_text(minor, currency) + pl.when(untold).then(pl.lit(MINOR_UNITS)).otherwise(pl.lit(""))


def kind_of(sheet: Sheet, name: str) -> str:
    """Kind of a column: text where nothing is said."""
    return sheet.kinds.get(name, "text")


def shown(value: Any, kind: str, currency: str | None) -> str:
    """A cell as exact text: money in its currency's decimals, thousands apart by commas; nothing for a missing value."""
    if value is None:
        return ""
    if kind in MONEY:
        return grouped_minor(value, currency or "")
    if kind == "share":
        return f"{value // 10:,}.{value % 10} %"
    return f"{value:,}" if kind in NUMBERS else str(value)


def totals_by_currency(sheet: Sheet) -> pl.DataFrame | None:
    """`currency` and the sums of what is added up, a row a currency; None where nothing is. A sum of nothing known is null."""
    added = [name for name in sheet.frame.columns if kind_of(sheet, name) in ADDED]
    if "currency" not in sheet.frame.columns or not added or sheet.frame.is_empty():
        return None
    sums = [pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()) for name in added]
    known = pl.any_horizontal(pl.col(added).is_not_null()) & pl.col("currency").is_not_null()
    return sheet.frame.group_by("currency").agg(sums).filter(known).sort("currency")


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
    rows = [[_text(row, name, kinds[name]) for name in kept] for row in first.iter_rows(named=True)]
    return Page(
        title=sheet.title or sheet.name, name=sheet.name, heads=tuple(heading(name) for name in kept),
        rights=tuple(kinds[name] in NUMBERS for name in kept), rows=rows, totals=_total_rows(sheet, kinds, kept),
        same=same, rows_in_all=frame.height,
    )  # fmt: skip


def _text(row: Mapping[str, Any], name: str, kind: str) -> str:
    """A row's cell as text."""
    return currency_told(row[name] or "") if name == "currency" else shown(row[name], kind, row.get("currency"))


def _alike(frame: pl.DataFrame, kinds: dict[str, str]) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Columns that say the same in each row, and the names of the others, but for empty ones."""
    same: list[tuple[str, str]] = []
    kept: list[str] = []
    for name in frame.columns:
        if kinds[name] in NUMBERS or frame.is_empty() or frame[name].n_unique() > 1:
            kept.append(name)
            continue
        value = _text({name: frame[name][0]}, name, kinds[name])
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
            cells[0] = f"Total {currency_told(currency)}"
        rows.append(cells)
    return rows
