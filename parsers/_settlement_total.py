"""A last row that sums up a settlement report ("Total", amounts, nothing else) is no entry: it is held against the rows above it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import polars as pl

from canonical.codes import Level, Severity
from canonical.limits import BEYOND_A_SUM
from canonical.money import beyond_a_sum, format_minor
from parsers._csv_header import Layout
from parsers._csv_summary import LABEL
from parsers._csv_values import Cells, name_of, texts_of
from parsers._nacha_findings import Fault
from parsers._settlement_options import SettlementOptions
from parsers._settlement_rows import mapped

_RULE: Final = "settlement-csv-summary"
_SUMMED: Final = ("gross", "fee", "net", "amount")
_MISSING: Final = (
    "Nothing of the file is used. Ask the provider for all rows of it: one may be missing, or be there twice."
)
_NOTHING: Final = "Nothing: the row is no entry and counts nowhere."


def closing_row(cells: Cells, layout: Layout, options: SettlementOptions) -> bool:
    """True where the last row has amounts and a word for a sum, and nothing else: no day and no currency of its own."""
    if not cells.frame.height:
        return False
    texts, _ = texts_of(replace(cells, frame=cells.frame.tail(1)), layout)
    said = texts.row(0, named=True)
    own = [name for name, cell in layout.cells.items() if cell.agreed.constant is None and cell.agreed.default is None]
    amounts = set(options.amounts())
    others = [said[name] for name in own if name not in amounts and said[name] is not None]
    labels = pl.Series("label", others, dtype=pl.String).str.contains(LABEL)
    return bool(others) and labels.all() and any(said[name] is not None for name in amounts) and "booking_date" in own


def closing_findings(
    rows: pl.DataFrame, cells: Cells, where: pl.DataFrame, layout: Layout, options: SettlementOptions
) -> Iterator[pl.DataFrame]:
    """Whether the sums of the closing row are those of the rows. `cells`: the closing row alone, at `where`."""
    currencies = rows["currency"].drop_nulls().unique().to_list()
    same = Fault(_RULE, "CH16", Severity.WARNING, Level.PAYMENT, "row", _NOTHING)
    place = where.select("row", "line")
    if len(currencies) != 1 or any(beyond_a_sum(rows[name]) for name in _SUMMED):
        why = BEYOND_A_SUM if len(currencies) == 1 else "The rows are not in one currency; it is not compared."
        yield same.on(place, f"The row sums up those above it. {why}")
        return
    told = mapped(_in_currency(cells, layout, currencies[0]), where, layout, options).frame
    stated = {name: told[name][0] for name in _SUMMED if told[name][0] is not None}
    found = {name: int(rows[name].sum()) for name in stated}
    differ = [name for name in stated if stated[name] != found[name]]
    if not differ:
        compared = " and has their sums" if stated else "; its amounts cannot be read"
        yield same.on(place, f"The row sums up those above it{compared}.")
    for name in differ:
        said, held = (format_minor(minor, currencies[0]) for minor in (stated[name], found[name]))
        fault = Fault(_RULE, "AM10", Severity.FATAL, Level.PAYMENT, name, _MISSING)
        yield fault.on(place, f"The row sums up those above it: {name} {said} {currencies[0]}; they sum to {held}.")


def _in_currency(cells: Cells, layout: Layout, currency: str) -> Cells:
    """The cells with the currency of the rows, in which the sums are told."""
    places = layout.cells["currency"].places
    return replace(cells, frame=cells.frame.with_columns(pl.lit(currency).alias(name_of(at)) for at in places[:1]))
