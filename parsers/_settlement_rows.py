"""Rows of a provider's settlement CSV as typed columns: texts by the mapping, signed amounts, days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from parsers._csv_amounts import days_of
from parsers._csv_header import SIGNS, Fault, Layout, find_columns, undivided
from parsers._csv_options import Column
from parsers._csv_values import Cells, Misfit, texts_of
from parsers._settlement_amounts import signed_amounts
from parsers._settlement_options import SettlementOptions

_SIGN: Final = "has a currency sign that is not agreed (option symbols), or that of another currency than the row's"
COLUMNS_OF_TEXT: Final = ("gross_currency",)
DATES: Final = ("booking_date", "value_date")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Typed rows. `frame`: row, line, our texts, days, `gross`, `fee`, `net`, `amount` in minor units, signed (minus: out).

    `misfits`: cells that do not fit, by the frame's rows.
    """

    frame: pl.DataFrame
    misfits: list[Misfit]


def layout_of(names: list[str] | None, options: SettlementOptions) -> tuple[Layout | None, list[Fault]]:
    """Where our columns and amounts stand, None with faults where some are missing."""
    amounts = {name: Column.model_validate({"from": place}) for name, place in options.amounts().items()}
    layout, faults = find_columns(names, {**options.columns, **amounts}, options.width)
    if layout is None and names is not None and len(names) == 1 and any(sign in names[0] for sign in SIGNS):
        faults = [undivided(names[0], options.delimiter)]
    return layout, faults


def headings_of(layout: Layout) -> dict[str, str]:
    """Our columns and amounts → what the provider calls them. What one of ours is made of is named for the whole."""
    said = {ours: cell.heading for ours, cell in layout.cells.items() if cell.heading}
    for whole in ("gross", "net", "amount", "fee"):
        parts = [
            heading for ours, heading in said.items() if ours.startswith(f"{whole}_") and ours not in COLUMNS_OF_TEXT
        ]
        if whole not in said and parts:
            said[whole] = ", ".join(parts)
    if "net" not in said and "gross" in said:
        said["net"] = said["gross"]
    return said


def mapped(cells: Cells, where: pl.DataFrame, layout: Layout, options: SettlementOptions) -> Mapped:
    """The rows of one block. Empty where there are none."""
    texts, misfits = texts_of(cells, layout)
    if "currency" in texts.columns:
        texts = texts.with_columns(pl.col("currency").str.to_uppercase())
    frame = pl.concat([where.select("row", "line"), texts], how="horizontal")
    for name in DATES:
        if name in texts.columns:
            days = days_of(_day_texts(texts[name], options), options.columns[name].date or options.date)
            misfits += _lost(name, texts[name], days, f"is no date as agreed ({options.date})")
            frame = frame.with_columns(days.alias(name))
    currency = (
        texts["currency"]
        if "currency" in texts.columns
        else pl.Series("currency", [None] * len(frame), dtype=pl.String)
    )
    for name in ("gross", "net", "amount"):
        minor, lost = _money(name, texts, currency, options)
        frame = frame.with_columns(minor.alias(name))
        misfits += lost
    fee, lost = _fees(texts, currency, options)
    frame = frame.with_columns(fee.alias("fee")).rename({"batch": "batch_id"}, strict=False)
    return Mapped(frame, [*misfits, *lost])


def _day_texts(text: pl.Series, options: SettlementOptions) -> pl.Series:
    """The date before the time of day, where one is agreed to follow."""
    if not options.times:
        return text
    timed = pl.col("t").str.extract(
        r"^(.+?)[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[A-Z]{1,5}| ?[+-][0-9:]{2,6})?$", 1
    )
    return text.to_frame("t").select(pl.coalesce(timed, "t")).to_series()


def _money(
    name: str, texts: pl.DataFrame, currency: pl.Series, options: SettlementOptions
) -> tuple[pl.Series, list[Misfit]]:
    """One amount of each row: what comes in is positive. Null where its cells are empty."""
    if name == "gross" and "gross_currency" in texts.columns:
        currency = texts["gross_currency"].str.to_uppercase()
    parts = [(column, 1 if column == name else (1 if column.endswith("_credit") else -1))
             for column in (name, f"{name}_credit", f"{name}_debit") if column in texts.columns]  # fmt: skip
    inverse = -1 if parts and parts[0][0] == name and options.sign == "minus_in" else 1
    return _sum(parts, texts, currency, options, inverse)


def _fees(texts: pl.DataFrame, currency: pl.Series, options: SettlementOptions) -> tuple[pl.Series, list[Misfit]]:
    """What the row costs, positive; null where no column of costs is filled."""
    parts = [(column, 1) for column in texts.columns if column.startswith("fee_")]
    return _sum(parts, texts, currency, options, 1 if options.fee_sign == "cost_positive" else -1)


def _sum(
    parts: list[tuple[str, int]], texts: pl.DataFrame, currency: pl.Series, options: SettlementOptions, factor: int
) -> tuple[pl.Series, list[Misfit]]:
    total, misfits = pl.Series([None] * texts.height, dtype=pl.Int64), list[Misfit]()
    for column, side in parts:
        minor = signed_amounts(texts[column], currency, options)
        signed = texts[column].str.contains(r"[\p{Sc}A-Za-z]").fill_null(value=False)
        for chosen, words in ((signed, _SIGN), (~signed, "is no amount in the row's currency")):
            misfits += _lost(column, texts[column].set(~chosen, None), minor, words)
        frame = pl.DataFrame({"total": total, "more": minor * (side * factor)})
        total = frame.select(
            pl.when(pl.col("more").is_null()).then("total").otherwise(pl.col("total").fill_null(0) + pl.col("more"))
        ).to_series()
    return total, misfits


def _lost(name: str, text: pl.Series, read: pl.Series, words: str) -> list[Misfit]:
    lost = text.is_not_null() & read.is_null()
    if not lost.any():
        return []
    rows = lost.arg_true()
    return [Misfit(name, rows, text.gather(rows), f"“{{}}” {words}", "")]
