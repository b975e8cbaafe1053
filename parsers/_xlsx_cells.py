"""What a cell stores becomes the text its user typed: decimal text never passes through binary floating point.

A spreadsheet keeps fifteen significant digits and stores up to seventeen of the double behind them (9464.30 is stored as
9464.2999999999993). Stored digits beyond the fifteenth are rounded away in decimal, which gives back what was typed; what is
not exact in its currency after that is no amount.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from parsers._csv_header import Layout
from parsers._csv_options import TableOptions
from parsers._csv_values import Cells, Misfit, name_of, trimmed
from parsers._xlsx_book import Book
from parsers._xlsx_sheet import Part, column_letters

_DIGITS_KEPT: Final = 15
_DIGITS_STORED_MAX: Final = 18
_NUMBER: Final = r"^-?[0-9]+(\.[0-9]+)?$"
_EPOCH: Final = dt.date(1899, 12, 30)
_EPOCH_1904: Final = dt.date(1904, 1, 1)
_FIRST_DAY: Final = 61
"""The first day that every spreadsheet counts alike: 1900 was no leap year, and they take it for one."""
_LAST_DAY: Final = 2_958_465
_BOOLEANS: Final = {"1": "true", "0": "false"}
_ACCOUNTS: Final = ("creditor_account", "debtor_account")
_TYPE_TEXT: Final = "Format the column as text, then type the value again."


def text_cells(part: Part, column: int, book: Book, texts: pl.Series) -> pl.DataFrame:
    """Text of one column's cells, and of what kind it is: columns text, number, date, truth, error, formula (Boolean but the first)."""
    cells = part.of(column)
    kind, style = pl.col("kind").fill_null("n"), pl.col("style").fill_null("0")
    shared = cells.select(pl.when(kind == "s").then(pl.col("text").cast(pl.Int64, strict=False))).to_series()
    held = shared.to_frame("i").select(pl.when(pl.col("i").is_between(0, texts.len() - 1)).then("i")).to_series()
    number = kind == "n"
    day = number & style.is_in(sorted(book.dates))
    frame = cells.with_columns(
        texts.gather(held).alias("shared"), _iso_day(book).alias("day"), rounded().alias("plain")
    )
    return frame.select(
        pl.when(kind == "s").then("shared")
        .when(kind == "b").then(pl.col("text").replace_strict(_BOOLEANS, default=None, return_dtype=pl.String))
        .when(kind == "e").then(None)
        .when(day).then(pl.coalesce("day", "plain"))
        .when(number).then("plain")
        .otherwise("text").alias("text"),
        (number & ~day & pl.col("text").is_not_null()).fill_null(value=False).alias("number"),
        (day & pl.col("text").is_not_null()).fill_null(value=False).alias("date"),
        (kind == "b").alias("truth"),
        (kind == "e").alias("error"),
        pl.col("formula").fill_null(value=False),
    )  # fmt: skip


def _iso_day(book: Book) -> pl.Expr:
    """ISO date of a whole number of days, null of others."""
    days = pl.when(pl.col("text").str.contains(r"^[0-9]{1,7}$")).then("text").cast(pl.Int64, strict=False)
    first, epoch = (1, _EPOCH_1904) if book.from_1904 else (_FIRST_DAY, _EPOCH)
    held = pl.when(days.is_between(first, _LAST_DAY)).then(days)
    return (pl.lit(epoch) + pl.duration(days=held)).dt.to_string("%Y-%m-%d")


def rounded() -> pl.Expr:
    """The column `text` rounded to fifteen significant digits where it is a plain decimal number, else as it is."""
    text = pl.col("text")
    digits = text.str.strip_prefix("-").str.replace(".", "", literal=True)
    significant = digits.str.strip_chars_start("0").str.len_bytes().cast(pl.Int64)
    long = text.str.contains(_NUMBER) & significant.is_between(_DIGITS_KEPT + 1, _DIGITS_STORED_MAX)
    decimals = text.str.extract(r"\.([0-9]+)$", 1).str.len_bytes().cast(pl.Int64).fill_null(0)
    dropped = significant - _DIGITS_KEPT
    scale = pl.coalesce(*(pl.when(dropped == n).then(pl.lit(10**n, dtype=pl.Int64)) for n in (1, 2, 3)))
    # Only digits behind the point are rounded: a whole number of sixteen digits has lost some of its own.
    fits = long & (decimals >= dropped)
    kept = (digits.cast(pl.Int64, strict=False) + scale // 2) // scale
    places = decimals - dropped
    padded = pl.lit("0" * _DIGITS_STORED_MAX) + kept.cast(pl.String)
    whole = padded.str.head(-places.cast(pl.Int64)).str.strip_chars_start("0")
    whole = pl.when(places == 0).then(kept.cast(pl.String)).when(whole == "").then(pl.lit("0")).otherwise(whole)
    fraction = pl.when(places > 0).then(padded.str.tail(places)).otherwise(pl.lit("")).str.strip_chars_end("0")
    sign = pl.when(text.str.starts_with("-")).then(pl.lit("-")).otherwise(pl.lit(""))
    point = pl.when(fraction == "").then(pl.lit("")).otherwise(pl.lit(".") + fraction)
    return pl.when(fits).then(sign + whole + point).otherwise(text)


def read_cells(
    part: Part, layout: Layout, options: TableOptions, book: Book, texts: pl.Series
) -> tuple[Cells, list[Misfit], dict[int, pl.Series]]:
    """Trimmed cells of the columns that are read, what does not fit, and the rows with a formula by column."""
    amounts = {place for place in (layout.pays, layout.collects) if place is not None}
    amounts |= set(layout.cells["amount"].places) if "amount" in layout.cells else set()
    columns, misfits, formulas = [], [], {}
    for place in layout.places:
        told = text_cells(part, place, book, texts)
        text = told["text"]
        if place in amounts:
            text = as_written(text, told["number"], options)
        misfits += _misfits(told, layout, place, lossy=place not in amounts)
        computed = told["formula"] & text.is_not_null() & ~told["error"]
        if computed.any():
            formulas[place] = computed.arg_true()
        columns.append(text.alias(name_of(place)))
    frame = trimmed(pl.DataFrame(columns))
    return Cells(frame), misfits, formulas


def as_written(text: pl.Series, number: pl.Series, options: TableOptions) -> pl.Series:
    """A stored number with the decimal sign that was agreed for amounts in text."""
    if options.decimal == ".":
        return text
    frame = pl.DataFrame({"t": text, "n": number})
    return frame.select(
        pl.when("n").then(pl.col("t").str.replace(".", options.decimal, literal=True)).otherwise("t")
    ).to_series()


def _misfits(told: pl.DataFrame, layout: Layout, place: int, *, lossy: bool) -> list[Misfit]:
    """Errors, formulas that nobody computed, and numbers that have lost digits."""
    ours = next((name for name, cell in layout.cells.items() if place in cell.places), "amount")
    heading = layout.cells[ours].heading if ours in layout.cells else ""
    where = f"Column {column_letters(place)}" + (f" ({heading})" if heading else "")
    text = told["text"]
    found: list[Misfit] = []

    def tell(lost: pl.Series, message: str, remedy: str) -> None:
        if lost.any():
            rows = lost.arg_true()
            found.append(Misfit(ours, rows, text.gather(rows), f"{where} {message}", remedy))

    tell(told["error"], "shows an error such as #N/A instead of a value", "Mend the formula, or type the value.")
    tell(
        told["formula"] & text.is_null() & ~told["error"], "has a formula without a computed value",
        "Open the workbook in your spreadsheet program, let it compute, save it; or type the value.",
    )  # fmt: skip
    if lossy:
        digits = text.str.replace_all("[^0-9]", "").str.strip_chars_start("0").str.len_bytes()
        lost = told["number"] & (text.str.contains("[Ee]") | (digits > _DIGITS_KEPT))
        if ours in _ACCOUNTS:
            tell(told["date"], "holds a date: “{}” is no account", _TYPE_TEXT)
            tell(told["truth"], "holds true or false: “{}” is no account", _TYPE_TEXT)
        tell(lost, "holds a number of which a spreadsheet keeps only fifteen digits: “{}”", _TYPE_TEXT)
    return found
